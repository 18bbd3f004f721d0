#pragma once

#include <utility>
#include <vector>

#include "packet/batch.hpp"
#include "packet/port.hpp"
#include "stack/network.hpp"
#include "stack/stack.hpp"
#include "stats/core_stats.hpp"

namespace terminus::test {

/// A worker without its thread and clock: one core's network, stack and numbers, turned by hand.
template <typename App>
class Node {
 public:
    Node(stack::Settings settings, std::vector<packet::Port*> ports, App& app, base::Instant now)
        : settings_(std::move(settings)),
          ports_(std::move(ports)),
          network_(settings_, ports_, stats_, now),
          stack_(settings_, network_, app, stats_, now) {}

    void turn(base::Instant now) {
        stack_.begin_turn(now);
        for (std::uint16_t port = 0; port < ports_.size(); ++port) {
            packet::Batch frames;
            ports_[port]->receive(frames);
            stack_.ingress(frames, port);
        }
        stack_.run_timers();
        stack_.run_application();
        stack_.egress();
    }

    [[nodiscard]] stack::Stack<App>& stack() { return stack_; }
    [[nodiscard]] stack::Network& network() { return network_; }
    [[nodiscard]] const stats::CoreStats& stats() const { return stats_; }

 private:
    stack::Settings settings_;
    std::vector<packet::Port*> ports_;
    stats::CoreStats stats_;
    stack::Network network_;
    stack::Stack<App> stack_;
};

}  // namespace terminus::test
