#include "neigh/echo.hpp"

#include <algorithm>

namespace terminus::neigh {

RateLimit::RateLimit(std::uint32_t per_second, std::uint32_t burst)
    : interval_(per_second == 0 ? base::Duration::zero()
                                : base::Duration(std::max<std::int64_t>(1'000'000'000 / per_second, 1))),
      tolerance_(interval_ * (burst == 0 ? 0 : burst - 1)),
      full_at_(base::Instant::min()) {}

bool RateLimit::allow(base::Instant now) {
    if (interval_ == base::Duration::zero()) return false;
    full_at_ = std::max(full_at_, now);
    if (full_at_ - now > tolerance_) return false;
    full_at_ += interval_;
    return true;
}

EchoResponder::EchoResponder(const LocalAddresses& locals, std::uint32_t per_second)
    : locals_(locals), limit_(per_second, kBurst) {}

base::Result<std::size_t, stats::DropReason> EchoResponder::echo_arrives(const wire::Frame& frame,
                                                                         base::Bytes request,
                                                                         base::MutableBytes out,
                                                                         base::Instant now) {
    using stats::DropReason;
    TERMINUS_ASSERT(request.size() >= wire::kIcmpHeader, "parse_icmp() has seen the header");
    if (frame.destination.is_multicast() || frame.destination.is_limited_broadcast() ||
        locals_.is_directed_broadcast(frame.destination) || frame.destination_mac.is_group()) {
        return base::Failure{DropReason::IcmpIgnored};
    }
    if (!locals_.find(frame.destination)) return base::Failure{DropReason::NotForUs};
    // A source that is a broadcast would have us answer everybody.
    if (locals_.is_directed_broadcast(frame.source) || out.size() < request.size() || !limit_.allow(now)) {
        return base::Failure{DropReason::IcmpIgnored};
    }
    wire::IcmpHeader reply;
    reply.type = frame.destination.is_v4() ? wire::kIcmpEchoReply : wire::kIcmpv6EchoReply;
    reply.rest = base::load_be32(&request[4]);  // RFC 792: identifier, sequence and data come back unchanged
    return wire::write_icmp(reply, frame.destination, frame.source, request.subspan(wire::kIcmpHeader), out);
}

}  // namespace terminus::neigh
