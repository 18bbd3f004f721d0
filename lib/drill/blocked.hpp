#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "drill/call.hpp"
#include "drill/socket.hpp"

namespace terminus::drill {

class SocketTable;

/// Whether a call may go on waiting. One on a non-blocking descriptor is one whose time is over at once.
enum class Wait : std::uint8_t { GoesOn, IsOver, Interrupted };

struct AcceptCall {
    SocketId socket = 0;
    int flags = 0;
};
struct ConnectCall {
    SocketId socket = 0;
    bool is_repeated = false;  ///< the connection was begun by an earlier call
};
/// close() that lingers; the descriptor is gone already.
struct CloseCall {
    SocketId socket = 0;
};
struct ReceiveCall {
    SocketId socket = 0;
    std::size_t length = 0;
    int flags = 0;
    bool is_message = false;  ///< recvmsg()
    std::size_t control_room = 0;
    std::size_t taken = 0;
    std::vector<std::uint8_t> data;
};
struct SendCall {
    SocketId socket = 0;
    std::vector<std::uint8_t> bytes;
    int flags = 0;
    std::size_t taken = 0;
    bool opens = false;  ///< it has sent the SYN itself, whose answer it waits for (MSG_FASTOPEN)
};
struct PollCall {
    std::vector<pollfd> descriptors;
};
struct EpollWaitCall {
    std::uint32_t epoll = 0;
    std::size_t events_max = 0;
};

/// A call that may have to wait. step() is asked again after every turn until it has a result; with any other
/// Wait than GoesOn it has one. What it has done so far is in the call itself.
using Call = std::variant<AcceptCall, ConnectCall, CloseCall, ReceiveCall, SendCall, PollCall, EpollWaitCall>;

[[nodiscard]] std::optional<CallResult> step(SocketTable& table, AcceptCall& call, Wait wait);
[[nodiscard]] std::optional<CallResult> step(SocketTable& table, ConnectCall& call, Wait wait);
[[nodiscard]] std::optional<CallResult> step(SocketTable& table, CloseCall& call, Wait wait);
[[nodiscard]] std::optional<CallResult> step(SocketTable& table, ReceiveCall& call, Wait wait);
[[nodiscard]] std::optional<CallResult> step(SocketTable& table, SendCall& call, Wait wait);
[[nodiscard]] std::optional<CallResult> step(SocketTable& table, PollCall& call, Wait wait);
[[nodiscard]] std::optional<CallResult> step(SocketTable& table, EpollWaitCall& call, Wait wait);

/// The calls that wait, in the order in which they began, and the results of those that waited.
class BlockedCalls {
 public:
    /// `deadline` is when its time is over; base::kNever: never.
    CallId add(SocketTable& table, Call call, base::Instant deadline);
    /// Asks each one again.
    void retry(SocketTable& table, base::Instant now);
    void interrupt(SocketTable& table, CallId id, base::Instant now);

    [[nodiscard]] std::optional<CallResult> take_completion(CallId id);
    [[nodiscard]] bool is_blocked(CallId id) const { return waiting_.contains(id); }
    [[nodiscard]] std::size_t count() const { return waiting_.size(); }
    /// The first time-out; base::kNever when there is none.
    [[nodiscard]] base::Instant next_deadline() const;

 private:
    struct Waiting {
        Call call;
        base::Instant deadline;
    };

    std::uint32_t next_id_ = 1;
    std::map<CallId, Waiting> waiting_;
    std::map<CallId, CallResult> completed_;
};

}  // namespace terminus::drill
