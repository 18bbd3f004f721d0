#include <algorithm>

#include "drill/icmp_names.hpp"
#include "drill/packet_text.hpp"
#include "drill/script_run.hpp"
#include "wire/tcp.hpp"

// Packets of a script, both ways.
namespace terminus::drill {
namespace {

using Flags = wire::TcpFlags;

/// What packetdrill has where the script says nothing.
constexpr std::uint8_t kHopLimit = 64;

bool is_opening(std::uint8_t flags) {
    return (flags & (Flags::kSyn | Flags::kAck)) == Flags::kSyn;
}

/// Bytes of the stream that a segment begins with: its SYN is none of them.
std::uint32_t stream_offset(std::uint32_t script_seq, std::uint8_t flags) {
    return (flags & Flags::kSyn) != 0 ? 0 : script_seq - 1;
}

void apply_ip_info(const IpInfo& ip, WirePacket& packet) {
    packet.tos = ip.check == IpInfo::Check::None ? 0 : ip.tos;
    packet.hop_limit = ip.ttl != 0 ? ip.ttl : kHopLimit;
    packet.flow_label = ip.flow_label.value_or(0);
}

}  // namespace

bool ScriptRun::collect() {
    for (SentPacket& sent : machine_.take_sent()) {
        auto packet = read_tcp(sent.bytes);
        if (!packet) return fail(0, "the machine sent " + packet.error());
        (void)connection_of_sent(packet.value());  // a SYN tells its port
        waiting_.push_back({sent.at, std::move(packet).value()});
    }
    if (settings_.like_packetdrill) forget_other_connections();
    return collect_calls();
}

// packetdrill takes notice of one connection alone, and of its packets only when it expects one.
void ScriptRun::forget_other_connections() {
    const auto is_other = [&](const Waiting& sent) { return connection_of_sent(sent.packet) != current_; };
    waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), is_other), waiting_.end());
}

ConnectionMap& ScriptRun::add_connection(const wire::FourTuple& tuple) {
    ConnectionMap& connection = connections_.emplace_back(tuple);
    connection.set_scaled_echo(settings_.scaled_echo);
    return connection;
}

// The newest first: a connection may have the name of one that is over.
ConnectionMap* ScriptRun::find_connection(const wire::FourTuple& tuple) {
    const auto found = std::find_if(connections_.rbegin(), connections_.rend(),
                                    [&](const ConnectionMap& known) { return known.tuple() == tuple; });
    return found == connections_.rend() ? nullptr : &*found;
}

ConnectionMap* ScriptRun::connection_of_sent(const WirePacket& packet) {
    const wire::FourTuple tuple = packet.as_sent();
    if (ConnectionMap* known = find_connection(tuple)) return known;
    if (!is_opening(packet.flags)) return nullptr;
    const auto connecting = std::find_if(connections_.rbegin(), connections_.rend(), [&](const auto& known) {
        return known.tuple().local.port == 0 && known.tuple().remote == tuple.remote;
    });
    if (connecting == connections_.rend()) return nullptr;
    connecting->set_local(tuple.local);
    return &*connecting;
}

ConnectionMap& ScriptRun::connection_for_inbound(const PacketEvent& packet) {
    const auto* tcp = std::get_if<TcpSpec>(&packet.payload);
    const bool opens = tcp != nullptr && is_opening(tcp->flags);
    const bool has_ports = packet.source_port != 0 || packet.destination_port != 0;
    if (has_ports) {
        const auto named = std::find_if(connections_.rbegin(), connections_.rend(), [&](const auto& known) {
            const wire::FourTuple& tuple = known.tuple();
            return (packet.source_port == 0 || tuple.remote.port == packet.source_port) &&
                   (packet.destination_port == 0 || tuple.local.port == packet.destination_port);
        });
        if (named != connections_.rend()) return *named;
    } else if (current_ != nullptr && !listening_) {
        return *current_;
    }
    wire::FourTuple tuple;
    tuple.local = {local_address(), settings_.bind_port};
    tuple.remote = {remote_address(), next_port_};
    if (packet.destination_port != 0) tuple.local.port = packet.destination_port;
    if (packet.source_port != 0) tuple.remote.port = packet.source_port;
    if (packet.source_port == 0) ++next_port_;
    ConnectionMap& connection = add_connection(tuple);
    // A stray segment with ports of its own is about no connection: the one under test stays.
    if (opens || !has_ports) {
        current_ = &connection;
        listening_.reset();
    }
    return connection;
}

