#include "control/drain.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "control/census.hpp"

namespace terminus::control {

Drain::Drain(boost::asio::io_context& io, Mailroom& mailroom, const worker::Group& group,
             std::function<void(bool)> stopped)
    : mailroom_(mailroom),
      group_(group),
      stopped_(std::move(stopped)),
      timer_(io),
      look_timer_(io),
      watchdog_(io) {}

void Drain::begin(const config::Drain& settings) {
    if (phase_ != Phase::Serving) return hurry();
    settings_ = settings;
    enter(Phase::Announced);
    spdlog::info("drain: not ready any more; new connections are refused in {} ms, {} connections live",
                 std::chrono::duration_cast<std::chrono::milliseconds>(settings.delay).count(),
                 live_connections());
    after(settings.delay, &Drain::refuse);
}

void Drain::hurry() {
    switch (phase_) {
        case Phase::Announced:
            return refuse();
        case Phase::Refusing:
            return abort();
        case Phase::Serving:
        case Phase::Aborting:
        case Phase::Stopping:
        case Phase::Stopped:
            return;
    }
}

std::uint64_t Drain::live_connections() const {
    return census(group_).connections;
}

void Drain::enter(Phase phase) {
    phase_ = phase;
    timer_.cancel();
    look_timer_.cancel();
    watchdog_.cancel();
}

void Drain::refuse() {
    enter(Phase::Refusing);
    spdlog::info("drain: new connections are refused");
    watch();
    mailroom_.post_all([](std::uint32_t) { return worker::SetDraining{true}; },
                       [this] {
                           if (phase_ != Phase::Refusing) return;
                           watchdog_.cancel();
                           after(settings_.grace, &Drain::abort);
                           look();
                       });
}

void Drain::look() {
    if (live_connections() == 0) return abort();
    look_timer_.expires_after(kLook);
    look_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && phase_ == Phase::Refusing) look();
    });
}

void Drain::abort() {
    enter(Phase::Aborting);
    if (const std::uint64_t left = live_connections(); left > 0) {
        spdlog::warn("drain: {} connections are left and get a RST", left);
    }
    watch();
    mailroom_.post_all([](std::uint32_t) { return worker::AbortAll{stats::CloseReason::Drain}; },
                       [this] {
                           if (phase_ == Phase::Aborting) stop();
                       });
}

void Drain::stop() {
    enter(Phase::Stopping);
    watch();
    mailroom_.post_all([](std::uint32_t) { return worker::Stop{}; },
                       [this] {
                           if (phase_ == Phase::Stopping) finish(true);
                       });
}

void Drain::finish(bool clean) {
    enter(Phase::Stopped);
    stopped_(clean);
}

void Drain::after(base::Duration wait, void (Drain::*next)()) {
    const Phase armed_in = phase_;
    timer_.expires_after(wait);
    timer_.async_wait([this, next, armed_in](const boost::system::error_code& error) {
        if (!error && phase_ == armed_in) (this->*next)();
    });
}

void Drain::watch() {
    const Phase armed_in = phase_;
    watchdog_.expires_after(kPatience);
    watchdog_.async_wait([this, armed_in](const boost::system::error_code& error) {
        if (error || phase_ != armed_in) return;
        spdlog::error("drain: a worker does not answer; ending without it");
        finish(false);
    });
}

}  // namespace terminus::control
