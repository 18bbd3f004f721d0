#include "control/device_watch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace terminus::control {

DeviceWatch::DeviceWatch(boost::asio::io_context& io, Mailroom& mailroom,
                         const std::vector<config::Port>& ports, std::function<void()> lost)
    : mailroom_(mailroom), lost_(std::move(lost)), timer_(io) {
    // What follows a comma are a software device's arguments.
    for (const config::Port& port : ports)
        ports_.push_back({port.name, port.device.substr(0, port.device.find(','))});
}

void DeviceWatch::start() {
    timer_.expires_after(kLook);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        look();
        start();
    });
}

void DeviceWatch::stop() {
    timer_.cancel();
}

void DeviceWatch::look() {
    for (const std::uint16_t port : access_.asked_for())
        asked_for(port);
}

bool DeviceWatch::has_all() const {
    return std::all_of(ports_.begin(), ports_.end(),
                       [](const Port& port) { return port.state == State::Used; });
}

void DeviceWatch::asked_for(std::uint16_t index) {
    Port& port = ports_[index];
    switch (port.state) {
        case State::Removed:
            return;
        case State::Leaving:  // the kernel's next reminder
            spdlog::warn("port {}: the kernel still waits for device {}; answers of workers outstanding: {}",
                         port.name, port.device, mailroom_.outstanding());
            return;
        case State::Used:
            break;
    }
    port.state = State::Leaving;
    spdlog::error(
        "port {}: the kernel wants its device {} back: it is being pulled, unbound or removed through /sys. "
        "The "
        "port is given up and all that needs it fails; {}; /readyz says no. When the device is there again, "
        "restart terminusd",
        port.name, port.device, what_goes_on());
    lost_();
    mailroom_.post_all([index](std::uint32_t) { return worker::GivePortUp{index}; },
                       [this, index] { given_up(index); });
}

void DeviceWatch::given_up(std::uint16_t index) {
    Port& port = ports_[index];
    port.state = State::Removed;
    if (const auto removed = access_.remove(index); !removed) {
        spdlog::error("port {}: {}; the kernel may wait for it until terminusd ends", port.name,
                      removed.error());
        return;
    }
    spdlog::info("port {}: device {} is given back to the kernel", port.name, port.device);
}

std::string DeviceWatch::what_goes_on() const {
    std::string left;
    for (const Port& port : ports_) {
        if (port.state == State::Used) left += (left.empty() ? "" : ", ") + port.name;
    }
    return left.empty() ? "no port is left" : "what goes on: port " + left;
}

}  // namespace terminus::control
