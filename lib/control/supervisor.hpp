#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"
#include "control/admin_commands.hpp"
#include "control/admin_server.hpp"
#include "control/device_watch.hpp"
#include "control/drain.hpp"
#include "control/http_server.hpp"
#include "control/link_watch.hpp"
#include "control/mailroom.hpp"
#include "control/metrics.hpp"
#include "control/port_reading.hpp"
#include "control/recording.hpp"
#include "control/runtime.hpp"
#include "control/source_port_watch.hpp"

namespace terminus::control {

/// The control thread: signals, reload, drain, admin socket, metrics. It owns no worker and locks none.
///
/// Order for the program: construct (which blocks the signals' default actions), start the workers with
/// runtime().services(), start(), run() until it returns, join the workers.
class Supervisor {
 public:
    struct Options {
        std::string config_path;  ///< read again at SIGHUP
        std::string version;
    };

    /// `initial` is what config::load() made; `group` outlives this.
    Supervisor(worker::Group& group, config::Config initial, Options options);

    /// Opens the admin socket and the HTTP port and begins to serve. The error is for the operator.
    [[nodiscard]] base::Result<void, std::string> start();
    /// Until the drain is over. 0: all workers stopped as asked. 1: one did not answer, and can't be joined.
    int run();

    /// How the ports' devices are asked; before start().
    void set_ports(ReadPorts read);

    [[nodiscard]] const Runtime& runtime() const { return runtime_; }
    [[nodiscard]] Recording& recording() { return recording_; }
    /// To be given the devices before start().
    [[nodiscard]] DeviceWatch& devices() { return devices_; }
    /// Whether /readyz says so: from the workers' first answer to the first moment of a drain, or to a port's
    /// device being asked for.
    [[nodiscard]] bool ready() const { return facts_.ready; }

    /// What SIGTERM and SIGINT do: begins to drain; once more: shortens the phase that is going on.
    void terminate();
    /// What SIGHUP does: the file is read again and applied, or all its errors are logged and nothing
    /// changes.
    void reload();

    // ---- for tests, which turn the loop by hand
    [[nodiscard]] boost::asio::io_context& io() { return io_; }
    [[nodiscard]] const Drain& drain() const { return drain_; }
    [[nodiscard]] std::uint16_t http_port() const { return http_.port(); }

 private:
    void await_signal();
    void sample_later();
    void watch_links();
    void stopped(bool clean);

    boost::asio::io_context io_;
    Options options_;
    ProcessFacts facts_;
    Mailroom mailroom_;
    Runtime runtime_;
    Recording recording_;
    SourcePortWatch ports_;
    DeviceWatch devices_;
    Metrics metrics_;
    ReadPorts read_ports_;
    LinkWatch links_;
    Drain drain_;
    AdminCommands commands_;
    AdminServer admin_;
    HttpServer http_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer sample_timer_;
    int exit_code_ = 0;
};

}  // namespace terminus::control
