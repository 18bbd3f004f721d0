#include "drill/rig.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "wire/checksum.hpp"
#include "wire/frames.hpp"

namespace terminus::drill::test {

using terminus::test::Octets;
using terminus::test::operator+;

Rig::Rig(bool is_v6, const tcp::Tunables& tunables)
    : is_v6_(is_v6), buffers_before_(terminus::test::buffers_in_use()) {
    MachineSettings settings;
    settings.tunables = tunables;
    settings.buffers = {.payload = terminus::test::pool(),
                        .header = terminus::test::pool(),
                        .indirect = terminus::test::indirect_pool(),
                        .reserve = 512};
    machine_ = std::make_unique<Machine>(settings);
}

Rig::~Rig() {
    machine_.reset();
    CHECK(terminus::test::buffers_in_use() == buffers_before_);
}

int Rig::family() const {
    return is_v6_ ? AF_INET6 : AF_INET;
}

wire::IpAddress Rig::remote_address() const {
    return *wire::IpAddress::parse(is_v6_ ? "2001:db8::1" : "192.0.2.1");
}

wire::IpAddress Rig::local_address() const {
    const MachineSettings& settings = machine_->settings();
    return is_v6_ ? settings.local_v6.address : settings.local_v4.address;
}

std::vector<Sent> Rig::sent() {
    std::vector<Sent> all;
    for (SentPacket& packet : machine_->take_sent()) {
        const bool is_v4 = packet.bytes[0] >> 4 == 4;
        const Octets frame =
            terminus::test::ethernet(is_v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6) + packet.bytes;
        const auto parsed = wire::parse_frame(frame, static_cast<std::uint32_t>(frame.size()));
        REQUIRE(parsed.ok());
        const wire::Frame& header = parsed.value();
        const base::Bytes l4 = base::Bytes(frame).subspan(header.l4_offset, header.l4_length);
        REQUIRE(wire::l4_checksum_is_good(header, l4));
        REQUIRE(header.protocol == wire::kProtocolTcp);
        const auto segment = wire::parse_tcp(l4, header.l4_length);
        REQUIRE(segment.ok());
        Sent one{.at = packet.at, .bytes = std::move(packet.bytes), .tcp = segment.value()};
        one.tuple = {{header.source, one.tcp.source_port}, {header.destination, one.tcp.destination_port}};
        const base::Bytes payload = l4.subspan(one.tcp.header_length);
        one.payload.assign(payload.begin(), payload.end());
        all.push_back(std::move(one));
    }
    return all;
}

Sent Rig::sent_one() {
    std::vector<Sent> all = sent();
    REQUIRE(all.size() == 1);
    return all[0];
}

void Rig::give(const Peer& peer, std::uint8_t flags, const std::string& payload) {
    const wire::TcpHeader header{.source_port = peer.tuple.remote.port,
                                 .destination_port = peer.tuple.local.port,
                                 .seq = peer.seq,
                                 .ack = (flags & kAck) != 0 ? peer.ack : wire::SeqNum(0),
                                 .flags = {flags},
                                 .window = peer.window,
                                 .options = peer.options};
    const wire::IpAddress& from = peer.tuple.remote.address;
    const wire::IpAddress& to = peer.tuple.local.address;
    Octets l4(wire::kTcpHeaderMax);
    l4.resize(wire::write_tcp(header, l4));
    l4.insert(l4.end(), payload.begin(), payload.end());
    base::store_be16(&l4[16], wire::l4_checksum(from, to, wire::kProtocolTcp, l4));
    Octets frame;
    if (from.is_v4()) {
        wire::Ipv4Header ip;
        ip.source = from;
        ip.destination = to;
        frame = terminus::test::frame_v4(l4, wire::kProtocolTcp, ip);
    } else {
        frame = terminus::test::frame_v6(l4, wire::kProtocolTcp, from, to);
    }
    REQUIRE(machine_->inject(base::Bytes(frame).subspan(wire::kEthernetHeader)));
}

void Rig::say(Peer& peer, std::uint8_t flags, const std::string& payload) {
    give(peer, flags, payload);
    peer.seq += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1u : 0u);
}