bool ScriptRun::inject(const Event& event, const PacketEvent& packet) {
    note(machine_.now(), "< " + to_string(packet));
    return std::holds_alternative<TcpSpec>(packet.payload) ? inject_tcp(event, packet)
                                                           : inject_icmp(event, packet);
}

bool ScriptRun::inject_bytes(const Event& event, const std::vector<std::uint8_t>& bytes) {
    if (!machine_.inject(bytes)) return fail(event.line, "the machine has no buffers for this packet");
    return collect();
}

bool ScriptRun::inject_tcp(const Event& event, const PacketEvent& packet) {
    const auto& tcp = std::get<TcpSpec>(packet.payload);
    ConnectionMap& connection = connection_for_inbound(packet);
    WirePacket wire;
    wire.source = connection.tuple().remote;
    wire.destination = connection.tuple().local;
    apply_ip_info(packet.ip, wire);
    wire.flags = tcp.flags;
    wire.ae = tcp.ae;
    wire.seq = tcp.sequence.first;
    wire.ack = tcp.ack;
    wire.window = tcp.window.value_or(0);
    wire.urgent = tcp.urgent;
    wire.options = tcp.options;
    const std::uint32_t offset = stream_offset(tcp.sequence.first, tcp.flags);
    for (std::uint32_t i = 0; i < tcp.sequence.length; ++i)
        wire.payload.push_back(stream_byte(false, offset + i));
    if (!connection.to_wire(wire)) {
        return fail(event.line,
                    "the machine has sent no timestamp that the script calls as the echoed one; "
                    "--tcp_ts_ecr_scaled makes one up");
    }
    return inject_bytes(event, build_tcp(wire));
}

bool ScriptRun::inject_icmp(const Event& event, const PacketEvent& packet) {
    const auto& icmp = std::get<IcmpSpec>(packet.payload);
    if (current_ == nullptr) return fail(event.line, "there is no connection for an ICMP error to be about");
    const bool is_v6 = settings_.ip_version == IpVersion::V6;
    const auto numbers = icmp_numbers(is_v6, icmp.type, icmp.code);
    if (!numbers) {
        return fail(event.line,
                    "there is no " + icmp.type + ' ' + icmp.code + " in " + (is_v6 ? "ICMPv6" : "ICMP"));
    }
    WireIcmp wire;
    wire.source = current_->tuple().remote.address;
    wire.destination = current_->tuple().local.address;
    wire.numbers = *numbers;
    wire.rest = icmp.mtu.value_or(0);
    wire.tos = packet.ip.tos;
    wire.hop_limit = packet.ip.ttl != 0 ? packet.ip.ttl : kHopLimit;
    wire.quoted.source = current_->tuple().local;
    wire.quoted.destination = current_->tuple().remote;
    wire.quoted.flags = Flags::kAck;
    const SequenceSpec quoted = icmp.quoted.value_or(SequenceSpec{});
    wire.quoted.seq = current_->quoted_to_wire(quoted.first);
    wire.quoted_payload = static_cast<std::uint16_t>(quoted.length);
    return inject_bytes(event, build_icmp(wire));
}

