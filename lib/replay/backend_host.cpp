#include "replay/backend_host.hpp"

#include <algorithm>
#include <utility>

#include "packet/batch.hpp"
#include "packet/frame_access.hpp"
#include "packet/frame_builder.hpp"
#include "replay/frame_bytes.hpp"
#include "sim/frame_copy.hpp"
#include "sim/gateway.hpp"

namespace terminus::replay {
namespace {

constexpr wire::MacAddress kMac{{2, 'b', 'a', 'c', 'k', 0}};
/// Terminus's source addresses, which are few.
constexpr std::uint32_t kNeighboursMax = 1024;
constexpr std::uint32_t kHalfOpenMax = 4096;

// Frames are taken apart here, so they may be of any kind but unfinished.
constexpr packet::PortCapabilities kCapabilities{
    .tx_multi_segment = true, .tx_indirect_buffers = true, .tx_segments_max = 64};

stack::Settings settings_of(const BackendHost::Settings& given) {
    stack::Settings settings;
    settings.connections_max = given.connections_max;
    settings.half_open_max = kHalfOpenMax;
    settings.time_wait_max = given.connections_max;
    settings.application_timers_max = 0;
    settings.neighbours_max = kNeighboursMax;
    settings.seed = given.seed;
    settings.secrets = tcp::Secrets::from_seed(given.seed);
    settings.table_key = base::SipKey::from_seed(given.seed);
    settings.buffers = given.buffers;
    neigh::Interface interface { .port = 0, .mac = kMac, .mtu = given.mtu };
    for (const wire::Endpoint& endpoint : given.listen) {
        const wire::IpAddress& address = endpoint.address;
        auto& own = settings.local_addresses;
        if (std::find(own.begin(), own.end(), address) != own.end()) continue;
        own.push_back(address);
        interface.addresses.push_back({address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)});
    }
    settings.interfaces.push_back(std::move(interface));
    // Everybody is on its link.
    settings.routes.push_back({{wire::IpAddress::v4(0u), 0}, std::nullopt, 0});
    settings.routes.push_back({{wire::IpAddress(), 0}, std::nullopt, 0});
    settings.steering.emplace_back();
    return settings;
}

}  // namespace

BackendHost::BackendHost(const Settings& settings, base::Instant now)
    : settings_(settings_of(settings)),
      port_({.mac = kMac, .capabilities = kCapabilities, .mtu = settings.mtu, .receive_max = UINT32_MAX}),
      app_(settings.listen),
      network_(settings_, {&port_}, stats_, now),
      stack_(settings_, network_, app_, stats_, now) {}

bool BackendHost::arrive(base::Bytes frame) {
    packet::Buffer copy = sim::copy_bytes(frame, settings_.buffers.payload, 0);
    if (!copy) return false;
    packet::set_destination_mac(copy, kMac);
    port_.arrive(std::move(copy));
    return true;
}

// RFC 9293 3.10.7.1.
void BackendHost::refuse(const wire::FourTuple& tuple, const wire::TcpSegment& syn) {
    packet::FrameBuilder builder(settings_.buffers.header, settings_.buffers.indirect, kCapabilities);
    const packet::FrameAddressing addressing{.source_mac = kMac,
                                             .destination_mac = sim::Gateway::kMac,
                                             .source = tuple.local.address,
                                             .destination = tuple.remote.address};
    wire::TcpHeader header;
    header.source_port = tuple.local.port;
    header.destination_port = tuple.remote.port;
    header.ack = syn.seq + syn.seg_len();
    header.flags = {wire::TcpFlags::kRst | wire::TcpFlags::kAck};
    const packet::Buffer reset = builder.tcp(addressing, header, nullptr, 0, 0);
    if (reset) sent_.push_back(bytes_of(reset));
}

void BackendHost::turn(base::Instant now) {
    stack_.begin_turn(now);
    packet::Batch frames;
    port_.receive(frames);
    stack_.ingress(frames, 0);
    stack_.run_timers();
    app_.run_due(stack_);
    stack_.run_application();
    stack_.egress();
    take_transmitted();
}

void BackendHost::take_transmitted() {
    while (const std::optional<packet::Buffer> frame = port_.take_transmitted()) {
        const sim::Gateway::Heard heard = sim::Gateway::hear(*frame);
        if (!heard.answer.empty()) arrive(heard.answer);
        if (!heard.packet.empty()) sent_.push_back(bytes_of(*frame));
    }
}

base::Instant BackendHost::next_at() const {
    return std::min(stack_.next_deadline(), app_.next_at());
}

std::optional<std::vector<std::uint8_t>> BackendHost::take_sent() {
    if (sent_.empty()) return std::nullopt;
    std::vector<std::uint8_t> frame = std::move(sent_.front());
    sent_.pop_front();
    return frame;
}

}  // namespace terminus::replay
