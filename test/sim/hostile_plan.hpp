#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan.hpp"

namespace terminus::simulation {

/// What a hostile peer can do at a time; each takes its details from the seed.
enum class Move : std::uint8_t {
    Acknowledge,      ///< what has come, honestly
    DivideAck,        ///< the same, cut into many
    OptimisticAck,    ///< more than has come, or than was sent
    DuplicateAcks,    ///< one ACK many times
    StaleAck,         ///< far behind
    SackAhead,        ///< reports what hasn't come, to go back on it
    SackBytes,        ///< reports single bytes
    SackGarbage,      ///< inverted, empty, far off
    ReportDuplicate,  ///< D-SACKs of what came once
    Window,           ///< zero, tiny, shrunk, huge
    Send,             ///< text in order
    SendAhead,        ///< beyond a gap
    SendCrumbs,       ///< many bytes one by one, with gaps
    SendOutside,      ///< left or right of the window, or across its edge
    SendOther,        ///< other bytes where some were sent already
    Reset,            ///< RST at the exact number, inside, outside
    Synchronise,      ///< SYN or SYN-ACK in a connection that lives
    Finish,           ///< FIN at the end, ahead of it, again
    Error,            ///< ICMP
    Options,          ///< forty bytes of anything
    Congestion,       ///< CE, ECE and CWR for no reason
    Timestamps,       ///< of the future, the past and nobody
    Flags,            ///< any of them, urgent pointers
    Malform,          ///< lengths and checksums that lie, fragments
    Repeat,           ///< something from before
    Flood,            ///< SYNs and ACKs from many ports
    Reopen,           ///< a new SYN for the same 4-tuple
    Silence,          ///< nothing, for a while
};
inline constexpr std::uint32_t kMoves = static_cast<std::uint32_t>(Move::Silence) + 1;

/// One hostile connection.
struct HostilePlan {
    base::Duration at{};
    bool is_v6 = false;
    bool victim_opens = false;
    Behaviour victim;           ///< what the program at the other end does
    std::vector<Move> habits;   ///< what it does beside behaving
    std::uint32_t honesty = 0;  ///< percent of what it does that is as it should be
    std::uint32_t moves = 0;    ///< then it falls silent for ever
    base::Duration delay{};     ///< until it hears what was sent
    base::Duration pause{};     ///< between moves that nothing asked for, at most
    bool asks_sack = false;
    bool asks_timestamps = false;
    std::uint8_t asks_ecn = 0;  ///< of the SYN: nothing, ECE and CWR, or one of them
    std::uint16_t mss = 1460;   ///< 0: no option
    std::optional<std::uint8_t> scale;
    std::uint16_t window = 65535;
};

/// The honest pair, whose first machine is the victim, and its hostile peers.
struct HostileWorldPlan {
    PairPlan honest;
    std::vector<HostilePlan> peers;
};

[[nodiscard]] HostileWorldPlan make_hostile_plan(Choices& choices);

}  // namespace terminus::simulation
