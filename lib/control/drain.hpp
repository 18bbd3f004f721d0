#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "config/config.hpp"
#include "control/mailroom.hpp"
#include "worker/group.hpp"

namespace terminus::control {

/// How a process ends without breaking more than it must: say so, refuse the new, wait for the old, reset the
/// rest.
///
///     Serving → Announced → Refusing → Aborting → Stopping → Stopped
///         begin()    delay     grace, or the last connection is gone
///
/// hurry() (a second SIGTERM) ends the waiting of the phase it finds.
class Drain {
 public:
    enum class Phase : std::uint8_t { Serving, Announced, Refusing, Aborting, Stopping, Stopped };

    /// Between two looks at whether a connection is left.
    static constexpr std::chrono::milliseconds kLook{50};
    /// A worker that has not answered for this long will not: the process ends without it.
    static constexpr std::chrono::seconds kPatience{10};

    /// `stopped` runs at the end, with false when a worker did not answer.
    Drain(boost::asio::io_context& io, Mailroom& mailroom, const worker::Group& group,
          std::function<void(bool clean)> stopped);

    void begin(const config::Drain& settings);
    void hurry();
    [[nodiscard]] Phase phase() const { return phase_; }

    /// Connections that a drain waits for: both legs in every state but TIME_WAIT, half-open ones included.
    [[nodiscard]] std::uint64_t live_connections() const;

 private:
    void enter(Phase phase);
    void refuse();
    void look();
    void abort();
    void stop();
    void finish(bool clean);
    void after(base::Duration wait, void (Drain::*next)());
    void watch();

    Mailroom& mailroom_;
    const worker::Group& group_;
    std::function<void(bool)> stopped_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer look_timer_;
    boost::asio::steady_timer watchdog_;
    config::Drain settings_;
    Phase phase_ = Phase::Serving;
};

}  // namespace terminus::control