CallResult Rig::result(const Outcome& outcome) {
    REQUIRE(has_returned(outcome));
    return std::get<CallResult>(outcome);
}

std::int64_t Rig::value(const Outcome& outcome) {
    const CallResult returned = result(outcome);
    INFO(returned.refusal);
    REQUIRE(returned.error == 0);
    return returned.value;
}

int Rig::error(const Outcome& outcome) {
    const CallResult returned = result(outcome);
    REQUIRE(returned.value == -1);
    return returned.error;
}

CallId Rig::blocked(const Outcome& outcome) {
    REQUIRE_FALSE(has_returned(outcome));
    return std::get<CallId>(outcome);
}

CallResult Rig::completion(CallId id) {
    std::optional<CallResult> done = sockets().take_completion(id);
    REQUIRE(done);
    return *done;
}

void Rig::set(Fd fd, int level, int name, int number) {
    std::vector<std::uint8_t> bytes(sizeof number);
    std::memcpy(bytes.data(), &number, sizeof number);
    REQUIRE(value(sockets().setsockopt(fd, level, name, bytes)) == 0);
}

int Rig::get(Fd fd, int level, int name) {
    const CallResult got = sockets().getsockopt(fd, level, name, sizeof(int));
    INFO(got.refusal);
    REQUIRE(got.error == 0);
    int number = 0;
    REQUIRE(got.data.size() == sizeof number);
    std::memcpy(&number, got.data.data(), sizeof number);
    return number;
}

Fd Rig::listener(int backlog) {
    const Fd fd = static_cast<Fd>(value(sockets().socket(family(), SOCK_STREAM, 0)));
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const wire::IpAddress any = is_v6_ ? wire::IpAddress{} : wire::IpAddress::v4(0);
    REQUIRE(value(sockets().bind(fd, {family(), {any, kServicePort}})) == 0);
    REQUIRE(value(sockets().listen(fd, backlog)) == 0);
    return fd;
}

Peer Rig::handshake(std::uint16_t port, std::uint16_t window) {
    Peer peer{.tuple = {{local_address(), kServicePort}, {remote_address(), port}},
              .seq = wire::SeqNum(1000),
              .window = window};
    (void)sent();
    peer.options.mss = 1460;
    say(peer, kSyn);
    peer.options.mss.reset();
    const Sent answer = sent_one();
    REQUIRE(answer.tcp.flags.bits == (kSyn | kAck));
    REQUIRE(answer.tcp.ack == peer.seq);
    peer.ack = answer.tcp.seq + 1;
    give(peer, kAck);
    return peer;
}

Rig::Connected Rig::accepted(std::uint16_t window) {
    const Fd listening = listener();
    Connected made;
    made.peer = handshake(kRemotePort, window);
    made.fd = static_cast<Fd>(value(sockets().accept4(listening, 0)));
    REQUIRE(value(sockets().close(listening)) == 0);
    REQUIRE(sent().empty());
    return made;
}

Peer Rig::take_syn() {
    const Sent syn = sent_one();
    REQUIRE(syn.tcp.flags.bits == kSyn);
    return {.tuple = syn.tuple, .seq = wire::SeqNum(5000), .ack = syn.tcp.seq + 1};
}

void Rig::answer_syn(Peer& peer) {
    peer.options.mss = 1460;
    say(peer, kSyn | kAck);
    peer.options.mss.reset();
}

Rig::Connected Rig::connected() {
    const Fd fd = static_cast<Fd>(value(sockets().socket(family(), SOCK_STREAM, 0)));
    const CallId connecting = blocked(sockets().connect(fd, remote()));
    Peer peer = take_syn();
    answer_syn(peer);
    REQUIRE(completion(connecting).value == 0);
    REQUIRE(sent_one().tcp.flags.bits == kAck);
    return {fd, peer};
}

std::vector<std::uint8_t> bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace terminus::drill::test
