#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drill/call.hpp"
#include "drill/machine.hpp"
#include "drill/sockets.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"
#include "wire/tcp.hpp"

/// A machine, and a remote host that consists of the test's own packets.
namespace terminus::drill::test {

using namespace std::chrono_literals;

inline constexpr std::uint8_t kFin = wire::TcpFlags::kFin, kSyn = wire::TcpFlags::kSyn,
                              kRst = wire::TcpFlags::kRst, kPsh = wire::TcpFlags::kPsh,
                              kAck = wire::TcpFlags::kAck;
/// A tick of the stack's wheel, by which a timer may be late.
inline constexpr base::Duration kTick{65536};
inline constexpr std::uint16_t kServicePort = 8080;
inline constexpr std::uint16_t kRemotePort = 40000;

/// A packet of the machine's.
struct Sent {
    base::Instant at;
    std::vector<std::uint8_t> bytes;  ///< from the IP header on
    wire::FourTuple tuple;            ///< local: the machine
    wire::TcpSegment tcp;
    std::string payload;
};

/// The remote end of one connection: the next number of each side.
struct Peer {
    wire::FourTuple tuple;  ///< local: the machine
    wire::SeqNum seq;
    wire::SeqNum ack;
    std::uint16_t window = UINT16_MAX;
    wire::TcpOptions options;
};

class Rig {
 public:
    explicit Rig(bool is_v6 = false, const tcp::Tunables& tunables = {});
    ~Rig();

    [[nodiscard]] Machine& machine() { return *machine_; }
    [[nodiscard]] Sockets& sockets() { return machine_->sockets(); }
    [[nodiscard]] int family() const;
    [[nodiscard]] wire::IpAddress remote_address() const;
    [[nodiscard]] wire::IpAddress local_address() const;
    [[nodiscard]] SocketAddress remote(std::uint16_t port = kRemotePort) const {
        return {family(), {remote_address(), port}};
    }

    // ---- packets

    /// What the machine sent since it was last asked, checksums verified.
    std::vector<Sent> sent();
    /// The only packet sent.
    Sent sent_one();
    void give(const Peer& peer, std::uint8_t flags, const std::string& payload = {});
    /// The same, and the peer's next number goes on.
    void say(Peer& peer, std::uint8_t flags, const std::string& payload = {});

    // ---- calls that must return at once

    static CallResult result(const Outcome& outcome);
    /// The value, with which it must have succeeded.
    static std::int64_t value(const Outcome& outcome);
    static int error(const Outcome& outcome);
    static CallId blocked(const Outcome& outcome);
    /// The result of a call that has waited.
    CallResult completion(CallId id);
    void set(Fd fd, int level, int name, int number);
    int get(Fd fd, int level, int name);

    // ---- usual beginnings

    Fd listener(int backlog = 5);
    /// SYN, SYN-ACK, ACK from `port`; the connection then waits in the listener's queue.
    Peer handshake(std::uint16_t port = kRemotePort, std::uint16_t window = UINT16_MAX);
    struct Connected {
        Fd fd = -1;
        Peer peer;
    };
    Connected accepted(std::uint16_t window = UINT16_MAX);
    /// Takes the machine's SYN and gives the remote end of what it opens; nothing is answered yet.
    Peer take_syn();
    void answer_syn(Peer& peer);
    /// A blocking connect() that is answered.
    Connected connected();

    void advance(base::Duration span) { machine_->run_until(machine_->now() + span); }
    [[nodiscard]] base::Instant now() const { return machine_->now(); }

 private:
    bool is_v6_;
    std::uint32_t buffers_before_;
    std::unique_ptr<Machine> machine_;
};

[[nodiscard]] std::vector<std::uint8_t> bytes_of(const std::string& text);
[[nodiscard]] std::string text_of(const std::vector<std::uint8_t>& bytes);

}  // namespace terminus::drill::test
