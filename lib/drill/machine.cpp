#include "drill/machine.hpp"

#include <algorithm>
#include <set>

#include "base/assert.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"
#include "packet/frame_access.hpp"
#include "sim/frame_copy.hpp"
#include "sim/gateway.hpp"
#include "sim/memory_port.hpp"
#include "stack/network.hpp"
#include "stack/stack.hpp"

namespace terminus::drill {
namespace {

constexpr wire::MacAddress kOwnMac{{2, 0, 0, 0, 0, 2}};
constexpr std::size_t kPacketMax = 65535;
// A turn with nothing to do but what the clock brings takes so long at least, so that a deadline within the
// present tick can't hold time up.
constexpr base::Duration kTurnMin = std::chrono::microseconds(1);
// Sockets without a connection, beside those with one.
constexpr std::uint32_t kIdleSocketsMax = 64;

stack::Settings stack_settings(const MachineSettings& settings) {
    stack::Settings result;
    result.connections_max = settings.connections_max;
    result.half_open_max = settings.half_open_max;
    result.time_wait_max = settings.time_wait_max;
    result.application_timers_max = 1;
    result.neighbours_max = 64;
    result.profiles_max = static_cast<std::uint16_t>(settings.connections_max + kIdleSocketsMax);
    result.seed = settings.seed;
    result.secrets = tcp::Secrets::from_seed(settings.seed);
    result.table_key = base::SipKey::from_seed(settings.seed);
    result.tunables = settings.tunables;
    result.buffers = settings.buffers;
    result.resting = stack::Resting::at_once();
    const wire::Prefix& v4 = settings.local_v4;
    const wire::Prefix& v6 = settings.local_v6;
    result.interfaces = {{.port = 0, .mac = kOwnMac, .mtu = settings.mtu, .addresses = {v4, v6}}};
    result.routes = {{v4, std::nullopt, 0},
                     {v6, std::nullopt, 0},
                     {{wire::IpAddress::v4(0), 0}, settings.gateway_v4, 0},
                     {{wire::IpAddress{}, 0}, settings.gateway_v6, 0}};
    result.local_addresses = {v4.address, v6.address};
    result.steering = {flow::Steering{}};
    return result;
}

// Chains and clones, but every checksum the stack's own.
packet::PortCapabilities capabilities() {
    return {.tx_multi_segment = true, .tx_indirect_buffers = true, .tx_segments_max = 16};
}

std::uint32_t buffers_in_use(const stack::Buffers& buffers) {
    std::uint32_t sum = 0;
    for (const rte_mempool* pool : std::set{buffers.payload, buffers.header, buffers.indirect})
        sum += packet::buffers_total(pool) - packet::buffers_available(pool);
    return sum;
}

}  // namespace

struct Machine::Parts {
    Parts(Machine& machine, const MachineSettings& own_settings)
        : settings(own_settings),
          for_stack(stack_settings(own_settings)),
          buffers_at_start(buffers_in_use(own_settings.buffers)),
          port({.mac = kOwnMac, .capabilities = capabilities(), .mtu = own_settings.mtu}),
          network(for_stack, {&port}, stats, kStart),
          sockets(machine, for_stack.local_addresses, for_stack.profiles_max),
          stack(for_stack, network, sockets.table(), stats, kStart) {
        sockets.table().attach(stack);
    }

    MachineSettings settings;
    stack::Settings for_stack;
    std::uint32_t buffers_at_start;
    base::Instant now = kStart;
    stats::CoreStats stats;
    sim::MemoryPort port;
    stack::Network network;
    Sockets sockets;
    SocketTable::Stack stack;
    std::vector<SentPacket> sent;

