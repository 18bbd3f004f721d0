#include "base/likeness.hpp"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.hpp"

namespace terminus::base {

namespace {

// A surprise is a byte, of which six bits count the words before it that were as expected and two say how
// many bytes follow, and these: the difference, with its sign in the lowest bit, the lowest byte first.
// kLongGap stands for so many words as expected with nothing behind them.
constexpr std::uint32_t kLongGap = 63;
constexpr std::uint8_t kLongGapByte = kLongGap << 2;
constexpr std::size_t kSurpriseMax = 5;

constexpr std::uint32_t fold_sign(std::uint32_t difference) {
    return (difference << 1) ^ (0u - (difference >> 31));
}
constexpr std::uint32_t unfold_sign(std::uint32_t folded) {
    return (folded >> 1) ^ (0u - (folded & 1));
}
/// 1 … 4.
constexpr std::uint32_t bytes_of(std::uint32_t value) {
    return (static_cast<std::uint32_t>(std::bit_width(value | 1)) + 7) / 8;
}

/// Whether a word of this value is likely to be one that means nothing: zero, none, never.
constexpr bool is_blank(std::uint32_t value) {
    return value == 0 || value == UINT32_MAX || value == INT32_MAX;
}

/// One bit for each of eight that is not zero.
std::uint32_t surprises_of(const std::uint32_t* differences) {
    const __m256i eight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(differences));
    const __m256i as_expected = _mm256_cmpeq_epi32(eight, _mm256_setzero_si256());
    return ~static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(as_expected))) & 0xff;
}

/// `count` bytes from `at` on, which are there.
std::uint32_t load(Bytes bytes, std::size_t at, std::uint32_t count) {
    std::uint32_t value = 0;
    if (bytes.size() - at >= sizeof value) {
        std::memcpy(&value, &bytes[at], sizeof value);
        return value & (UINT32_MAX >> (8 * (sizeof value - count)));
    }
    for (std::uint32_t byte = 0; byte < count; ++byte)
        value |= std::uint32_t{bytes[at + byte]} << (8 * byte);
    return value;
}

}  // namespace

Likeness::Likeness(std::size_t words, std::size_t samples) : words_(words), samples_wanted_(samples) {
    TERMINUS_ASSERT(words > 0 && words <= kWordsMax && samples > 0,
                    "rows are as long as their kind's objects");
}

void Likeness::learn(std::span<const std::uint32_t> row) {
    TERMINUS_ASSERT(row.size() == words_ && !is_learnt(), "callers ask is_learnt() first");
    samples_.insert(samples_.end(), row.begin(), row.end());
    if (sample_count() < samples_wanted_) return;
    differences_.reserve(words_);
    for (std::size_t word = 0; word < words_; ++word) {
        const Expected expected = expect(word);
        differences_.push_back(expected.difference);
        if (expected.base != kConstant)
            follow_.push_back({static_cast<std::uint16_t>(word), static_cast<std::uint16_t>(expected.base)});
    }
    samples_ = {};
}

// What was read decides which words are touched.
bool Likeness::is_sound() const {
    if (samples_.size() % words_ != 0 || sample_count() >= samples_wanted_) return false;
    if (differences_.empty()) return follow_.empty();
    std::size_t next = 1;  // nothing comes before the first word
    for (const Follows& follows : follow_) {
        if (follows.word < next || follows.word >= words_ || follows.base >= follows.word) return false;
        next = std::size_t{follows.word} + 1;
    }
    return differences_.size() == words_;
}

/// The cheapest way to tell a word. Where a constant costs no more than an earlier word of the same value,
/// the earlier word it is: the seconds of two times were the same in all samples, and will be others soon.
Likeness::Expected Likeness::expect(std::size_t word) const {
    Expected best{.difference = most_frequent_difference(word, kConstant)};
    std::size_t least = cost_of(best, word);
    if (least == 0 && is_blank(best.difference)) return best;
    for (std::uint32_t base = 0; base < word && (least > 0 || best.base == kConstant); ++base) {
        const Expected other{.difference = most_frequent_difference(word, base), .base = base};
        const std::size_t cost = cost_of(other, word);
        const bool is_same = cost == least && best.base == kConstant && other.difference == 0;
        if (cost >= least && !is_same) continue;
        best = other;
        least = cost;
    }
    return best;
}

