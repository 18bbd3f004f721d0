#include "tsan/peer_port.hpp"

#include "sim/frame_copy.hpp"
#include "support/pool.hpp"
#include "worker/worker.hpp"

namespace terminus::test {
namespace {

stack::Settings host_settings(wire::MacAddress mac, const wire::IpAddress& own, std::uint64_t seed) {
    stack::Settings settings;
    settings.seed = seed;
    settings.secrets = tcp::Secrets::from_seed(seed);
    settings.table_key = base::SipKey::from_seed(seed);
    settings.connections_max = 2048;
    settings.half_open_max = 2048;
    settings.time_wait_max = 8192;
    settings.application_timers_max = 16;
    settings.buffers = {.payload = pool(), .header = pool(), .indirect = indirect_pool(), .reserve = 512};
    settings.interfaces = {{.port = 0, .mac = mac, .addresses = {{own, 24}}}};
    settings.routes = {{{own, 24}, std::nullopt, 0}};
    settings.local_addresses = {own};
    settings.steering = {flow::Steering()};
    return settings;
}

// A frame as it comes out of the other end of a wire.
packet::Buffer across(const packet::Buffer& frame) {
    return sim::copy_frame(frame, pool(), 0);
}

}  // namespace

PeerPort::PeerPort(wire::MacAddress port_mac, wire::MacAddress host_mac, wire::IpAddress own,
                   std::uint64_t seed)
    : Port(sim::MemoryPort::able(), port_mac, 1500),
      own_(own),
      host_port_({.mac = host_mac, .capabilities = sim::MemoryPort::able()}),
      node_(host_settings(host_mac, own, seed), {&host_port_}, app_, worker::read_clock()) {}

void PeerPort::receive(packet::Batch& into) {
    const base::Instant now = worker::read_clock();
    stack().begin_turn(now);
    act(now);
    node_.turn(now);
    while (!into.full()) {
        const std::optional<packet::Buffer> frame = host_port_.take_transmitted();
        if (!frame) break;
        if (packet::Buffer copy = across(*frame)) into.push_back(std::move(copy));
    }
}

void PeerPort::transmit(packet::Batch& frames) {
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        if (packet::Buffer copy = across(frames.take(i))) host_port_.arrive(std::move(copy));
    }
    frames.clear();
}

BackendPort::BackendPort(wire::MacAddress port_mac, wire::MacAddress host_mac, wire::IpAddress own,
                         std::uint16_t port)
    : PeerPort(port_mac, host_mac, own, 12) {
    app().listen({own, port},
                 {.send = response(), .send_after = kRequestBytes, .finish_when_peer_finished = true});
}

const std::string& BackendPort::response() {
    static const std::string bytes = [] {
        std::string made;
        for (std::size_t i = 0; i < kResponseBytes; ++i)
            made += static_cast<char>('a' + i % 23);
        return made;
    }();
    return bytes;
}

ClientPort::ClientPort(wire::MacAddress port_mac, wire::MacAddress host_mac, wire::IpAddress own,
                       wire::Endpoint service)
    : PeerPort(port_mac, host_mac, own, 11), service_(service) {}

void ClientPort::act(base::Instant) {
    std::size_t kept = 0;
    for (Flow* flow : open_) {
        if (!flow->closed) {
            open_[kept++] = flow;
            continue;
        }
        const bool served =
            *flow->closed == stats::CloseReason::Normal && flow->received == BackendPort::response();
        flow->received = std::string();
        if (served) served_.fetch_add(1, std::memory_order_relaxed);
        ended_.fetch_add(1, std::memory_order_relaxed);
    }
    open_.resize(kept);
    const std::uint32_t allowed = allowed_.load(std::memory_order_relaxed);
    while (begun_ < allowed && open_.size() < kOpenMax) {
        const wire::FourTuple tuple{
            .local = {own(), static_cast<std::uint16_t>(kFirstPort + begun_)},
            .remote = service_,
        };
        open_.push_back(
            &app().connect(stack(), tuple, 0,
                           {.send = std::string(BackendPort::kRequestBytes, 'q'), .finish_when_sent = true}));
        ++begun_;
    }
}

}  // namespace terminus::test
