#pragma once

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "capture/conversation.hpp"
#include "wire/frames.hpp"
#include "wire/tcp.hpp"

namespace terminus::test {

inline constexpr std::uint8_t kFin = wire::TcpFlags::kFin, kSyn = wire::TcpFlags::kSyn,
                              kRst = wire::TcpFlags::kRst, kAck = wire::TcpFlags::kAck;

/// Two ends whose segments a capture has; numbers are relative to their ISNs.
struct Talk {
    struct Segment {
        std::uint8_t flags = kAck;
        std::uint32_t seq = 0;
        std::uint32_t ack = 0;
        std::size_t length = 0;
        std::vector<std::pair<std::uint32_t, std::uint32_t>> sack{};
    };

    explicit Talk(wire::SeqNum iss = wire::SeqNum(1000)) : client_iss(iss) {}

    void client(const Segment& segment) { add(segment, true); }
    void server(const Segment& segment) { add(segment, false); }
    void handshake() {
        client({.flags = kSyn});
        server({.flags = kSyn | kAck, .ack = 1});
        client({.flags = kAck, .seq = 1, .ack = 1});
    }
    [[nodiscard]] const capture::Conversation& only() const {
        REQUIRE(conversations.all().size() == 1);
        return conversations.all().front();
    }

    wire::SeqNum client_iss;
    wire::SeqNum server_iss{7'000'000};
    base::Duration at{};
    capture::Conversations conversations;

 private:
    void add(const Segment& segment, bool is_from_client) {
        const wire::SeqNum own = is_from_client ? client_iss : server_iss;
        const wire::SeqNum other = is_from_client ? server_iss : client_iss;
        wire::TcpHeader header;
        header.source_port = is_from_client ? 40'000 : 80;
        header.destination_port = is_from_client ? 80 : 40'000;
        header.seq = own + segment.seq;
        header.flags = {segment.flags};
        if (header.flags.ack()) header.ack = other + segment.ack;
        header.window = 1000;
        if (header.flags.syn()) header.options.window_scale = is_from_client ? 7 : 9;
        for (const auto& [left, right] : segment.sack)
            header.options.sack[header.options.sack_count++] = {other + left, other + right};
        Octets l4(wire::kTcpHeaderMax);
        l4.resize(wire::write_tcp(header, l4) + segment.length);
        wire::Ipv4Header ip;
        ip.source = is_from_client ? kPeer4 : kOur4;
        ip.destination = is_from_client ? kOur4 : kPeer4;
        at += base::Duration(1'000'000);
        conversations.add(frame_v4(l4, wire::kProtocolTcp, ip), at, ++frames_);
    }

    std::uint64_t frames_ = 0;
};

}  // namespace terminus::test