    void turn();
    void collect();
    void pump();
};

Machine::Machine(const MachineSettings& settings) {
    TERMINUS_ASSERT(settings.buffers.payload != nullptr && settings.buffers.header != nullptr &&
                        settings.buffers.indirect != nullptr,
                    "a machine has buffers");
    parts_ = std::make_unique<Parts>(*this, settings);
    parts_->pump();  // announcements
}

Machine::~Machine() = default;

void Machine::Parts::turn() {
    stack.begin_turn(now);
    packet::Batch frames;
    port.receive(frames);
    stack.ingress(frames, 0);
    stack.run_timers();
    stack.run_application();
    stack.egress();
}

// What the machine sent: on its way out, or answered by the link.
void Machine::Parts::collect() {
    while (const std::optional<packet::Buffer> frame = port.take_transmitted()) {
        sim::Gateway::Heard heard = sim::Gateway::hear(*frame);
        if (!heard.packet.empty()) sent.push_back({now, std::move(heard.packet)});
        if (!heard.answer.empty()) port.arrive(sim::copy_bytes(heard.answer, settings.buffers.payload, 0));
    }
}

void Machine::Parts::pump() {
    do {
        turn();
        collect();
        sockets.table().blocked().retry(sockets.table(), now);
    } while (stack.has_work() || port.waiting_to_receive() > 0);
}

base::Instant Machine::now() const {
    return parts_->now;
}

bool Machine::inject(base::Bytes packet) {
    if (packet.size() > kPacketMax) return false;
    const auto frame = sim::Gateway::frame(packet, kOwnMac);
    if (!frame) return false;
    packet::Buffer buffer = sim::copy_bytes(*frame, parts_->settings.buffers.payload, 0);
    if (!buffer) return false;
    parts_->port.arrive(std::move(buffer));
    parts_->pump();
    return true;
}

base::Instant Machine::next_deadline() const {
    const base::Instant timer = parts_->stack.next_deadline();
    const base::Instant call = parts_->sockets.table().blocked().next_deadline();
    return std::min(timer == base::kNever ? timer : std::max(timer, parts_->now + kTurnMin), call);
}

void Machine::run_until(base::Instant when) {
    while (parts_->now < when)
        (void)run_to_next_deadline(when);
}

bool Machine::run_to_next_deadline(base::Instant limit) {
    const base::Instant next = next_deadline();
    parts_->now = std::max(parts_->now, std::min(next, limit));
    parts_->pump();
    return next <= limit;
}

std::vector<SentPacket> Machine::take_sent() {
    return std::exchange(parts_->sent, {});
}

Sockets& Machine::sockets() {
    return parts_->sockets;
}

const tcp::Tunables& Machine::tunables() const {
    return parts_->settings.tunables;
}

void Machine::set_tunables(const tcp::Tunables& tunables) {
    parts_->settings.tunables = tunables;
    parts_->stack.set_tunables(tunables);
    parts_->sockets.table().tunables_changed();
}

void Machine::forget_peers() {
    parts_->stack.forget_fast_open_peers();
}

std::optional<tcp::State> Machine::state(const wire::FourTuple& tuple) const {
    std::optional<tcp::State> found;
    std::optional<std::uint64_t> cursor = 0;
    while (cursor) {
        cursor = parts_->stack.list(*cursor, UINT32_MAX,
                                    [&](const wire::FourTuple& each, std::uint16_t, stats::Leg,
                                        const tcp::Connection::Snapshot& snapshot) {
                                        if (each == tuple) found = snapshot.state;
                                    });
    }
    return found;
}

Leftovers Machine::leftovers() const {
    const auto count = [this](tcp::State state) {
        const auto at = static_cast<std::size_t>(state);
        return parts_->stats.leg(stats::Leg::Client).connections[at].value() +
               parts_->stats.leg(stats::Leg::Backend).connections[at].value();
    };
    std::uint64_t live = 0;
    for (std::size_t state = 0; state < tcp::kStates; ++state)
        live += count(static_cast<tcp::State>(state));
    const std::uint64_t time_waits = count(tcp::State::TimeWait);
    const std::uint64_t half_opens = parts_->stats.half_open.value();
    const std::uint32_t buffers = buffers_in_use(parts_->settings.buffers);
    return {.connections = static_cast<std::uint32_t>(live - time_waits - half_opens),
            .half_opens = static_cast<std::uint32_t>(half_opens),
            .time_waits = static_cast<std::uint32_t>(time_waits),
            .timers = parts_->stack.armed_timers(),
            .buffers = buffers - std::min(buffers, parts_->buffers_at_start)};
}

const stats::CoreStats& Machine::stats() const {
    return parts_->stats;
}

const MachineSettings& Machine::settings() const {
    return parts_->settings;
}

void Machine::begin_call() {
    parts_->stack.begin_turn(parts_->now);
}

void Machine::end_call() {
    parts_->pump();
}

}  // namespace terminus::drill
