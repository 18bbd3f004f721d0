#pragma once

#include <catch2/catch.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "support/pool.hpp"
#include "tcp/connection.hpp"
#include "tcp/half_open.hpp"
#include "tcp/time_wait.hpp"

namespace terminus::tcp {
inline std::ostream& operator<<(std::ostream& out, State state) {
    return out << label(state);
}
}  // namespace terminus::tcp
namespace terminus::stats {
inline std::ostream& operator<<(std::ostream& out, CloseReason reason) {
    return out << text(reason).label;
}
inline std::ostream& operator<<(std::ostream& out, Timer timer) {
    return out << text(timer).label;
}
}  // namespace terminus::stats
namespace terminus::wire {
inline std::ostream& operator<<(std::ostream& out, SeqNum seq) {
    return out << seq.value();
}
}  // namespace terminus::wire

namespace terminus::test {

using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using stats::CloseReason;
using stats::DropReason;
using stats::ResetReason;
using stats::RetransmitCause;
using stats::Timer;
using tcp::Connection;
using tcp::Disposition;
using tcp::OutSegment;
using tcp::State;
using wire::SeqNum;

inline constexpr std::uint8_t kFin = wire::TcpFlags::kFin, kSyn = wire::TcpFlags::kSyn,
                              kRst = wire::TcpFlags::kRst, kPsh = wire::TcpFlags::kPsh,
                              kAck = wire::TcpFlags::kAck, kUrg = wire::TcpFlags::kUrg;

/// Virtual time, tunables and counters; nothing here reads a clock.
struct World {
    Instant now{1000h};
    tcp::Tunables tunables;
    stats::CoreStats stats;
    tcp::SentPool sent{64, 4096};
    bool may_keep_payload = true;
    std::uint32_t receive_limit_bytes = UINT32_MAX;

    [[nodiscard]] tcp::Environment env() {
        return {now, tunables, stats, sent, may_keep_payload, receive_limit_bytes};
    }
    [[nodiscard]] std::uint64_t drops(DropReason reason) const { return stats.drops[reason].value(); }
};

/// One connection, and a peer whose every segment the test writes. Numbers are given relative to the two
/// ISNs: the SYN is 0, the first byte 1. Timestamps and scaling are off unless the test turns them on.
class Bench : public World {
 public:
    static constexpr std::uint32_t kTimestampOffset = 77;

