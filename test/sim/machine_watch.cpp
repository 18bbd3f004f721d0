#include "machine_watch.hpp"

#include "listing.hpp"

namespace terminus::simulation {

void MachineWatch::after_turn() {
    const auto& flows = machine_.app().flows();
    marks_.resize(flows.size());
    std::uint32_t buffers = 0;
    const Watched watched{machine_.stack().environment(), machine_.stack().has_work(),
                          machine_.stack().next_deadline()};
    for (std::size_t i = 0; i < flows.size(); ++i) {
        const tcp::Connection* const connection = machine_.stack().find(flows[i].id);
        if (connection == nullptr) continue;
        const wire::FourTuple tuple = machine_.stack().tuple(flows[i].id);
        const auto fail = [&](const std::string& what) {
            verdict_.fail("machine " + std::to_string(machine_.number()) + ", " + tuple.local.to_string() +
                          " to " + tuple.remote.to_string() + ": " + what);
        };
        check_connection(*connection, watched, marks_[i], fail);
        buffers += connection->buffer_count();
    }
    if (buffers > machine_.pools().payload.in_use() + machine_.pools().header.in_use())
        verdict_.fail("connections count more buffers than are in use");
    const std::uint64_t owners =
        machine_.live() + machine_.count(tcp::State::TimeWait) + machine_.app().timers();
    if (machine_.stack().armed_timers() > owners) verdict_.fail("a timer is armed that nothing owns");
    if (machine_.stack().environment().sent.used() >
        machine_.plan().sent_records_spare + machine_.plan().connections_max)
        verdict_.fail("more records of sent text are in use than there are");
}

bool MachineWatch::is_idle() const {
    return machine_.live() == 0 && machine_.count(tcp::State::TimeWait) == 0 && !machine_.has_work();
}

void MachineWatch::at_end() {
    const std::string who = "machine " + std::to_string(machine_.number()) + ": ";
    for (std::size_t state = 0; state < tcp::kStates; ++state) {
        if (machine_.count(static_cast<tcp::State>(state)) != 0)
            verdict_.fail(who + "the gauge of a state is not zero at the end");
    }
    if (machine_.stack().armed_timers() != 0) verdict_.fail(who + "a timer is left at the end");
    if (machine_.app().timers() != 0) verdict_.fail(who + "a program's timer is left at the end");
    if (machine_.stack().environment().sent.used() != 0)
        verdict_.fail(who + "a record of sent text is left at the end");
    if (machine_.stats().out_of_order_buffers.value() != 0)
        verdict_.fail(who + "the gauge of buffers ahead of gaps is not zero at the end");
    if (machine_.buffers_in_use() != buffers_before_)
        verdict_.fail(who + std::to_string(machine_.buffers_in_use() - buffers_before_) +
                      " buffers are left at the end");
    for (const Flow& flow : machine_.app().flows()) {
        if (!flow.closed) verdict_.fail(who + "a program was not told that its connection ended");
    }
}

std::string MachineWatch::listing() {
    std::string text = "machine " + std::to_string(machine_.number()) + ": " +
                       std::to_string(machine_.pools().payload.available()) + " payload buffers free, " +
                       std::to_string(machine_.stack().armed_timers()) + " timers, share " +
                       std::to_string(machine_.stack().buffer_share()) + "\n";
    text += list_connections(machine_.stack());
    for (const Flow& flow : machine_.app().flows()) {
        text += "  program: sent " + std::to_string(flow.sent) + " of " +
                std::to_string(flow.behaviour.send_bytes) + ", received " + std::to_string(flow.received) +
                (flow.peer_finished ? ", peer finished" : "") + (flow.has_ended ? ", ended" : "") + ", ";
        text += flow.closed ? std::string(stats::text(*flow.closed).label) : "open";
        text += "\n";
    }
    return text + list_counts(machine_.stats());
}

}  // namespace terminus::simulation
