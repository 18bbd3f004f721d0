#include "tcp/state.hpp"

#include <array>

#include "base/assert.hpp"
#include "stats/core_stats.hpp"

namespace terminus::tcp {
namespace {

static_assert(kStates == stats::kTcpStates, "LegStats::connections is indexed by State");

constexpr StateMask set_of() {
    return 0;
}
template <typename... Rest>
constexpr StateMask set_of(State first, Rest... rest) {
    return static_cast<StateMask>(mask(first) | set_of(rest...));
}

// RFC 9293 figure 5, a row for each state. A RST, a time-out or ABORT leads to CLOSED from everywhere.
constexpr std::array<StateMask, kStates> kLegal = {
    /* Closed      */ set_of(State::Listen, State::SynSent),
    /* Listen      */ set_of(State::SynReceived, State::SynSent, State::Closed),
    /* SynSent     */ set_of(State::SynReceived, State::Established, State::Closed),
    /* SynReceived */ set_of(State::Established, State::FinWait1, State::Listen, State::Closed),
    /* Established */ set_of(State::FinWait1, State::CloseWait, State::Closed),
    /* FinWait1    */ set_of(State::FinWait2, State::Closing, State::TimeWait, State::Closed),
    /* FinWait2    */ set_of(State::TimeWait, State::Closed),
    /* CloseWait   */ set_of(State::LastAck, State::Closed),
    /* Closing     */ set_of(State::TimeWait, State::Closed),
    /* LastAck     */ set_of(State::Closed),
    /* TimeWait    */ set_of(State::Closed),
};

struct Names {
    std::string_view ss;
    std::string_view label;
};
constexpr std::array<Names, kStates> kNames = {{
    {"UNCONN", "closed"},
    {"LISTEN", "listen"},
    {"SYN-SENT", "syn_sent"},
    {"SYN-RECV", "syn_received"},
    {"ESTAB", "established"},
    {"FIN-WAIT-1", "fin_wait_1"},
    {"FIN-WAIT-2", "fin_wait_2"},
    {"CLOSE-WAIT", "close_wait"},
    {"CLOSING", "closing"},
    {"LAST-ACK", "last_ack"},
    {"TIME-WAIT", "time_wait"},
}};

}  // namespace

std::string_view ss_name(State state) {
    return kNames[static_cast<std::size_t>(state)].ss;
}

std::string_view label(State state) {
    return kNames[static_cast<std::size_t>(state)].label;
}

bool is_legal(State from, State to) {
    return is_in(to, kLegal[static_cast<std::size_t>(from)]);
}

}  // namespace terminus::tcp
