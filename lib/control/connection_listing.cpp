#include "control/connection_listing.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace terminus::control {
namespace {

using tcp::State;
using tcp::StateMask;

constexpr StateMask kAll = (1u << tcp::kStates) - 1;
constexpr StateMask kBucket = tcp::mask(State::SynReceived) | tcp::mask(State::TimeWait);
constexpr StateMask kConnected = kAll & ~(tcp::mask(State::Closed) | tcp::mask(State::Listen));

struct StateWord {
    std::string_view word;
    StateMask states;
};
// The words of ss(8), STATE-FILTER.
constexpr std::array kStateWords{
    StateWord{"established", tcp::mask(State::Established)},
    StateWord{"syn-sent", tcp::mask(State::SynSent)},
    StateWord{"syn-recv", tcp::mask(State::SynReceived)},
    StateWord{"fin-wait-1", tcp::mask(State::FinWait1)},
    StateWord{"fin-wait-2", tcp::mask(State::FinWait2)},
    StateWord{"time-wait", tcp::mask(State::TimeWait)},
    StateWord{"closed", tcp::mask(State::Closed)},
    StateWord{"close-wait", tcp::mask(State::CloseWait)},
    StateWord{"last-ack", tcp::mask(State::LastAck)},
    StateWord{"listening", tcp::mask(State::Listen)},
    StateWord{"closing", tcp::mask(State::Closing)},
    StateWord{"all", kAll},
    StateWord{"connected", kConnected},
    StateWord{"synchronized", static_cast<StateMask>(kConnected & ~tcp::mask(State::SynSent))},
    StateWord{"bucket", kBucket},
    StateWord{"default", static_cast<StateMask>(kConnected & ~kBucket)},  // ss without arguments
    StateWord{"big", static_cast<StateMask>(kAll & ~kBucket)},
};

/// The timer as ss calls it; those that Linux doesn't show keep our name.
std::string_view timer_word(stats::Timer timer) {
    switch (timer) {
        case stats::Timer::Establishment:
        case stats::Timer::Retransmission:
            return "on";
        case stats::Timer::Keepalive:
            return "keepalive";
        case stats::Timer::TimeWait:
            return "timewait";
        case stats::Timer::Persist:
            return "persist";
        case stats::Timer::DelayedAck:
            return "delack";
        case stats::Timer::FinWait2:
            return "finwait2";
    }
    return "unknown";
}

const char* leg_word(stats::Leg leg) {
    return leg == stats::Leg::Client ? "client" : "backend";
}

std::int64_t milliseconds(base::Duration span) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
}

std::int64_t microseconds(base::Duration span) {
    return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

}  // namespace

bool ListingFilter::wants(const worker::ConnectionRow& row, const std::string& service_name) const {
    return tcp::is_in(row.state, states) && (!leg || *leg == row.leg) &&
           (service.empty() || service == service_name);
}

base::Result<StateMask, std::string> states_of(const std::string& word) {
    std::string known;
    for (const StateWord& one : kStateWords) {
        if (one.word == word) return one.states;
        known += (known.empty() ? "" : ", ") + std::string(one.word);
    }
    return base::Failure{"there is no state `" + word.substr(0, 40) + "`; there are " + known};
}

std::string row_line(const worker::ConnectionRow& row, std::uint32_t worker,
                     const std::string& service_name) {
    nlohmann::ordered_json line{{"state", tcp::ss_name(row.state)},
                                {"recv_q", row.receive_queue_bytes},
                                {"send_q", row.send_queue_bytes},
                                {"local", row.tuple.local.to_string()},
                                {"peer", row.tuple.remote.to_string()},
                                {"service", service_name},
                                {"leg", leg_word(row.leg)},
                                {"worker", worker}};
    if (row.has_timer) {
        line["timer"] = {{"name", timer_word(row.timer)},
                         {"kind", stats::text(row.timer).label},
                         {"left_ms", milliseconds(row.timer_left)},
                         {"retransmits", row.retransmits}};
    }
    if (row.send_mss != 0) {
        line["congestion_control"] = tcp::name_of(row.congestion_control);
        line["rtt_us"] = microseconds(row.smoothed_rtt);
        line["rttvar_us"] = microseconds(row.rtt_variation);
        line["rto_ms"] = milliseconds(row.rto);
        line["backoff"] = row.backoff;
        line["cwnd_bytes"] = row.congestion_window_bytes;
        if (row.slow_start_threshold_bytes < tcp::kCongestionWindowMax)
            line["ssthresh_bytes"] = row.slow_start_threshold_bytes;
        line["delivered_bytes"] = row.delivered_bytes;
        line["last_sent_ms"] = milliseconds(row.since_sent);
        line["last_received_ms"] = milliseconds(row.since_received);
        line["busy_ms"] = milliseconds(row.busy);
        line["rwnd_limited_ms"] = milliseconds(row.window_limited);
        line["sndbuf_limited_ms"] = milliseconds(row.buffer_limited);
        line["mss"] = row.send_mss;
        line["rcv_rtt_us"] = microseconds(row.receive_rtt);
        line["rcv_space_bytes"] = row.receive_space_bytes;
    }
    return line.dump() + "\n";
}

ConnectionListing::ConnectionListing(Mailroom& mailroom, const ServiceDirectory& directory,
                                     const proxy::ServiceTable& services, ListingFilter filter)
    : mailroom_(mailroom), directory_(directory), filter_(std::move(filter)), pending_(listeners(services)) {}

void ConnectionListing::next(Deliver deliver) {
    auto page = std::make_unique<worker::RowPage>();
    page->rows.reserve(worker::RowPage::kRowsMax);  // so that the worker allocates nothing
    page->cursor = cursor_;
    // Whoever asked may be gone when the page comes; its memory must not be.
    const auto self = std::static_pointer_cast<ConnectionListing>(shared_from_this());
    mailroom_.post(worker_, worker::ListConnections{std::move(page)},
                   [self, deliver = std::move(deliver)](worker::Reply&& reply) {
                       self->listed(std::move(reply), deliver);
                   });
}

void ConnectionListing::listed(worker::Reply&& reply, const Deliver& deliver) {
    const worker::RowPage& page = *std::get<worker::ConnectionsListed>(reply).page;
    std::string lines = std::exchange(pending_, {});
    for (const worker::ConnectionRow& row : page.rows) {
        const std::string& service = directory_.service_name(row.service);
        if (filter_.wants(row, service)) lines += row_line(row, worker_, service);
    }
    cursor_ = page.cursor;
    if (page.done) {
        ++worker_;
        cursor_ = 0;
    }
    deliver(std::move(lines), worker_ == mailroom_.workers());
}

std::string ConnectionListing::listeners(const proxy::ServiceTable& services) const {
    std::string lines;
    for (const proxy::Service& service : services.services()) {
        for (const wire::Endpoint& listen : service.listen) {
            worker::ConnectionRow row;
            row.state = State::Listen;
            row.tuple.local = listen;
            row.tuple.remote.address = listen.address.is_v4() ? wire::IpAddress::v4(0) : wire::IpAddress();
            if (!filter_.wants(row, service.name)) continue;
            lines += row_line(row, 0, service.name);
        }
    }
    return lines;
}

}  // namespace terminus::control
