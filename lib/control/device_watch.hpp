#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "control/mailroom.hpp"

namespace terminus::control {

/// The ports' devices, which are the program's: the control thread knows them by the ports' indices only.
struct DeviceAccess {
    /// The ports whose devices the kernel has asked for since the last call.
    std::function<std::vector<std::uint16_t>()> asked_for = [] { return std::vector<std::uint16_t>(); };
    /// Closes a device that no worker uses any more. The error is a sentence.
    std::function<base::Result<void, std::string>(std::uint16_t port)> remove;
};

/// Gives back the devices that the kernel asks for (a NIC that is pulled, unbound or removed through /sys),
/// one port at a time out of a process that goes on: tells the operator, has all workers give the port up,
/// closes the device. There is no way back but a restart.
class DeviceWatch {
 public:
    /// Between two looks. The kernel waits meanwhile; nothing else does.
    static constexpr std::chrono::milliseconds kLook{100};

    /// `lost` runs when a port is about to go, before any worker hears of it.
    DeviceWatch(boost::asio::io_context& io, Mailroom& mailroom, const std::vector<config::Port>& ports,
                std::function<void()> lost);

    /// Before start(). Without it nothing is ever asked for.
    void attach(DeviceAccess access) { access_ = std::move(access); }
    /// Looks from now on, every kLook.
    void start();
    void stop();
    /// What the timer does; tests may.
    void look();

    /// No device was asked for.
    [[nodiscard]] bool has_all() const;

 private:
    enum class State : std::uint8_t { Used, Leaving, Removed };
    struct Port {
        std::string name;
        std::string device;
        State state = State::Used;
    };

    void asked_for(std::uint16_t port);
    void given_up(std::uint16_t port);
    [[nodiscard]] std::string what_goes_on() const;

    Mailroom& mailroom_;
    std::function<void()> lost_;
    std::vector<Port> ports_;
    DeviceAccess access_;
    boost::asio::steady_timer timer_;
};

}  // namespace terminus::control
