#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace terminus::stats {

/// How often which spans of time were seen, in buckets whose width grows with the value: 64 to each power of
/// two, so that no value is told wrong by more than 1/64 (1.6 %). Values below 128 and the greatest one are
/// exact. For one thread; 19 KiB, nothing allocated.
class Histogram {
 public:
    /// Values from here on count as this one in all but max(): as nanoseconds, 73 minutes.
    static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << 42) - 1;

    void record(std::uint64_t value) {
        ++buckets_[bucket_of(std::min(value, kValueMax))];
        ++count_;
        sum_ += value;
        max_ = std::max(max_, value);
        min_ = std::min(min_, value);
    }
    /// What the other one has seen, too.
    void add(const Histogram& other) {
        for (std::size_t bucket = 0; bucket < kBuckets; ++bucket)
            buckets_[bucket] += other.buckets_[bucket];
        count_ += other.count_;
        sum_ += other.sum_;
        max_ = std::max(max_, other.max_);
        min_ = std::min(min_, other.min_);
    }
    void clear() { *this = Histogram(); }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t max() const { return max_; }
    [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::uint64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }

    /// The value that `millionths` of all values don't exceed (990'000: p99), told too high by at most 1/64,
    /// and never above max(); 0 when nothing was recorded. `millionths` is at most a million.
    [[nodiscard]] std::uint64_t quantile(std::uint32_t millionths) const {
        if (count_ == 0) return 0;
        // The rank is rounded up: p50 of two values is the first. In two parts, for count_ may be large.
        const std::uint64_t whole = count_ / 1'000'000 * millionths;
        const std::uint64_t part = (count_ % 1'000'000 * millionths + 999'999) / 1'000'000;
        const std::uint64_t rank = std::max<std::uint64_t>(whole + part, 1);
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
            seen += buckets_[bucket];
            if (seen >= rank) return std::min(last_of(bucket), max_);
        }
        return max_;
    }

 private:
    static constexpr int kHalfBits = 6;  // 64 buckets to each power of two
    static constexpr std::size_t kHalf = std::size_t{1} << kHalfBits;
    static constexpr std::size_t kBuckets = kHalf * (42 - kHalfBits + 1);

    [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) {
        if (value < kHalf) return value;
        const int shift = static_cast<int>(std::bit_width(value)) - kHalfBits - 1;
        return static_cast<std::size_t>(shift) * kHalf + (value >> shift);
    }
    [[nodiscard]] static constexpr std::uint64_t last_of(std::size_t bucket) {
        if (bucket < 2 * kHalf) return bucket;
        const std::size_t shift = bucket / kHalf - 1;
        return ((std::uint64_t{bucket % kHalf} + kHalf + 1) << shift) - 1;
    }
    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
    std::uint64_t min_ = UINT64_MAX;
};

}  // namespace terminus::stats
