#include "base/archive.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "support/archived.hpp"

using namespace terminus;
using base::ArchiveReader;
using base::ArchiveWriter;

namespace {

/// Something plain, something with an archive of its own, something plain behind it.
struct Mixed {
    std::uint16_t first = 0;
    std::vector<std::uint32_t> list;
    bool last = false;

    template <typename Archive>
    void archive(Archive& a) {
        base::archive_but(a, *this, list);
        base::archive_vector(a, list, 4);
    }
};

std::vector<std::uint8_t> some_archive() {
    Mixed mixed{7, {1, 2, 3}, true};
    return test::archived(mixed);
}

const char* fault_of(base::Bytes archive, std::uint64_t version = 1) {
    const auto content = ArchiveReader::open(archive, version);
    return content.ok() ? nullptr : content.error();
}

}  // namespace

TEST_CASE("an object of plain members and one other comes back from its bytes") {
    const std::vector<std::uint8_t> bytes = some_archive();
    Mixed copy;
    REQUIRE(test::read_archive(bytes, copy).empty());
    CHECK(copy.first == 7);
    CHECK(copy.list == std::vector<std::uint32_t>{1, 2, 3});
    CHECK(copy.last);
    CHECK(test::archived(copy) == bytes);
}

TEST_CASE("an archive that is cut, damaged or of another version is refused in words") {
    std::vector<std::uint8_t> bytes = some_archive();
    CHECK(fault_of(bytes) == nullptr);
    CHECK(fault_of(bytes, 2) == std::string(ArchiveReader::kOtherVersion));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CAPTURE(length);
        CHECK(fault_of(base::Bytes(bytes).first(length)) == std::string(ArchiveReader::kCut));
    }
    for (std::size_t at = 8; at < bytes.size(); ++at) {
        CAPTURE(at);
        bytes[at] ^= 0x10;
        CHECK(fault_of(bytes) != nullptr);
        bytes[at] ^= 0x10;
    }
    bytes.push_back(0);
    CHECK(fault_of(bytes) == std::string(ArchiveReader::kDamaged));
}

TEST_CASE("one word that differs changes the digest, wherever it stands") {
    for (const std::size_t size : {0, 1, 31, 32, 33, 100}) {
        std::vector<std::uint8_t> bytes(size);
        const std::uint64_t digest = base::digest_of(bytes);
        bytes.push_back(0);
        CHECK(base::digest_of(bytes) != digest);
        bytes.pop_back();
        for (std::uint8_t& byte : bytes) {
            byte = 1;
            CHECK(base::digest_of(bytes) != digest);
            byte = 0;
        }
    }
}

TEST_CASE("what other settings or another build have otherwise is told apart") {
    ArchiveWriter writer(0);
    writer.layout(8);
    writer.same(100);
    const std::vector<std::uint8_t> bytes = std::move(writer).finish(1);
    const base::Bytes content = ArchiveReader::open(bytes, 1).value();
    ArchiveReader other_build(content);
    other_build.layout(16);
    other_build.same(100);
    CHECK(other_build.fault() == std::string(ArchiveReader::kOtherBuild));
    ArchiveReader other_settings(content);
    other_settings.layout(8);
    other_settings.same(101);
    CHECK(other_settings.fault() == std::string(ArchiveReader::kOtherSettings));
}

TEST_CASE("a count beyond what there is room for is a fault, and nothing is read after it") {
    ArchiveWriter writer(0);
    writer(std::uint32_t{5}, std::uint32_t{9});
    const std::vector<std::uint8_t> bytes = std::move(writer).finish(1);
    ArchiveReader reader(ArchiveReader::open(bytes, 1).value());
    CHECK(reader.count(0, 4) == 0);
    CHECK_FALSE(reader.ok());
    std::uint32_t after = 3;
    reader(after);
    CHECK(after == 3);
    ArchiveReader again(ArchiveReader::open(bytes, 1).value());
    CHECK(again.count(0, 5) == 5);
    CHECK(again.take(5).empty());
    CHECK(again.fault() == std::string(ArchiveReader::kDamaged));
}