// Lets time go by until the packets that wait have as many bytes as the script says.
bool ScriptRun::wait_for_payload(const Event& event, const PacketEvent& packet, const Due& due) {
    const std::uint32_t wanted = std::get<TcpSpec>(packet.payload).sequence.length;
    const base::Instant limit = due.until + due.tolerance;
    const auto is_enough = [&] {
        if (waiting_.empty()) return false;
        std::size_t bytes = 0;
        for (const Waiting& sent : waiting_) {
            bytes += sent.packet.payload.size();
            // What is too long, or has nothing to add, is for compare() to complain of.
            if (settings_.strict_segments || sent.packet.payload.empty()) return true;
        }
        return bytes >= wanted;
    };
    while (!is_enough()) {
        const bool goes_on = machine_.run_to_next_deadline(limit);
        if (!collect()) return false;
        if (!goes_on) break;
    }
    if (!waiting_.empty()) return true;
    return fail(event.line, "no packet by " + to_string(script_time(limit)),
                "expected " + to_string(script_time(due.from)) + " > " + to_string(packet));
}

bool ScriptRun::expect(const Event& event, const PacketEvent& packet, const Due& due) {
    if (!collect() || !wait_for_payload(event, packet, due)) return false;
    const std::uint32_t wanted = std::get<TcpSpec>(packet.payload).sequence.length;
    std::size_t count = 0;
    std::size_t bytes = 0;
    do {
        bytes += waiting_[count].packet.payload.size();
        ++count;
    } while (!settings_.strict_segments && bytes > 0 && bytes < wanted && count < waiting_.size() &&
             !waiting_[count].packet.payload.empty());
    if (!compare(event, packet, due, count)) return false;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    return true;
}

bool ScriptRun::compare(const Event& event, const PacketEvent& packet, const Due& due, std::size_t count) {
    const auto& tcp = std::get<TcpSpec>(packet.payload);
    const WirePacket& first = waiting_.front().packet;
    const base::Instant at = waiting_.front().at;
    const bool shows_ip = packet.ip.check != IpInfo::Check::None || packet.ip.ttl != 0;
    const std::string expected = "expected " + to_string(script_time(due.from)) + " > " + to_string(packet);
    ConnectionMap* connection = connection_of_sent(first);
    const bool has_ports = packet.source_port != 0 || packet.destination_port != 0;
    const bool is_other = connection == nullptr || (!has_ports && connection != current_);
    if (is_other) {
        return fail(
            event.line,
            "a packet of another connection: " + first.source.to_string() + " > " +
                first.destination.to_string(),
            expected + "\nactual   " + to_string(script_time(at)) + " > " + to_string(first, shows_ip));
    }
    std::vector<WirePacket> segments;
    std::string lines;
    for (std::size_t i = 0; i < count; ++i) {
        segments.push_back(waiting_[i].packet);
        if (i == 0) connection->learn(segments.back(), tcp);
        WirePacket shown = segments.back();
        connection->to_script(shown);
        lines += "\nactual   " + to_string(script_time(waiting_[i].at)) + " > " + to_string(shown, shows_ip);
    }
    const auto refuse = [&](const std::string& why) { return fail(event.line, why, expected + lines); };
    auto joined = join_segments(segments, (tcp.flags & Flags::kPsh) != 0);
    if (!joined) return refuse(joined.error());
    WirePacket actual = std::move(joined).value();
    connection->to_script(actual);
    const MatchSettings match{settings_.timestamp_tick, due.tolerance};
    if (const auto difference = mismatch(packet, actual, *connection, match)) return refuse(*difference);
    const base::Instant last = waiting_[count - 1].at;
    const bool is_in_time = due.any || (at >= due.from - due.tolerance && last <= due.until + due.tolerance);
    if (!is_in_time) {
        return refuse("it was sent at " + to_string(script_time(at)) + ", not at " +
                      to_string(script_time(due.from)));
    }
    if (!check_payload(actual, *connection)) return refuse("the bytes are not those that were written");
    note(at, "> " + to_string(actual, shows_ip));
    return true;
}

bool ScriptRun::check_payload(const WirePacket& packet, const ConnectionMap& connection) {
    if (packet.payload.empty() || !connection.streams) return true;
    const std::vector<std::uint8_t>& written = calls_.streams_of(*connection.streams).written;
    const std::size_t offset = stream_offset(packet.seq, packet.flags);
    if (offset + packet.payload.size() > written.size()) return false;
    return std::equal(packet.payload.begin(), packet.payload.end(),
                      written.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace terminus::drill
