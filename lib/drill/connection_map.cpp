#include "drill/connection_map.hpp"

#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

using Flags = wire::TcpFlags;

OptionSpec* timestamps_of(std::vector<OptionSpec>& options) {
    for (OptionSpec& option : options)
        if (option.kind == OptionSpec::Kind::Timestamps) return &option;
    return nullptr;
}
const OptionSpec* timestamps_of(const std::vector<OptionSpec>& options) {
    for (const OptionSpec& option : options)
        if (option.kind == OptionSpec::Kind::Timestamps) return &option;
    return nullptr;
}

}  // namespace

std::uint32_t ConnectionMap::local_offset(bool is_syn) const {
    const std::uint32_t isn = local_isn_.value_or(0);
    return is_syn ? isn - script_local_isn_ : isn;
}

void ConnectionMap::shift_sack(WirePacket& packet, std::uint32_t offset) {
    for (OptionSpec& option : packet.options)
        for (auto& [left, right] : option.blocks) {
            left += offset;
            right += offset;
        }
}

std::optional<std::uint32_t> ConnectionMap::wire_timestamp(std::uint32_t script) const {
    if (const auto found = timestamps_.find(script); found != timestamps_.end()) return found->second;
    if (is_scaled_echo_ && first_timestamp_)
        return first_timestamp_->second + (script - first_timestamp_->first);
    return std::nullopt;
}

bool ConnectionMap::to_wire(WirePacket& packet) {
    const bool is_syn = (packet.flags & Flags::kSyn) != 0;
    const bool has_ack = (packet.flags & Flags::kAck) != 0;
    if (is_syn) {
        // A SYN that begins a connection tells its number; one for a connection that stands begins another
        // only if the machine answers it as a beginning (learn()).
        if (!local_isn_ || has_ack) remote_isn_ = packet.seq;
        offered_isn_ = packet.seq;
    }
    packet.seq += remote_offset(is_syn);
    if (has_ack) packet.ack += local_offset(is_syn);
    shift_sack(packet, local_offset(is_syn));
    OptionSpec* timestamps = timestamps_of(packet.options);
    if (timestamps == nullptr || !has_ack) return true;
    const auto echo = wire_timestamp(timestamps->echo);
    if (!echo) return false;
    timestamps->echo = *echo;
    return true;
}

void ConnectionMap::learn(const WirePacket& sent, const TcpSpec& expected) {
    const bool both_syn = (sent.flags & expected.flags & Flags::kSyn) != 0;
    const bool begins_anew = offered_isn_ && *offered_isn_ != remote_isn_ &&
                             (sent.flags & Flags::kAck) != 0 && sent.ack == *offered_isn_ + 1;
    if (both_syn && (!local_isn_ || begins_anew)) {
        local_isn_ = sent.seq;
        script_local_isn_ = expected.sequence.first;
        if (begins_anew) {
            remote_isn_ = *offered_isn_;
            timestamps_.clear();
            first_timestamp_.reset();
        }
    }
    const OptionSpec* named = timestamps_of(expected.options);
    const OptionSpec* actual = timestamps_of(sent.options);
    if (named == nullptr || actual == nullptr) return;
    timestamps_.insert_or_assign(named->value, actual->value);
    if (!first_timestamp_) first_timestamp_.emplace(named->value, actual->value);
}

void ConnectionMap::to_script(WirePacket& packet) const {
    const bool is_syn = (packet.flags & Flags::kSyn) != 0;
    packet.seq -= local_offset(is_syn);
    if ((packet.flags & Flags::kAck) != 0) packet.ack -= remote_offset(is_syn);
    shift_sack(packet, 0u - remote_offset(is_syn));
    OptionSpec* timestamps = timestamps_of(packet.options);
    if (timestamps != nullptr && first_timestamp_)
        timestamps->value = first_timestamp_->first + (timestamps->value - first_timestamp_->second);
}

}  // namespace terminus::drill
