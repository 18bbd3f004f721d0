#pragma once

#include <memory>
#include <string_view>

#include "control/admin_server.hpp"
#include "control/mailroom.hpp"
#include "control/metrics.hpp"
#include "control/recording.hpp"
#include "control/runtime.hpp"

namespace terminus::control {

/// What can be asked on the admin socket. A request is
/// {"command": "ss", "options": {"state": "established", "leg": "client", "service": "www"}}.
///
///     ss       connections: a line each          options: state, leg, service
///     stats    counters and gauges: a line each
///     sysctl   tunables: a line each             options: name (else all), value (sets it)
///     capture  of a recording: a line each       options: file (begins one), limit, for,
///                                                connections_max, detach; or stop
///     version  one line
///     help     the commands, a line each
class AdminCommands {
 public:
    /// Everything referred to outlives the answers.
    AdminCommands(Mailroom& mailroom, Runtime& runtime, Recording& recording, const Metrics& metrics,
                  const ProcessFacts& facts);

    /// Any line, also one that is no JSON: that is answered by an error.
    [[nodiscard]] std::shared_ptr<Answer> handle(std::string_view request, const Asker& asker);

 private:
    struct Request;
    [[nodiscard]] std::shared_ptr<Answer> ss(const Request& request);
    [[nodiscard]] std::shared_ptr<Answer> stats(const Request& request);
    [[nodiscard]] std::shared_ptr<Answer> sysctl(const Request& request);
    [[nodiscard]] std::shared_ptr<Answer> capture(const Request& request, const Asker& asker);
    [[nodiscard]] std::shared_ptr<Answer> version(const Request& request);
    [[nodiscard]] std::shared_ptr<Answer> help(const Request& request);

    Mailroom& mailroom_;
    Runtime& runtime_;
    Recording& recording_;
    const Metrics& metrics_;
    const ProcessFacts& facts_;
};

}  // namespace terminus::control
