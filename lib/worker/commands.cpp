// What the control thread asks of a worker, one command at a time.

#include <type_traits>
#include <utility>

#include "worker/worker.hpp"

namespace terminus::worker {

void Worker::execute(Command& command) {
    std::visit(
        [this](auto& asked) {
            using Asked = std::decay_t<decltype(asked)>;
            if constexpr (std::is_same_v<Asked, SetTunables>) {
                stack_.set_tunables(asked.tunables);
                mailbox_.reply(TunablesSet{});
            } else if constexpr (std::is_same_v<Asked, SetServices>) {
                network_.add_local_addresses(asked.table->local_addresses(), stack_.environment().now);
                proxy_.set_services(asked.table);
                proxy_.set_profiles(stack_);
                stack_.services_changed();
                mailbox_.reply(ServicesSet{asked.table->version()});
            } else if constexpr (std::is_same_v<Asked, ListConnections>) {
                list(*asked.page);
                mailbox_.reply(ConnectionsListed{std::move(asked.page)});
            } else if constexpr (std::is_same_v<Asked, ListSourcePorts>) {
                list(*asked.page);
                mailbox_.reply(SourcePortsListed{std::move(asked.page)});
            } else if constexpr (std::is_same_v<Asked, SetDraining>) {
                stack_.set_draining(asked.draining);
                mailbox_.reply(DrainingSet{});
            } else if constexpr (std::is_same_v<Asked, AbortAll>) {
                stack_.abort_all(asked.reason);
                mailbox_.reply(AllAborted{});
            } else if constexpr (std::is_same_v<Asked, GivePortUp>) {
                give_up(asked.port);
                mailbox_.reply(PortGivenUp{});
            } else if constexpr (std::is_same_v<Asked, SetRecorder>) {
                next_recorder_ = asked.recorder;  // the reply comes with the end of the turn
            } else if constexpr (std::is_same_v<Asked, Stop>) {
                stopping_ = true;  // run() replies when the last turn is over
            } else {
                static_assert(std::is_same_v<Asked, std::monostate>);
            }
        },
        command);
}

// What waits for the device, here and in the rings of those that relay through this worker, meets the port
// that stands in for it. A repetition need not know: what was sent is taken by its ports as it was by these.
void Worker::give_up(std::uint16_t port) {
    TERMINUS_ASSERT(port < ports_.size() && ports_[port] != gone_ports_[port].get(),
                    "the control thread asks once for a port that there is");
    publish();                                          // what the device refused is counted to its end,
    frames_refused_ -= ports_[port]->frames_refused();  // and counting goes on without it
    ports_[port] = gone_ports_[port].get();
    recorded_ports_[port]->stand_before(*ports_[port]);
    record(recorder_);  // which gives the network the ports as they are now
    if (!sleeps_until_told()) return;
    sleeper_->disarm();  // this may be the look before a sleep
    sleeper_ = std::make_unique<Sleeper>(ports_, mailbox_.bell());
}

void Worker::list(RowPage& page) {
    page.rows.clear();
    const base::Instant now = stack_.environment().now;
    const std::optional<std::uint64_t> next =
        stack_.list(page.cursor, RowPage::kRowsMax,
                    [&](const wire::FourTuple& tuple, std::uint16_t service, stats::Leg leg,
                        const tcp::Connection::Snapshot& snapshot) {
                        ConnectionRow row;
                        row.tuple = tuple;
                        row.state = snapshot.state;
                        row.leg = leg;
                        row.service = service;
                        row.receive_queue_bytes = snapshot.receive_queue_bytes;
                        row.send_queue_bytes = snapshot.send_queue_bytes;
                        row.has_timer = snapshot.timer.has_value();
                        if (snapshot.timer) {
                            row.timer = *snapshot.timer;
                            row.timer_left = std::max(base::Duration::zero(), snapshot.deadline - now);
                        }
                        row.retransmits = snapshot.retransmits;
                        row.backoff = snapshot.backoff;
                        row.smoothed_rtt = snapshot.smoothed_rtt;
                        row.rtt_variation = snapshot.rtt_variation;
                        row.rto = snapshot.rto;
                        row.receive_rtt = snapshot.receive_rtt;
                        row.receive_space_bytes = snapshot.receive_space_bytes;
                        row.congestion_window_bytes = snapshot.congestion_window_bytes;
                        row.slow_start_threshold_bytes = snapshot.slow_start_threshold_bytes;
                        row.delivered_bytes = snapshot.delivered_bytes;
                        row.since_sent = now - snapshot.text_sent_at;
                        row.since_received = now - snapshot.text_received_at;
                        row.busy = snapshot.send_times.busy(now);
                        row.window_limited = snapshot.send_times.window_limited(now);
                        row.buffer_limited = snapshot.send_times.buffer_limited(now);
                        row.send_mss = snapshot.send_mss;
                        row.congestion_control = snapshot.congestion_control;
                        page.rows.push_back(row);  // reserved by the asker, so nothing is allocated here
                    });
    page.done = !next.has_value();
    page.cursor = next.value_or(0);
}

// A reload between two pieces may show a backend twice or not at all: the next listing is right again.
void Worker::list(SourcePortPage& page) const {
    page.rows.clear();
    std::uint64_t position = 0;
    for (const proxy::Pool& pool : proxy_.services().pools()) {
        for (const proxy::Backend& backend : pool.backends) {
            if (position++ < page.cursor) continue;
            if (page.rows.size() == SourcePortPage::kRowsMax) {
                page.cursor = position - 1;
                return;
            }
            page.rows.push_back({backend.id, proxy_.source_ports_of(stack_, pool, backend)});
        }
    }
    page.cursor = 0;
    page.done = true;
}

}  // namespace terminus::worker
