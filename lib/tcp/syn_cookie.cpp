#include "tcp/syn_cookie.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/siphash.hpp"
#include "tcp/sequence_space.hpp"

namespace terminus::tcp {
namespace {

constexpr unsigned kMacBits = 27;
constexpr std::uint32_t kMacMask = (1u << kMacBits) - 1;
constexpr unsigned kIndexBits = 3;
constexpr std::uint32_t kIndexMask = (1u << kIndexBits) - 1;
constexpr std::uint64_t kCountMask = 3;
constexpr Duration kCountSpan = std::chrono::seconds(64);
static_assert(kCookieLifetime == 2 * kCountSpan, "a cookie of the last count is good, an older one is not");

constexpr std::uint32_t kScaleMask = 0x0f;
constexpr std::uint32_t kNoScale = 0x0f;  // RFC 7323 2.3 ends at 14
constexpr std::uint32_t kSackBit = 0x10;
constexpr std::uint32_t kMemoryMask = 0x1f;

// What clients announce: defaults and minima, tunnels, PPPoE, Ethernet, jumbo frames. A value between two is
// rounded down.
using MssTable = std::array<std::uint16_t, kIndexMask + 1>;
constexpr MssTable kMssV4 = {48, 536, 1220, 1300, 1400, 1440, 1460, 8960};
constexpr MssTable kMssV6 = {48, 536, 1220, 1300, 1380, 1420, 1440, 8940};

const MssTable& mss_table(const wire::FourTuple& tuple) {
    return tuple.remote.address.is_v4() ? kMssV4 : kMssV6;
}

std::uint64_t count_at(Instant now) {
    return static_cast<std::uint64_t>(now.time_since_epoch() / kCountSpan);
}

std::uint32_t mac(const Secrets& secrets, const wire::FourTuple& tuple, wire::SeqNum irs, std::uint64_t count,
                  std::uint32_t index) {
    std::array<std::uint8_t, 16 + 16 + 2 + 2 + 4 + 8 + 1> input;
    std::copy_n(tuple.local.address.bytes().data(), 16, input.data());
    std::copy_n(tuple.remote.address.bytes().data(), 16, input.data() + 16);
    base::store_be16(input.data() + 32, tuple.local.port);
    base::store_be16(input.data() + 34, tuple.remote.port);
    base::store_be32(input.data() + 36, irs.value());
    base::store_be32(input.data() + 40, static_cast<std::uint32_t>(count >> 32));
    base::store_be32(input.data() + 44, static_cast<std::uint32_t>(count));
    input[48] = static_cast<std::uint8_t>(index);
    return static_cast<std::uint32_t>(base::siphash(secrets.syn_cookie, input)) & kMacMask;
}

// The upper bits with their mask put on or taken off.
std::uint32_t masked(std::uint32_t plain, std::uint32_t mac_bits) {
    return (plain ^ mac_bits) & ((1u << (32 - kMacBits)) - 1);
}

/// What a TSval that we sent remembers: false when the tunables no longer agree to that.
bool read_memory(wire::TcpOptions& syn, std::uint32_t memory, const Tunables& tunables) {
    const std::uint32_t scale = memory & kScaleMask;
    if (scale != kNoScale) {
        if (!tunables.window_scaling) return false;
        syn.window_scale = static_cast<std::uint8_t>(scale);
    }
    syn.sack_permitted = (memory & kSackBit) != 0;
    return tunables.sack || !syn.sack_permitted;
}

}  // namespace

wire::TcpSegment within_cookie(const wire::TcpSegment& syn, const Environment& env) {
    wire::TcpSegment kept = syn;
    kept.flags = {wire::TcpFlags::kSyn};  // nowhere to keep an agreement on ECN
    if (env.tunables.timestamps && syn.options.timestamps) return kept;
    kept.options = {};
    kept.options.mss = syn.options.mss;
    return kept;
}

// RFC 4987 appendix A: the number is a function of the 4-tuple, a secret, a slow clock and the MSS. The
// peer's own number is in the MAC, so that only the very handshake that the cookie was made for completes.
wire::SeqNum cookie_sequence(const Secrets& secrets, const wire::FourTuple& tuple,
                             const wire::TcpSegment& syn, Instant now) {
    const MssTable& table = mss_table(tuple);
    const std::uint16_t mss = syn.options.mss.value_or(default_mss(!tuple.remote.address.is_v4()));
    std::uint32_t index = kIndexMask;
    while (index > 0 && table[index] > mss)
        --index;
    const std::uint64_t count = count_at(now);
    const std::uint32_t bits = mac(secrets, tuple, syn.seq, count, index);
    const auto plain = static_cast<std::uint32_t>((count & kCountMask) << kIndexBits) | index;
    return wire::SeqNum((masked(plain, bits) << kMacBits) | bits);
}

void put_into_timestamp(wire::TcpOptions& syn_ack, const wire::TcpOptions& syn,
                        std::uint32_t timestamp_offset) {
    if (!syn_ack.timestamps) return;
    std::uint32_t memory = kNoScale;
    if (syn_ack.window_scale && syn.window_scale) memory = std::min(*syn.window_scale, kScaleMax);
    if (syn_ack.sack_permitted) memory |= kSackBit;
    const std::uint32_t now_ms = syn_ack.timestamps->value - timestamp_offset;
    std::uint32_t value = (now_ms & ~kMemoryMask) | memory;
    if (value > now_ms) value -= kMemoryMask + 1;
    syn_ack.timestamps->value = value + timestamp_offset;
}

std::optional<wire::TcpSegment> syn_from_cookie(const Secrets& secrets, const wire::FourTuple& tuple,
                                                const wire::TcpSegment& ack, const Environment& env) {
    if (!ack.flags.ack() || ack.flags.syn() || ack.flags.rst()) return std::nullopt;
    const std::uint32_t cookie = (ack.ack - 1).value();
    const wire::SeqNum irs = ack.seq - 1;
    const std::uint32_t bits = cookie & kMacMask;
    const std::uint32_t plain = masked(cookie >> kMacBits, bits);
    const std::uint32_t index = plain & kIndexMask;
    const std::uint64_t now_count = count_at(env.now);
    const std::uint64_t age = (now_count - (plain >> kIndexBits)) & kCountMask;
    if (age > 1 || age > now_count) return std::nullopt;
    if (mac(secrets, tuple, irs, now_count - age, index) != bits) return std::nullopt;

    wire::TcpSegment syn;
    syn.source_port = ack.source_port;
    syn.destination_port = ack.destination_port;
    syn.seq = irs;
    syn.flags = {wire::TcpFlags::kSyn};
    syn.window = ack.window;
    syn.header_length = ack.header_length;
    syn.options.mss = mss_table(tuple)[index];
    // RFC 7323 3.2: who has agreed on timestamps sends them always, so without them there were none.
    if (!ack.options.timestamps) return syn;
    if (!env.tunables.timestamps) return std::nullopt;
    syn.options.timestamps = {ack.options.timestamps->value, 0};
    const std::uint32_t now_ms = ack.options.timestamps->echo_reply - timestamp_offset(secrets, tuple);
    const std::uint32_t memory = now_ms & kMemoryMask;
    if (!read_memory(syn.options, memory, env.tunables)) return std::nullopt;
    return syn;
}

}  // namespace terminus::tcp
