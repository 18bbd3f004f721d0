#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <vector>

#include "choices.hpp"
#include "forge.hpp"
#include "hostile_plan.hpp"
#include "wire/seq.hpp"
#include "wire/tcp.hpp"

namespace terminus::simulation {

/// Where a hostile peer's IP packets go.
class Outlet {
 public:
    virtual void send(const std::vector<std::uint8_t>& packet) = 0;

 protected:
    ~Outlet() = default;
};

/// One connection of a hostile peer: it knows all of its numbers, and uses that.
class HostileSession {
 public:
    /// `tuple.local` is the peer's own end. It sends the stream `sends`, and here and there `instead`.
    HostileSession(const HostilePlan& plan, const wire::FourTuple& tuple, std::uint64_t sends,
                   std::uint64_t instead, base::Instant begins_at, Choices& choices, Outlet& outlet);

    [[nodiscard]] const wire::FourTuple& tuple() const { return tuple_; }
    void hears(const wire::TcpSegment& segment, base::Instant now);
    /// When it does something that nothing asked for; base::kNever: never again.
    [[nodiscard]] base::Instant next_at() const { return next_at_; }
    void acts(base::Instant now);

 private:
    // hostile_session.cpp
    void note(const wire::TcpSegment& segment);
    void note_text(const wire::TcpSegment& segment);
    void begin_life(wire::SeqNum iss, const wire::TcpSegment& segment);
    void answer_syn(const wire::TcpSegment& segment);
    void send_syn(wire::SeqNum seq);
    [[nodiscard]] bool is_honest() { return choices_.below(100) < plan_.honesty; }
    void spend(std::uint32_t moves = 1);
    [[nodiscard]] Forged blank(std::uint8_t flags = wire::TcpFlags::kAck) const;
    [[nodiscard]] wire::TcpOptions syn_options() const;
    void say(const Forged& forged);
    void say_text(wire::SeqNum seq, std::uint32_t length, std::uint64_t pattern);

    // hostile_moves.cpp
    void perform(Move move, base::Instant now);
    void acknowledge(wire::SeqNum number);
    void acknowledge_honestly();
    void divide_ack();
    void optimistic_ack();
    void duplicate_acks();
    void report(std::initializer_list<wire::SackBlock> blocks);
    void sack_ahead();
    void sack_bytes();
    void sack_garbage();
    void report_duplicate();
    void change_window();
    void send_in_order();
    void send_ahead();
    void send_crumbs();
    void send_outside();
    void send_other();
    void reset();
    void synchronise();
    void finish();
    void forge_icmp();
    void any_options();
    void lie_about_congestion();
    void lie_about_time();
    void any_flags();
    void malform();
    void repeat();
    void flood();
    [[nodiscard]] wire::SeqNum near(wire::SeqNum number);
    [[nodiscard]] std::uint32_t any_length();

    HostilePlan plan_;
    wire::FourTuple tuple_;
    std::uint64_t sends_;
    std::uint64_t instead_;
    Choices& choices_;
    Outlet& outlet_;
    base::Instant now_{};
    base::Instant next_at_;
    base::Instant silent_until_{};
    std::uint32_t moves_left_;
    bool is_alive_ = false;
    bool has_timestamps_ = false;

    // Its own stream, as the victim may know it.
    wire::SeqNum syn_;  ///< number of the last SYN
    wire::SeqNum iss_;
    wire::SeqNum next_;
    wire::SeqNum victim_has_;  ///< what the victim acknowledges
    wire::SeqNum edge_;        ///< right edge of the window that the victim offered
    std::uint16_t window_;     ///< what it offers itself

    // The victim's.
    wire::SeqNum heard_iss_;
    wire::SeqNum heard_next_;  ///< everything before has come
    wire::SeqNum heard_end_;   ///< of the furthest that has come
    wire::SeqNum told_;        ///< what was acknowledged last
    std::vector<wire::SackBlock> ahead_;
    std::uint8_t heard_scale_ = 0;
    std::uint32_t heard_stamp_ = 0;

    std::deque<std::vector<std::uint8_t>> said_;  ///< its last packets
};

}  // namespace terminus::simulation
