#include "capture/negotiation.hpp"

#include <algorithm>

#include "capture/header_options.hpp"
#include "wire/ipv4.hpp"

namespace terminus::capture {
namespace {

using wire::TcpFlags;

constexpr std::uint8_t kGuessedScale = 7;  // what Linux and most others offer
constexpr std::uint8_t kEcnSetup = TcpFlags::kEce | TcpFlags::kCwr;
constexpr std::size_t kFlagsAt = 13, kCookieAt = 2, kExperimentalCookieAt = 4;

const RecordedPacket* find_syn(const RawConversation& raw, bool of_client) {
    for (const RawPacket& packet : raw.packets) {
        const TcpFlags flags = packet.packet.segment.flags;
        if (packet.is_from_client != of_client || !flags.syn() || flags.rst()) continue;
        if (!of_client || !flags.ack()) return &packet.packet;
    }
    return nullptr;
}

RecordedConversation::Outcome outcome_of(const RawConversation& raw, bool has_syn, bool has_answer) {
    using Outcome = RecordedConversation::Outcome;
    if (!has_syn || has_answer) return Outcome::Established;
    bool is_refused = false;
    for (const RawPacket& packet : raw.packets) {
        const wire::TcpSegment& segment = packet.packet.segment;
        // The client went on: there was an answer, which the capture hasn't.
        if (packet.is_from_client && !segment.flags.syn() && !segment.flags.rst())
            return Outcome::Established;
        if (packet.is_from_client) continue;
        if (!segment.flags.rst()) return Outcome::Established;
        is_refused = true;
    }
    return is_refused ? Outcome::Refused : Outcome::Unanswered;
}

/// What was in use, by the packets that aren't SYNs.
RecordedConversation::Negotiated seen_in_use(const RawConversation& raw) {
    RecordedConversation::Negotiated seen;
    for (const RawPacket& packet : raw.packets) {
        const wire::TcpSegment& segment = packet.packet.segment;
        if (packet.is_doubtful || segment.flags.syn() || segment.flags.rst()) continue;
        if (packet.is_from_client && segment.options.timestamps) seen.timestamps = true;
        if (segment.options.sack_count > 0) seen.sack = true;
        if (packet.is_from_client && (packet.packet.traffic_class & wire::kEcnMask) != 0) seen.ecn = true;
    }
    return seen;
}

bool is_cookie(base::Bytes option) {
    if (option[0] == kOptionFastOpen) return option.size() > kCookieAt;
    return option[0] == kOptionExperiment && option.size() > kExperimentalCookieAt &&
           base::load_be16(&option[2]) == 0xf989;  // RFC 6994
}

bool leave_out_cookies(HeaderBytes& header) {
    bool found = false;
    for_each_option(header, [&](base::MutableBytes option) {
        if (!is_cookie(option)) return;
        replace_by_nops(option);
        found = true;
    });
    return found;
}

}  // namespace

void read_negotiation(const RawConversation& raw, RecordedConversation& into) {
    const RecordedPacket* const syn = find_syn(raw, true);
    const RecordedPacket* const answer = find_syn(raw, false);
    into.has_syn = syn != nullptr;
    into.has_syn_ack = answer != nullptr;
    into.outcome = outcome_of(raw, syn != nullptr, answer != nullptr);
    RecordedConversation::Negotiated& both = into.negotiated;
    if (syn != nullptr) both.client_mss = syn->segment.options.mss;
    if (answer != nullptr) both.server_mss = answer->segment.options.mss;
    // Each is in use if both SYNs have it. Where one isn't there, it is what the other says, and of what
    // later packets show, what they show.
    const RecordedConversation::Negotiated seen = seen_in_use(raw);
    const auto agreed = [&](auto says, bool without_any) {
        if (syn == nullptr && answer == nullptr) return without_any;
        return (syn == nullptr || says(*syn)) && (answer == nullptr || says(*answer));
    };
    both.timestamps =
        agreed([](const auto& at) { return at.segment.options.timestamps.has_value(); }, true) &&
        (answer != nullptr || seen.timestamps);
    both.sack = agreed([](const auto& at) { return at.segment.options.sack_permitted; }, seen.sack);
    both.ecn = agreed([](const auto& at) { return at.segment.flags.ece(); }, true) &&
               (answer != nullptr || seen.ecn);
    const bool is_scaled =
        agreed([](const auto& at) { return at.segment.options.window_scale.has_value(); }, true);
    if (is_scaled) {
        both.client_scale = syn != nullptr ? syn->segment.options.window_scale : kGuessedScale;
        both.server_scale = answer != nullptr ? answer->segment.options.window_scale : kGuessedScale;
    }
    if (into.outcome != RecordedConversation::Outcome::Established) return;
    const std::uint64_t first = into.first_packet;
    if (syn == nullptr) into.notes.push_back({first, NoteKind::SynMissing});
    if (answer == nullptr) into.notes.push_back({first, NoteKind::SynAckMissing});
    if (is_scaled && (syn == nullptr || answer == nullptr))
        into.notes.push_back({first, NoteKind::ScaleGuessed});
}

void leave_out_declined(RawConversation& raw, RecordedConversation& conversation) {
    const bool is_established = conversation.outcome == RecordedConversation::Outcome::Established;
    const RecordedConversation::Negotiated& agreed = conversation.negotiated;
    const auto declined = [&](HeaderBytes& header) {
        bool any = false;
        if (!is_established) return any;  // nobody said anything
        if (!agreed.client_scale) any |= leave_out_option(header, kOptionWindowScale);
        if (!agreed.sack) any |= leave_out_option(header, kOptionSackPermitted);
        if (!agreed.timestamps) any |= leave_out_option(header, kOptionTimestamps);
        if (!agreed.ecn && (header[kFlagsAt] & kEcnSetup) == kEcnSetup) {
            header[kFlagsAt] = static_cast<std::uint8_t>(header[kFlagsAt] & ~kEcnSetup);
            any = true;
        }
        return any;
    };
    for (RawPacket& one : raw.packets) {
        RecordedPacket& packet = one.packet;
        const TcpFlags flags = packet.segment.flags;
        if (!one.is_from_client || !flags.syn() || flags.ack()) continue;
        if (declined(packet.header)) conversation.notes.push_back({packet.number, NoteKind::OptionDeclined});
        if (leave_out_cookies(packet.header))
            conversation.notes.push_back({packet.number, NoteKind::FastOpenCookie});
        packet.segment.flags.bits = packet.header[kFlagsAt];
        packet.segment.options = wire::parse_tcp_options(
            base::Bytes(packet.header.data(), packet.header.size()).subspan(wire::kTcpHeaderMin));
    }
}

}  // namespace terminus::capture
