#pragma once

#include <cstdint>
#include <string_view>

namespace terminus::tcp {

/// RFC 9293 3.3.2. Connection holds SYN_SENT and the synchronised states; HalfOpen is a SYN_RECEIVED born of
/// LISTEN; TimeWait is TIME_WAIT; LISTEN is a row of the service table; CLOSED is the absence of a handle
/// (a Connection in it only waits to be collected).
enum class State : std::uint8_t {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
};
inline constexpr std::size_t kStates = 11;

/// A set of states, one bit each.
using StateMask = std::uint16_t;
[[nodiscard]] constexpr StateMask mask(State state) {
    return static_cast<StateMask>(1u << static_cast<unsigned>(state));
}
[[nodiscard]] constexpr bool is_in(State state, StateMask set) {
    return (mask(state) & set) != 0;
}

/// "ESTAB", "SYN-SENT", …: the words of Linux's ss.
[[nodiscard]] std::string_view ss_name(State state);
/// "established", "syn_sent", …: metric labels.
[[nodiscard]] std::string_view label(State state);

/// The arrows of RFC 9293 figure 5, and those to CLOSED that RST and time-outs add.
[[nodiscard]] bool is_legal(State from, State to);

}  // namespace terminus::tcp