    explicit Bench(SeqNum own = SeqNum(1000), SeqNum peer = SeqNum(500'000))
        : own_iss(own), peer_iss(peer), buffers_before_(buffers_in_use()) {
        tunables.timestamps = false;
        tunables.window_scaling = false;
        tunables.rmem = 60'000;
        tunables.quickack = 0;
        tunables.congestion_control = tcp::CongestionAlgorithm::Reno;
    }
    ~Bench() {
        finish_with_connection();
        CHECK(buffers_in_use() == buffers_before_);
        for (const auto& leg : stats.legs) {
            for (const auto& gauge : leg.connections)
                CHECK(gauge.value() == 0);
        }
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    [[nodiscard]] Connection& c() { return *connection_; }
    void finish_with_connection() {
        if (connection_) connection_->released(env());
        connection_.reset();
    }

    // ---- opening

    [[nodiscard]] Connection::OpenParameters parameters(stats::Leg leg) const {
        return {leg, own_iss, kTimestampOffset, mss, path_mss, ipv6};
    }
    void open_active() { connection_.emplace(parameters(stats::Leg::Backend), env()); }
    /// Through a half-open, as the stack does it; the handshake's last ACK is still to come.
    void promote() {
        tcp::HalfOpen half({tuple(), 1, 2, own_iss, mss}, segment(kSyn, 0, 0), env());
        (void)half.poll_reply(kTimestampOffset, env());
        connection_.emplace(parameters(stats::Leg::Client), half, env());
        half.released(env());
    }
    /// The whole handshake, opened by a SYN of the test's own; a round trip takes `rtt`.
    void accept(const wire::TcpSegment& syn, Duration rtt = 40ms) {
        tcp::HalfOpen half({tuple(), 1, 2, own_iss, mss}, syn, env());
        (void)half.poll_reply(kTimestampOffset, env());
        advance(rtt);
        connection_.emplace(parameters(stats::Leg::Client), half, env());
        half.released(env());
        REQUIRE(receive(kAck, 1, 1) == Disposition::Accepted);
        (void)c().take_events();
        REQUIRE(poll_all().empty());
    }
    [[nodiscard]] wire::TcpSegment sack_syn() const {
        wire::TcpSegment syn = segment(kSyn, 0, 0);
        syn.options.sack_permitted = true;
        return syn;
    }
    void establish() {
        promote();
        REQUIRE(receive(kAck, 1, 1) == Disposition::Accepted);
        REQUIRE(c().state() == State::Established);
        (void)c().take_events();
        REQUIRE(poll_all().empty());
    }
    void establish_active() {
        open_active();
        REQUIRE(poll_all().size() == 1);
        REQUIRE(receive(kSyn | kAck, 0, 1) == Disposition::Accepted);
        REQUIRE(c().state() == State::Established);
        REQUIRE(poll_all().size() == 1);
        (void)c().take_events();
    }
    /// By the shortest legal way. LISTEN and CLOSED are no connection's beginning.
    void bring_to(State state);

    // ---- the network

    [[nodiscard]] wire::TcpSegment segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                                           std::string_view text = {}) const {
        wire::TcpSegment result;
        result.source_port = 40000;
        result.destination_port = 80;
        result.seq = peer_iss + seq;
        if ((flags & kAck) != 0) result.ack = own_iss + ack;
        result.flags = {flags};
        result.window = peer_window;
        result.header_length = 20;
        result.payload_length = static_cast<std::uint32_t>(text.size());
        if ((flags & kSyn) != 0) {
            result.options.mss = peer_mss;
            result.options.window_scale = peer_scale;
        }
        if (peer_timestamp) result.options.timestamps = {*peer_timestamp, peer_echo};
        return result;
    }
    Disposition receive(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                        std::string_view text = {}) {
        return receive(segment(flags, seq, ack, text), text);
    }
    Disposition receive(const wire::TcpSegment& header, std::string_view text = {}) {
        return c().segment_arrives(header, text.empty() ? packet::Slice() : make_slice(text), env());
    }
    /// Everything that is to be sent now. The bound catches a machine that never says "nothing".
    std::vector<OutSegment> poll_all() {
        std::vector<OutSegment> result;
        while (true) {
            const bool wants = c().wants_transmit(env());
            const auto out = c().poll_transmit(env());
            REQUIRE(wants == out.has_value());
            if (!out) return result;
            result.push_back(*out);
            REQUIRE(result.size() < 5000);
        }
    }
    /// The one segment that is to be sent now.
    OutSegment poll_one() {
        const auto out = poll_all();
        REQUIRE(out.size() == 1);
        return out[0];
    }
    /// Numbers relative to the ISNs again.
    [[nodiscard]] std::uint32_t seq_of(const OutSegment& out) const { return out.seq - own_iss; }
    [[nodiscard]] std::uint32_t ack_of(const OutSegment& out) const { return out.ack - peer_iss; }

    // ---- time

    void advance(Duration by) { now += by; }
    /// To the very deadline, which is due then and not a tick earlier.
    void run_to_deadline() {
        const Instant deadline = c().next_deadline();
        REQUIRE(deadline != base::kNever);
        REQUIRE(deadline >= now);
        now = deadline;
        c().timers_expired(env());
    }
    /// Nothing happens one tick before the next deadline.
    void run_to_just_before_deadline() {
        const Instant deadline = c().next_deadline();
        REQUIRE(deadline != base::kNever);
        now = deadline - 1ns;
        const auto expirations = total_expirations();
        c().timers_expired(env());
        REQUIRE(total_expirations() == expirations);
        REQUIRE(c().next_deadline() == deadline);
    }
    [[nodiscard]] std::uint64_t total_expirations() const {
        std::uint64_t sum = 0;
        for (const auto& leg : stats.legs) {
            for (std::size_t i = 0; i < std::size(stats::kTimers); ++i) {
                sum += leg.timer_expirations[static_cast<Timer>(i)].value();
            }
        }
        return sum;
    }

    // ---- the application

    void send(std::string_view text) {
        packet::ByteQueue queue;
        while (!text.empty()) {
            const auto part = text.substr(0, 2000);
            queue.push_back(make_slice(part));
            text.remove_prefix(part.size());
        }
        c().send(std::move(queue), env());
    }
    std::string read(std::uint32_t max_bytes = UINT32_MAX) {
        return to_string(c().take_received(max_bytes, pool(), env()));
    }
    [[nodiscard]] stats::LegStats& leg() { return stats.leg(c().leg()); }
    [[nodiscard]] std::uint64_t closes(CloseReason reason) { return leg().closes[reason].value(); }

    static wire::FourTuple tuple() {
        return {{wire::IpAddress::v4(192, 0, 2, 1), 80}, {wire::IpAddress::v4(198, 51, 100, 7), 40000}};
    }

    SeqNum own_iss;
    SeqNum peer_iss;
    std::uint16_t mss = 1460;
    std::uint16_t path_mss = 1460;
    bool ipv6 = false;
    std::uint16_t peer_window = 50'000;
    std::optional<std::uint16_t> peer_mss = 1000;
    std::optional<std::uint8_t> peer_scale;
    std::optional<std::uint32_t> peer_timestamp;
    std::uint32_t peer_echo = 0;

 private:
    std::uint32_t buffers_before_;
    std::optional<Connection> connection_;
};

inline void Bench::bring_to(State state) {
    switch (state) {
        case State::SynSent:
            open_active();
            REQUIRE(poll_all().size() == 1);
            break;
        case State::SynReceived:  // by a simultaneous open
            bring_to(State::SynSent);
            REQUIRE(receive(kSyn, 0, 0) == Disposition::Accepted);
            REQUIRE(poll_all().size() == 1);
            break;
        case State::Established:
            establish();
            break;
        case State::FinWait1:
            establish();
            c().finish(env());
            REQUIRE(poll_all().size() == 1);
            break;
        case State::FinWait2:
            bring_to(State::FinWait1);
            REQUIRE(receive(kAck, 1, 2) == Disposition::Accepted);
            break;
        case State::CloseWait:
            establish();
            REQUIRE(receive(kFin | kAck, 1, 1) == Disposition::Accepted);
            REQUIRE(poll_all().size() == 1);
            break;
        case State::Closing:
            bring_to(State::FinWait1);
            REQUIRE(receive(kFin | kAck, 1, 1) == Disposition::Accepted);
            REQUIRE(poll_all().size() == 1);
            break;
        case State::LastAck:
            bring_to(State::CloseWait);
            c().finish(env());
            REQUIRE(poll_all().size() == 1);
            break;
        case State::TimeWait:
            bring_to(State::FinWait2);
            REQUIRE(receive(kFin | kAck, 1, 2) == Disposition::Accepted);
            REQUIRE(poll_all().size() == 1);
            break;
        case State::Closed:
        case State::Listen:
            FAIL("no connection begins there");
    }
    (void)c().take_events();
    REQUIRE(c().state() == state);
}

}  // namespace terminus::test
