#include "sides.hpp"

#include <chrono>
#include <type_traits>

#include "load/backend_side.hpp"
#include "load/client_side.hpp"
#include "load/probe_side.hpp"
#include "load/reflector.hpp"

namespace terminus::app {
namespace {

template <typename Played, typename Base>
class Playing : public Base {
 public:
    template <typename Settings>
    explicit Playing(const Settings& settings) : played_(settings) {}
    void receive(packet::Batch& frames, base::Instant now) override { played_.receive(frames, now); }
    void run(base::Instant now, packet::Batch& out) override { played_.run(now, out); }
    [[nodiscard]] const load::Numbers& numbers() const override { return played_.numbers(); }

 protected:
    Played played_;
};

template <typename Played>
class Speaking final : public Playing<Played, SpeakingSide> {
 public:
    using Playing<Played, SpeakingSide>::Playing;
    [[nodiscard]] bool is_ready() const override { return this->played_.is_ready(); }
    void stop() override { this->played_.stop(); }
    [[nodiscard]] bool is_done() const override { return this->played_.is_done(); }
    [[nodiscard]] bool has_done_all() const override { return this->played_.has_done_all(); }
    void give_up() override { this->played_.give_up(); }
    void clear_latencies() override { this->played_.clear_latencies(); }
    [[nodiscard]] const stats::Histogram* connect_latency() const override {
        if constexpr (std::is_same_v<Played, load::ClientSide>) return &this->played_.connect_latency();
        return nullptr;
    }
    [[nodiscard]] const stats::Histogram& response_latency() const override {
        return this->played_.response_latency();
    }
};

/// Counts for the reflector, which itself counts nothing.
class Reflecting final : public Side {
 public:
    explicit Reflecting(const load::SideSettings& settings) : reflector_(settings) {}
    void receive(packet::Batch& frames, base::Instant) override {
        for (std::uint16_t i = 0; i < frames.size(); ++i)
            numbers_.bytes_received += frames.frame_length(i);
        numbers_.frames_received += frames.size();
        reflector_.receive(frames, back_);
    }
    void run(base::Instant now, packet::Batch& out) override {
        std::uint16_t moved = 0;
        for (; moved < back_.size() && !out.full(); ++moved) {
            ++numbers_.frames_sent;
            numbers_.bytes_sent += back_.frame_length(moved);
            out.push_back(back_.take(moved));
        }
        back_.sent(moved);
        reflector_.run(now, out);
    }
    [[nodiscard]] const load::Numbers& numbers() const override { return numbers_; }

 private:
    load::Reflector reflector_;
    packet::Batch back_;
    load::Numbers numbers_;
};

load::SideSettings side_on(const packet::Port& port, rte_mempool* pool) {
    load::SideSettings side;
    side.mac = port.mac();
    side.mtu = port.mtu();
    side.pool = pool;
    side.device_verifies = port.capabilities().rx_checksum;
    return side;
}

void behave(const Arguments& arguments, load::SideSettings& side) {
    side.verifies_checksums = arguments.verifies;
    side.separate_acks = arguments.separate_acks;
    side.resend_after = base::Duration(static_cast<std::int64_t>(arguments.resend_seconds * 1e9));
}

}  // namespace

std::unique_ptr<SpeakingSide> make_speaker(const Arguments& arguments, const packet::Port& port,
                                           rte_mempool* pool) {
    load::SideSettings side = side_on(port, pool);
    behave(arguments, side);
    side.local = arguments.clients;
    side.local_ports = arguments.client_ports;
    side.remote = arguments.target->addresses;
    side.remote_ports = arguments.target->ports;
    side.next_hop = arguments.gateway.value_or(arguments.target->addresses.first);
    side.also_answers = arguments.client_answers;
    if (arguments.role == Role::Probe) {
        load::ProbeSettings probe;
        probe.side = side;
        probe.text_bytes = arguments.request_bytes;
        probe.concurrency = arguments.concurrency;
        probe.rate = arguments.rate;
        probe.count = arguments.count;
        return std::make_unique<Speaking<load::ProbeSide>>(probe);
    }
    load::ClientSettings client;
    client.side = side;
    client.scenario = arguments.scenario;
    client.closes_first = arguments.closes_first;
    client.request_bytes = arguments.request_bytes;
    client.response_bytes = arguments.response_bytes;
    client.exchanges = arguments.exchanges;
    client.concurrency = arguments.concurrency;
    client.rate = arguments.rate;
    client.count = arguments.count;
    return std::make_unique<Speaking<load::ClientSide>>(client);
}

std::unique_ptr<Side> make_backend(const Arguments& arguments, const packet::Port& port, rte_mempool* pool) {
    load::BackendSettings backend;
    backend.side = side_on(port, pool);
    behave(arguments, backend.side);
    backend.side.local = arguments.listen->addresses;
    backend.side.local_ports = arguments.listen->ports;
    backend.side.remote = arguments.sources;
    backend.side.remote_ports = arguments.source_ports;
    backend.side.also_answers = arguments.backend_answers;
    backend.closes_first = arguments.closes_first;
    backend.request_bytes = arguments.request_bytes;
    backend.response_bytes = arguments.response_bytes;
    backend.exchanges = arguments.exchanges;
    return std::make_unique<Playing<load::BackendSide, Side>>(backend);
}

std::unique_ptr<Side> make_reflector(const packet::Port& port, rte_mempool* pool) {
    return std::make_unique<Reflecting>(side_on(port, pool));
}

}  // namespace terminus::app
