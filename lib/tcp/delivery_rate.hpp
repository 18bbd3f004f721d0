#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "tcp/ack_sample.hpp"
#include "tcp/sent_records.hpp"

namespace terminus::tcp {

/// How fast the path delivers (draft-ietf-ccwg-bbr 4.1): each record keeps the connection's delivery when it
/// was sent, and its own delivery says how much came through meanwhile.
class DeliveryRate {
 public:
    /// The stamp of what was sent last among all that the ACK at hand delivers; nothing before it has
    /// delivered anything.
    using Newest = std::optional<SendStamp>;

    /// The stamp of what is being sent now; `pipe` is what was on the way before it, `length` its bytes.
    [[nodiscard]] SendStamp stamp(base::Instant now, std::uint32_t pipe, std::uint32_t length);
    /// Bytes sent with this stamp were delivered for the first time.
    void delivered(Newest& newest, const SendStamp& stamp, std::uint32_t bytes, base::Instant now);
    /// Bytes without a record of their own were (a duplicate ACK without SACK).
    void delivered_unseen(std::uint32_t bytes, base::Instant now) {
        delivered_ += bytes;
        delivered_at_ = now;
    }
    /// Bytes that deliver() counts and delivered_unseen() has counted before.
    void uncount(std::uint32_t bytes) { delivered_ -= bytes; }
    void lost(std::uint32_t bytes) { lost_ += bytes; }
    /// Bytes just lost were too large for the path, which says nothing of how full it is.
    void forgive(std::uint32_t bytes) { lost_ -= bytes; }
    /// Nothing more to send and room for it: samples until `pipe` has been delivered say less than the path
    /// can.
    void application_limited(std::uint32_t pipe) {
        app_limited_until_ = delivered_ + pipe;
        if (app_limited_until_ == 0) app_limited_until_ = 1;
    }
    /// Ends the ACK: fills in the sample's rate.
    void finish(const Newest& newest, AckSample& sample, base::Duration min_rtt);

    [[nodiscard]] std::uint64_t delivered_bytes() const { return delivered_; }

 private:
    std::uint64_t delivered_ = 0;
    std::uint64_t app_limited_until_ = 0;
    base::Instant delivered_at_{};
    base::Instant first_sent_at_{};
    std::uint32_t lost_ = 0;
};

}  // namespace terminus::tcp