/// Bytes that the word takes in all samples together.
std::size_t Likeness::cost_of(const Expected& expected, std::size_t word) const {
    std::size_t cost = 0;
    for (auto sample = samples_.begin(); sample != samples_.end();
         sample += static_cast<std::ptrdiff_t>(words_)) {
        const std::uint32_t from = expected.base == kConstant ? 0 : sample[expected.base];
        const std::uint32_t difference = sample[word] - from - expected.difference;
        if (difference != 0) cost += 1 + bytes_of(fold_sign(difference));
    }
    return cost;
}

// The majority's, if there is one (Boyer and Moore); otherwise some sample's.
std::uint32_t Likeness::most_frequent_difference(std::size_t word, std::uint32_t base) const {
    std::uint32_t candidate = 0;
    std::size_t lead = 0;
    for (auto sample = samples_.begin(); sample != samples_.end();
         sample += static_cast<std::ptrdiff_t>(words_)) {
        const std::uint32_t difference = sample[word] - (base == kConstant ? 0 : sample[base]);
        if (lead == 0) candidate = difference;
        lead = difference == candidate ? lead + 1 : lead - 1;
    }
    return candidate;
}

std::size_t Likeness::pack(std::span<const std::uint32_t> row, MutableBytes out) const {
    TERMINUS_ASSERT(row.size() == words_ && is_learnt(), "callers ask is_learnt() first");
    Differences differences;
    for (std::size_t word = 0; word < words_; ++word)
        differences[word] = row[word] - differences_[word];
    for (const Follows& follows : follow_)
        differences[follows.word] -= row[follows.base];
    for (std::size_t word = words_; word % 8 != 0; ++word)
        differences[word] = 0;
    std::size_t used = 0;
    std::size_t told = 0;  // words before this one are told
    for (std::size_t eight = 0; eight < words_; eight += 8) {
        // Most are as expected, and eight are asked at once.
        for (std::uint32_t left = surprises_of(&differences[eight]); left != 0; left &= left - 1) {
            const std::size_t word = eight + static_cast<std::size_t>(std::countr_zero(left));
            std::size_t gap = word - told;
            if (used + gap / kLongGap + kSurpriseMax > out.size()) return 0;
            for (; gap >= kLongGap; gap -= kLongGap)
                out[used++] = kLongGapByte;
            const std::uint32_t folded = fold_sign(differences[word]);
            const std::uint32_t count = bytes_of(folded);
            out[used++] = static_cast<std::uint8_t>(gap << 2 | (count - 1));
            std::memcpy(&out[used], &folded, sizeof folded);  // there is room for the longest
            used += count;
            told = word + 1;
        }
    }
    // What is as expected to the end needs no words; a row without surprises is one byte all the same.
    if (used == 0 && !out.empty()) out[used++] = kLongGapByte;
    return used;
}

void Likeness::unpack(Bytes packed, std::span<std::uint32_t> row) const {
    TERMINUS_ASSERT(row.size() == words_ && is_learnt(), "what was packed was learnt before");
    std::copy(differences_.begin(), differences_.end(), row.begin());
    std::size_t word = 0;
    for (std::size_t at = 0; at < packed.size();) {
        const std::uint8_t head = packed[at++];
        if (head == kLongGapByte) {
            word += kLongGap;
            continue;
        }
        word += head >> 2;
        const std::uint32_t count = (head & 3u) + 1;
        TERMINUS_ASSERT(word < words_ && packed.size() - at >= count, "pack() writes whole surprises");
        row[word++] += unfold_sign(load(packed, at, count));
        at += count;
    }
    for (const Follows& follows : follow_)
        row[follows.word] += row[follows.base];
}

}  // namespace terminus::base
