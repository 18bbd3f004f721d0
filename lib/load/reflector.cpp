#include "load/reflector.hpp"

#include <algorithm>
#include <utility>

#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::load {
namespace {

/// `length` bytes at `at` and those behind them.
void swap_pair(std::uint8_t* at, std::size_t length) {
    std::swap_ranges(at, at + length, at + length);
}

// No checksum changes: each of them sums the same words in another order.
bool reflect(packet::Buffer& frame) {
    const base::MutableBytes bytes = frame.mutable_bytes();
    std::uint8_t* const ip = bytes.data() + wire::kEthernetHeader;
    if (bytes.size() < wire::kEthernetHeader + wire::kIpv4Header + wire::kTcpHeaderMin) return false;
    const std::uint16_t type = base::load_be16(bytes.data() + 12);
    if (type == wire::kEtherTypeIpv4 && ip[0] == 0x45 && ip[9] == wire::kProtocolTcp) {
        swap_pair(ip + 12, 4);
        swap_pair(ip + wire::kIpv4Header, 2);
    } else if (type == wire::kEtherTypeIpv6 && ip[6] == wire::kProtocolTcp &&
               bytes.size() >= wire::kEthernetHeader + wire::kIpv6Header + wire::kTcpHeaderMin) {
        swap_pair(ip + 8, 16);
        swap_pair(ip + wire::kIpv6Header, 2);
    } else {
        return false;
    }
    swap_pair(bytes.data(), 6);
    return true;
}

}  // namespace

void Reflector::receive(packet::Batch& frames, packet::Batch& out) {
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        packet::Buffer frame = frames.take(i);
        if (reflect(frame)) {
            out.push_back(std::move(frame));
        } else {
            neighbours_.receive(frame);
        }
    }
    frames.clear();
}

}  // namespace terminus::load
