#include "drill/match.hpp"

#include <algorithm>

#include "drill/tcp_options.hpp"
#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

using Flags = wire::TcpFlags;
using Text = std::optional<std::string>;

Text differs(std::string_view what, std::uint64_t expected, std::uint64_t actual) {
    if (expected == actual) return std::nullopt;
    return std::string(what) + " is " + std::to_string(actual) + ", not " + std::to_string(expected);
}

Text flag_mismatch(const TcpSpec& expected, const WirePacket& actual) {
    constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
        {Flags::kFin, "FIN"}, {Flags::kSyn, "SYN"}, {Flags::kRst, "RST"}, {Flags::kPsh, "PSH"},
        {Flags::kAck, "ACK"}, {Flags::kUrg, "URG"}, {Flags::kEce, "ECE"}, {Flags::kCwr, "CWR"}};
    for (const auto& [bit, name] : kNames) {
        if (((expected.flags ^ actual.flags) & bit) == 0) continue;
        return std::string(name) + ((actual.flags & bit) != 0 ? " is set" : " is not set");
    }
    if (expected.ae != actual.ae) return actual.ae ? "AE is set" : "AE is not set";
    return std::nullopt;
}

Text ip_mismatch(const IpInfo& expected, const WirePacket& actual, ConnectionMap& connection) {
    switch (expected.check) {
        case IpInfo::Check::None:
            break;
        case IpInfo::Check::Ecn:
            if (auto text = differs("the ECN field", expected.tos, actual.tos & 3)) return text;
            break;
        case IpInfo::Check::Ect01:
            if (((actual.tos & 3) == 0) || (actual.tos & 3) == 3) return "the ECN field is not ECT";
            break;
        case IpInfo::Check::Tos:
            if (auto text = differs("the TOS", expected.tos, actual.tos)) return text;
            break;
    }
    if (expected.ttl != 0) {
        if (auto text = differs("the TTL", expected.ttl, actual.hop_limit)) return text;
    }
    if (!expected.flow_label || actual.source.address.is_v4()) return std::nullopt;
    if (actual.flow_label == 0) return "the flow label is 0";
    // Equal names stand for equal labels, different ones for different labels.
    for (const auto& [name, label] : connection.flow_labels) {
        if ((name == *expected.flow_label) != (label == actual.flow_label))
            return name == *expected.flow_label ? "the flow label has changed"
                                                : "the flow label has not changed";
    }
    connection.flow_labels.emplace(*expected.flow_label, actual.flow_label);
    return std::nullopt;
}

Text timestamps_mismatch(const OptionSpec& expected, const OptionSpec& actual,
                         const MatchSettings& settings) {
    if (auto text = differs("the echoed timestamp", expected.echo, actual.echo)) return text;
    if (settings.timestamp_tick == base::Duration{}) return std::nullopt;
    const auto off = static_cast<std::int32_t>(actual.value - expected.value);
    const base::Duration distance = settings.timestamp_tick * (off < 0 ? -std::int64_t{off} : off);
    if (distance <= settings.timestamp_tolerance) return std::nullopt;
    return differs("the timestamp", expected.value, actual.value);
}

Text option_mismatch(const TcpSpec& expected, const WirePacket& actual, const MatchSettings& settings) {
    if (expected.any_options) return std::nullopt;
    const std::size_t count = std::max(expected.options.size(), actual.options.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (i >= actual.options.size()) return "there is no option " + to_string({expected.options[i]});
        if (i >= expected.options.size()) return "there is an option " + to_string({actual.options[i]});
        const OptionSpec& wanted = expected.options[i];
        const OptionSpec& got = actual.options[i];
        if (wanted.kind == OptionSpec::Kind::Timestamps && got.kind == wanted.kind) {
            if (auto text = timestamps_mismatch(wanted, got, settings)) return text;
        } else if (!(wanted == got)) {
            return "an option is " + to_string({got}) + ", not " + to_string({wanted});
        }
    }
    return std::nullopt;
}

Text port_mismatch(const PacketEvent& expected, const WirePacket& actual) {
    if (expected.source_port != 0) {
        if (auto text = differs("the source port", expected.source_port, actual.source.port)) return text;
    }
    if (expected.destination_port == 0) return std::nullopt;
    return differs("the destination port", expected.destination_port, actual.destination.port);
}

}  // namespace

base::Result<WirePacket, std::string> join_segments(const std::vector<WirePacket>& segments,
                                                    bool may_be_pushed) {
    constexpr std::uint8_t kOfLastOnly = Flags::kFin | Flags::kPsh;
    constexpr std::uint8_t kOfFirstOnly = Flags::kCwr;
    WirePacket joined = segments.back();
    joined.seq = segments.front().seq;
    joined.flags |= segments.front().flags & kOfFirstOnly;
    joined.payload.clear();
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const WirePacket& segment = segments[i];
        const auto fail = [&](const std::string& what) {
            return base::Failure{"segment " + std::to_string(i + 1) + " of " +
                                 std::to_string(segments.size()) + ' ' + what};
        };
        if (segment.as_sent() != joined.as_sent()) return fail("is of another connection");
        if (segment.seq != joined.seq + joined.payload.size())
            return fail("doesn't follow the one before it");
        if (segment.ack != joined.ack) return fail("acknowledges something else");
        if (segment.window != joined.window) return fail("has another window");
        if (segment.tos != joined.tos) return fail("has another TOS");
        const std::uint8_t other = segment.flags ^ joined.flags;
        if ((other & ~(kOfLastOnly | kOfFirstOnly)) != 0) return fail("has other flags");
        if (i + 1 < segments.size() && (segment.flags & kOfLastOnly) != 0)
            return fail("has a FIN or a PSH, and isn't the last");
        joined.payload.insert(joined.payload.end(), segment.payload.begin(), segment.payload.end());
    }
    if (may_be_pushed && segments.size() > 1) joined.flags |= Flags::kPsh;
    return joined;
}

std::optional<std::string> mismatch(const PacketEvent& expected, const WirePacket& actual,
                                    ConnectionMap& connection, const MatchSettings& settings) {
    const auto& tcp = std::get<TcpSpec>(expected.payload);
    if (auto text = port_mismatch(expected, actual)) return text;
    if (auto text = differs("the sequence number", tcp.sequence.first, actual.seq)) return text;
    if (auto text = differs("the length", tcp.sequence.length, actual.payload.size())) return text;
    if (auto text = flag_mismatch(tcp, actual)) return text;
    if (auto text = differs("the acknowledgement number", tcp.ack, actual.ack)) return text;
    if (tcp.window) {
        if (auto text = differs("the window", *tcp.window, actual.window)) return text;
    }
    if (auto text = differs("the urgent pointer", tcp.urgent, actual.urgent)) return text;
    if (auto text = option_mismatch(tcp, actual, settings)) return text;
    return ip_mismatch(expected.ip, actual, connection);
}

}  // namespace terminus::drill
