#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/archive.hpp"
#include "base/bytes.hpp"

namespace terminus::base {

/// What the objects of one kind have in common, learnt from the first few, so that of another only what is
/// surprising about it need be kept. An object is a row of 32-bit words; each is expected to be a constant,
/// or an earlier word plus a constant, whichever held most often among the samples. Nothing is lost: what
/// differs from what is expected is written down, by how much.
class Likeness {
 public:
    static constexpr std::size_t kWordsMax = 512;

    /// Of rows of `words` words, at most kWordsMax, to be learnt from the first `samples`.
    Likeness(std::size_t words, std::size_t samples);

    [[nodiscard]] bool is_learnt() const { return !differences_.empty(); }
    /// One sample more; with the last all is learnt, which takes words² / 2 steps for each sample, once.
    void learn(std::span<const std::uint32_t> row);
    /// Writes what is surprising about `row` and returns how many bytes that takes; 0, with `out` in any
    /// state, when they are more than `out` has. Needs is_learnt().
    [[nodiscard]] std::size_t pack(std::span<const std::uint32_t> row, MutableBytes out) const;
    /// The row again, from exactly the bytes that pack() wrote.
    void unpack(Bytes packed, std::span<std::uint32_t> row) const;

    template <typename Archive>
    void archive(Archive& a) {
        archive_vector(a, samples_, words_ * samples_wanted_);
        archive_vector(a, differences_, words_);
        archive_vector(a, follow_, words_);
        if constexpr (Archive::kReads) a.require(is_sound());
    }

 private:
    /// row[word] is row[base] + difference, or the difference alone when it is a constant.
    struct Expected {
        std::uint32_t difference = 0;
        std::uint32_t base = kConstant;
    };
    static constexpr std::uint32_t kConstant = UINT32_MAX;
    /// A word that follows from an earlier one.
    struct Follows {
        std::uint16_t word;
        std::uint16_t base;
    };
    using Differences = std::array<std::uint32_t, kWordsMax>;

    [[nodiscard]] bool is_sound() const;
    [[nodiscard]] std::size_t sample_count() const { return samples_.size() / words_; }
    [[nodiscard]] Expected expect(std::size_t word) const;
    [[nodiscard]] std::size_t cost_of(const Expected& expected, std::size_t word) const;
    [[nodiscard]] std::uint32_t most_frequent_difference(std::size_t word, std::uint32_t base) const;

    std::size_t words_;
    std::size_t samples_wanted_;
    std::vector<std::uint32_t> samples_;      // one after the other
    std::vector<std::uint32_t> differences_;  // of each word
    std::vector<Follows> follow_;             // in the order of words
};

}  // namespace terminus::base
