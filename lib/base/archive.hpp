#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

/// State as bytes, and back into the same kind of objects of the same build. A class says what it consists of
/// once, in `template <typename Archive> void archive(Archive& a)`, and that function writes or reads it: its
/// plain members by a(…), its other ones by their own archive().
namespace terminus::base {

/// What is taken down byte by byte, padding included.
template <typename T>
concept Plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

/// Given to the constructor of what is about to be read.
struct ToBeRead {};

/// What stands before an archive's bytes.
struct ArchiveHeader {
    std::uint64_t version = 0;
    std::uint64_t length = 0;  ///< of what follows
    std::uint64_t digest = 0;  ///< of what follows
};
static_assert(std::has_unique_object_representations_v<ArchiveHeader>);

/// Tells bytes that were damaged from those that were written: one that is otherwise is always seen, more of
/// them all but always. No protection against intent.
[[nodiscard]] std::uint64_t digest_of(Bytes bytes);

class ArchiveWriter {
 public:
    static constexpr bool kReads = false;

    /// `bytes_expected` spares copies; more may come.
    explicit ArchiveWriter(std::size_t bytes_expected) {
        bytes_.reserve(sizeof(ArchiveHeader) + bytes_expected);
        bytes_.resize(sizeof(ArchiveHeader));
    }
    /// Everything, under a header that names `version`.
    [[nodiscard]] std::vector<std::uint8_t> finish(std::uint64_t version) &&;

    template <Plain... Member>
    void operator()(const Member&... members) {
        (bytes(&members, sizeof members), ...);
    }
    void bytes(const void* from, std::size_t count) {
        const auto* const first = static_cast<const std::uint8_t*>(from);
        bytes_.insert(bytes_.end(), first, first + count);
    }
    /// How many follow, at most `most`.
    std::uint32_t count(std::size_t count, std::size_t most) {
        TERMINUS_ASSERT(count <= most && count <= UINT32_MAX, "a container holds no more than it can");
        (*this)(static_cast<std::uint32_t>(count));
        return static_cast<std::uint32_t>(count);
    }
    /// What only another build has otherwise: the size of what is taken down byte by byte.
    void layout(std::uint64_t size) { (*this)(size); }
    /// What only other settings make otherwise.
    void same(std::uint64_t value) { (*this)(value); }
    [[nodiscard]] bool ok() const { return true; }

 private:
    std::vector<std::uint8_t> bytes_;
};

/// Never trusts: what isn't there isn't read, and with the first fault everything after it is left as it was.
class ArchiveReader {
 public:
    static constexpr bool kReads = true;

    static constexpr const char* kOtherVersion = "another version of the program wrote it";
    static constexpr const char* kOtherBuild = "another build of the program wrote it";
    static constexpr const char* kOtherSettings = "it is of a worker with other settings";
    static constexpr const char* kCut = "it is cut short";
    static constexpr const char* kDamaged = "it is damaged";

    /// What finish(version) made; a sentence when it is something else. `archive` outlives the reader.
    [[nodiscard]] static Result<Bytes, const char*> open(Bytes archive, std::uint64_t version);
    /// `rest` is what open() gave.
    explicit ArchiveReader(Bytes rest) : rest_(rest) {}

    template <Plain... Member>
    void operator()(Member&... members) {
        (bytes(&members, sizeof members), ...);
    }
    void bytes(void* to, std::size_t count) {
        const Bytes from = take(count);
        if (!from.empty()) std::memcpy(to, from.data(), from.size());
    }
    /// The next `count` bytes where they are; none when there are fewer.
    [[nodiscard]] Bytes take(std::size_t count) {
        if (count > rest_.size()) fail(kDamaged);
        if (!ok()) return {};
        const Bytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    std::uint32_t count(std::size_t, std::size_t most) {
        std::uint32_t read = 0;
        (*this)(read);
        if (read > most) fail(kDamaged);
        return ok() ? read : 0;
    }
    void layout(std::uint64_t size) { expect(size, kOtherBuild); }
    void same(std::uint64_t value) { expect(value, kOtherSettings); }
    /// What must hold of what was read.
    void require(bool condition) {
        if (!condition) fail(kDamaged);
    }
    /// The first `fault` counts.
    void fail(const char* fault) {
        if (fault_ == nullptr) fault_ = fault;
    }
    [[nodiscard]] bool ok() const { return fault_ == nullptr; }
    /// nullptr when all is well.
    [[nodiscard]] const char* fault() const { return fault_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
    void expect(std::uint64_t value, const char* fault) {
        std::uint64_t read = 0;
        (*this)(read);
        if (read != value) fail(fault);
    }

    Bytes rest_;
    const char* fault_ = nullptr;
};

/// All bytes of `object` but those of `members`, which have an archive() of their own and are named in the
/// order in which they lie. So what is added to the class is in its archive without a word; whatever isn't
/// Plain must be among `members`.
template <typename Archive, typename Object, typename... Member>
void archive_but(Archive& a, Object& object, const Member&... members) {
    auto* at = reinterpret_cast<std::uint8_t*>(&object);
    std::uint8_t* const end = at + sizeof object;
    const auto pass_over = [&](const auto& member) {
        auto* const begin = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(&member));
        TERMINUS_ASSERT(begin >= at && begin + sizeof member <= end, "members are named in their order");
        a.bytes(at, static_cast<std::size_t>(begin - at));
        at = begin + sizeof member;
    };
    (pass_over(members), ...);
    a.bytes(at, static_cast<std::size_t>(end - at));
}

/// The elements of a vector that has the same size in every worker of the same settings.
template <typename Archive, Plain T>
void archive_fixed(Archive& a, std::vector<T>& vector) {
    a.layout(sizeof(T));
    a.same(vector.size());
    if (a.ok()) a.bytes(vector.data(), vector.size() * sizeof(T));
}

/// A vector's elements, at most `most`.
template <typename Archive, Plain T>
void archive_vector(Archive& a, std::vector<T>& vector, std::size_t most) {
    a.layout(sizeof(T));
    const std::uint32_t count = a.count(vector.size(), most);
    if constexpr (Archive::kReads) vector.resize(count);
    a.bytes(vector.data(), count * sizeof(T));
}

}  // namespace terminus::base
