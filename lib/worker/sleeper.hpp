#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "packet/port.hpp"
#include "stats/reasons.hpp"
#include "worker/bell.hpp"

namespace terminus::worker {

/// A worker's sleep until a port tells of a frame, somebody rings, or time is up.
///
///     if (sleeper.arm()) { look at ports and rings once more; nothing there: sleeper.sleep(span); }
///     sleeper.disarm();
class Sleeper {
 public:
    /// Frames that no port told of, in a row, before ports are not believed any more. One alone may have come
    /// in the moment between the sleep's end and the look.
    static constexpr unsigned kMissedMax = 10;

    Sleeper(const std::vector<packet::Port*>& ports, Bell& bell);

    /// Whether every port at which frames arrive can tell of them: a worker must not miss one's.
    [[nodiscard]] bool is_able() const { return is_able_; }

    /// What comes from here on ends the sleep. False when a device refuses; disarm() all the same.
    [[nodiscard]] bool arm();
    /// At most `span`. Timeout for want of anything else: the caller knows of deadlines.
    [[nodiscard]] stats::Wake sleep(base::Duration span);
    void disarm();

    /// Frames were found after a sleep that they did not end, and the ports are still armed: whether all
    /// ports that had some (`received`, a bit for each port's index) have told by now. When one of them has
    /// not kMissedMax times in a row, is_able() is over.
    [[nodiscard]] bool is_told(std::uint64_t received);

 private:
    /// A port at which frames arrive.
    struct Told {
        packet::Port* port;
        std::size_t index;
        unsigned missed = 0;  // in a row
    };

    [[nodiscard]] int poll_all(base::Duration span);
    [[nodiscard]] bool note_told();

    Bell& bell_;
    std::vector<Told> ports_;
    std::vector<pollfd> polled_;  // of these ports, then the bell's
    bool is_able_ = true;
};

}  // namespace terminus::worker
