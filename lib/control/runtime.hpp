#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "config/diff.hpp"
#include "config/sysctl.hpp"
#include "control/mailroom.hpp"
#include "control/service_directory.hpp"
#include "record/head.hpp"

namespace terminus::control {

/// The configuration in force, and the ways to change it while workers run.
class Runtime {
 public:
    /// `initial` is valid (config::load() made it). `services()` is ready for the workers' constructors.
    Runtime(Mailroom& mailroom, config::Config initial);

    /// What runs now: the file's, with what `sysctl` has changed since.
    [[nodiscard]] const config::Config& config() const { return config_; }
    /// The newest snapshot. Every one lives until all workers have a newer one.
    [[nodiscard]] const proxy::ServiceTable& services() const { return *tables_.back(); }
    [[nodiscard]] const ServiceDirectory& directory() const { return directory_; }
    [[nodiscard]] std::uint32_t workers() const { return mailroom_.workers(); }

    /// Sends tunables and services to every worker; `ready` runs when all have them.
    void start(std::function<void()> ready);

    /// Sets one tunable in the running workers; `done` runs when all have it, or at once with the error.
    using TunableDone = std::function<void(base::Result<config::TunableText, std::string>)>;
    void set_tunable(const std::string& name, const std::string& text, TunableDone done);

    /// Brings into force what `wanted` changes and a reload can change; logs every change. `done` runs when
    /// all workers have it. The error (nothing changed): why the services can't be had.
    [[nodiscard]] base::Result<void, std::string> apply(const config::Config& wanted,
                                                        std::function<void()> done,
                                                        const std::string& text = "");

    /// What has become of the configuration since the start, for a recording that begins now: at `now` of the
    /// workers' clock.
    [[nodiscard]] record::Past past(base::Instant now) const;

    /// Hears of each change (a tunable that is set, the `text` of a file that is applied) before any worker
    /// does. What workers are sent is numbered by these: SetTunables::revision is how many there were.
    void on_revision(std::function<void(const record::Revision&)> hears) { hears_ = std::move(hears); }

 private:
    void changed(const record::Revision& revision);
    void send_tunables(std::function<void()> done);
    void send_services(std::function<void()> done);
    void log_changes(const config::Config& wanted) const;
    void log_overridden(const config::Tcp& wanted);

    Mailroom& mailroom_;
    config::Config config_;
    ServiceDirectory directory_;
    std::deque<std::unique_ptr<const proxy::ServiceTable>> tables_;  // oldest first
    std::string applied_text_;  // of the file that was read again last; empty: none was
    std::map<std::string, std::string> set_by_sysctl_;
    std::uint32_t time_wait_room_;  // what the tables were made for at start
    std::uint32_t half_open_room_;
    std::uint32_t revision_ = 0;
    std::function<void(const record::Revision&)> hears_ = [](const record::Revision&) {};
};

}  // namespace terminus::control
