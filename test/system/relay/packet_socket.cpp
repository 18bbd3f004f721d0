#include "packet_socket.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace terminus::relay {
namespace {

constexpr std::size_t kFrameMax = 1 << 16;
constexpr int kReceiveBuffer = 16 << 20;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void set(int descriptor, int level, int option, int value, const char* name) {
    if (setsockopt(descriptor, level, option, &value, sizeof value) != 0) fail(name);
}

}  // namespace

PacketSocket::PacketSocket(const std::string& interface)
    : descriptor_(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    if (descriptor_ < 0) fail("AF_PACKET");
    set(descriptor_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
    set(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer, "SO_RCVBUFFORCE");
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ETH_P_ALL);
    where.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    if (where.sll_ifindex == 0) fail(interface);
    if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) fail(interface);
}

PacketSocket::~PacketSocket() {
    close(descriptor_);
}

std::optional<Frame> PacketSocket::receive() const {
    static std::array<std::byte, kFrameMax> buffer;
    const ssize_t length = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (length >= 0) return Frame(buffer.begin(), buffer.begin() + length);
    if (errno == EAGAIN || errno == EINTR || errno == ENETDOWN) return std::nullopt;
    fail("recv");
}

bool PacketSocket::send(const Frame& frame) const {
    if (::send(descriptor_, frame.data(), frame.size(), 0) >= 0) return true;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENETDOWN) return false;
    fail("send");
}

}  // namespace terminus::relay
