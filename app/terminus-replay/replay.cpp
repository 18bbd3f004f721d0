#include "replay.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "control/worker_settings.hpp"
#include "made.hpp"

namespace terminus::app {
namespace {

bool has_option(const std::vector<std::string>& options, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(options.begin(), options.end(), [&](const std::string& option) {
        return std::any_of(beginnings.begin(), beginnings.end(),
                           [&](std::string_view beginning) { return option.starts_with(beginning); });
    });
}

// net_pcap's own addresses.
wire::MacAddress mac_of(std::size_t port) {
    return {{2, 'p', 'c', 'a', 'p', static_cast<std::uint8_t>(port)}};
}

constexpr wire::MacAddress kRecordedPeer{
    {2, 'p', 'e', 'e', 'r', 0}};  // of packets recorded without addresses

}  // namespace

std::vector<std::string> replay_eal_arguments(std::vector<std::string> options, const dpdk::Sizing& sizing) {
    if (!has_option(options, {"-l", "-c", "--lcores"})) options.push_back(dpdk::one_lcore());
    if (!has_option(options, {"--log-level"})) options.emplace_back("--log-level=error");
    dpdk::EalRequest request;
    request.options = std::move(options);
    request.memory_megabytes = sizing.memory_megabytes;
    return dpdk::eal_arguments(request);
}

Replay::Replay(const config::Config& config, const Arguments& arguments)
    : sizing_(made(dpdk::size_buffers(sizing_request(config)))),
      group_(config.workers.total()),
      mesh_(static_cast<std::uint16_t>(config.workers.total())),
      limit_(std::chrono::seconds(arguments.limit_seconds)) {
    std::vector<std::string> options = config.eal;
    std::vector<PcapDevice> devices = take_pcap_devices(options);
    devices.insert(devices.end(), arguments.devices.begin(), arguments.devices.end());
    options.insert(options.end(), arguments.eal.begin(), arguments.eal.end());
    devices = devices_of_ports(config, std::move(devices));
    take_played_files(devices, arguments.played);
    refuse_to_overwrite(devices, arguments.expect);
    const bool is_exact = arguments.mode == Mode::Exact;
    dpdk::Sizing memory = sizing_;
    if (!is_exact) memory.memory_megabytes *= 2;  // the backends have as many buffers
    eal_ =
        std::make_unique<dpdk::Eal>(made(dpdk::Eal::start(replay_eal_arguments(std::move(options), memory))));
    pools_ = std::make_unique<Pools>(made(Pools::create(sizing_)));
    services_ = made(directory_.build(config));
    open_ports(config, devices, arguments);
    if (is_exact) {
        start_files();
    } else {
        stage_foreign(config, arguments);
    }
    make_workers(config, arguments.seed);
}

Replay::~Replay() = default;

void Replay::open_ports(const config::Config& config, const std::vector<PcapDevice>& devices,
                        const Arguments& arguments) {
    for (std::size_t index = 0; index < devices.size(); ++index) {
        const config::Port& port = config.ports[index];
        const PcapDevice& device = devices[index];
        const wire::MacAddress mac = mac_of(index);
        std::optional<capture::Reader> reader;
        std::optional<capture::Writer> writer;
        if (arguments.mode == Mode::Exact && !device.received.empty()) {
            reader = made(capture::Reader::open(
                device.received, {.addresses = {.destination = mac, .source = kRecordedPeer},
                                  .repair_checksums = arguments.checksums == Checksums::Repair}));
        }
        if (!device.sent.empty()) writer = made(capture::Writer::create(device.sent));
        ports_.push_back({port.name,
                          device,
                          std::make_unique<capture::FilePort>(
                              capture::FilePort::Settings{mac, port.mtu, pools_->payload.get()},
                              std::move(reader), std::move(writer)),
                          nullptr,
                          {}});
    }
}

void Replay::start_files() {
    std::optional<base::Duration> first;
    for (const Port& port : ports_) {
        if (port.files->fault()) throw std::runtime_error(*port.files->fault());
        const auto recorded = port.files->recorded();
        if (recorded && (!first || *recorded < *first)) first = recorded;
    }
    recorded_ = first.value_or(base::Duration::zero());
    for (const Port& port : ports_)
        port.files->start({.recorded = recorded_, .starts = kStart});
}

void Replay::stage_foreign(const config::Config& config, const Arguments& arguments) {
    std::vector<Foreign::Port> ports;
    for (const Port& port : ports_)
        ports.push_back({&port.device, port.files.get()});
    foreign_ = std::make_unique<Foreign>(arguments, config, sizing_, *pools_, *services_, ports, kStart);
    foreign_->serve(workers_);
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        ports_[i].stage = &foreign_->port(i);
        ports_[i].read = foreign_->reader_counters(i);
    }
    recorded_ = foreign_->stage().cast().timeline().recorded;
}

// A file has one queue: worker 0 polls it, and the others reach it by ring, as any port with one queue.
void Replay::make_workers(const config::Config& config, std::uint64_t seed) {
    std::vector<control::PortFacts> facts;
    for (const Port& port : ports_) {
        facts.push_back(
            {port.files->mac(), port.files->mtu(), flow::Steering(flow::RssConfig{}, {}, mesh_.workers())});
    }
    const worker::Settings settings =
        control::worker_settings(config, facts, pools_->buffers(sizing_), sizing_.payload.count, *services_,
                                 control::Chance::from_seed(seed));
    for (std::uint16_t index = 0; index < mesh_.workers(); ++index) {
        std::vector<packet::Port*> ports;
        for (std::size_t port = 0; port < ports_.size(); ++port) {
            packet::Port* own = ports_[port].files.get();
            if (ports_[port].stage != nullptr) own = ports_[port].stage;
            if (index > 0) {
                relays_.push_back(std::make_unique<worker::RelayPort>(*own, static_cast<std::uint16_t>(port),
                                                                      index, std::uint16_t{0}, mesh_));
                own = relays_.back().get();
            }
            ports.push_back(own);
        }
        workers_.push_back(std::make_unique<worker::Worker>(control::for_worker(settings, index),
                                                            std::move(ports), group_.mailbox(index), mesh_,
                                                            services_.get(), kStart));
    }
}

bool Replay::step() {
    turn();
    const std::optional<base::Instant> next = next_turn();
    if (next) now_ = *next;
    return next.has_value();
}

// When the workers turn next. What the backends do before then may bring a frame, and the turn forward: the
// workers turn when they would if the same frames came out of a file.
std::optional<base::Instant> Replay::next_turn() {
    for (base::Instant turned = now_;;) {
        const base::Instant known = next_known();
        if (known != base::kNever) last_arrival_ = std::max(last_arrival_, known);
        const bool is_live = known == base::kNever && has_connections();
        if (is_live || known != base::kNever) busy_until_ = now_;
        const base::Instant end =
            known != base::kNever ? base::kNever : std::min(last_arrival_ + limit_, busy_until_ + kSettling);
        const base::Instant next =
            std::max(has_work() ? now_ : std::min(next_arrival(), next_deadline()), now_ + kTurn);
        const base::Instant backends = foreign_ ? foreign_->stage().next_turn_at() : base::kNever;
        if (backends <= std::min(next, end) && backends != base::kNever) {
            turned = std::max(backends, std::min(turned + kBackendsTurn, next));
            foreign_->turn(turned);
            continue;
        }
        if (next <= end && next != base::kNever) return next;
        was_cut_short_ = is_live;
        return std::nullopt;
    }
}

void Replay::turn() {
    for (const Port& port : ports_) {
        port.files->set_time(now_);
        if (port.stage != nullptr) port.stage->set_time(now_);
    }
    for (const auto& worker : workers_)
        worker->run_once(now_);
    for (const Port& port : ports_) {
        if (port.files->fault()) throw std::runtime_error(*port.files->fault());
    }
}

bool Replay::has_work() {
    for (std::uint16_t index = 0; index < mesh_.workers(); ++index) {
        if (workers_[index]->stack().has_work() || mesh_.has_mail(index)) return true;
    }
    return false;
}

base::Instant Replay::next_arrival() const {
    if (foreign_) return foreign_->stage().next_frame_at();
    base::Instant next = base::kNever;
    for (const Port& port : ports_)
        next = std::min(next, port.files->next_arrival());
    return next;
}

// Of an arrival that is still to be brought about the time can't be known, but that there will be one.
base::Instant Replay::next_known() const {
    return foreign_ ? foreign_->stage().next_known_at() : next_arrival();
}

base::Instant Replay::next_deadline() const {
    base::Instant next = base::kNever;
    for (const auto& worker : workers_)
        next = std::min(next, worker->next_deadline());
    return next;
}

bool Replay::has_connections() const {
    for (std::uint16_t index = 0; index < mesh_.workers(); ++index) {
        const stats::CoreStats& stats = group_.stats(index);
        if (stats.half_open.value() + stats.time_wait.value() + workers_[index]->proxy().sessions() != 0)
            return true;
        for (const stats::LegStats& leg : stats.legs) {
            const bool any = std::any_of(leg.connections.begin(), leg.connections.end(),
                                         [](const stats::Counter& state) { return state.value() != 0; });
            if (any) return true;
        }
    }
    return false;
}

void Replay::close() {
    if (foreign_) foreign_->close();
    for (const Port& port : ports_) {
        if (const auto closed = port.files->close(); !closed) throw std::runtime_error(closed.error());
    }
}

std::uint64_t Replay::received() const {
    std::uint64_t sum = 0;
    for (const Port& port : ports_)
        sum += port.counters().received;
    return sum;
}

capture::FilePort::Counters Replay::Port::counters() const {
    capture::FilePort::Counters counters = files->counters();
    if (stage == nullptr) return counters;
    counters.received = stage->counters().received;
    counters.received_bytes = stage->counters().received_bytes;
    counters.no_buffer = stage->counters().no_buffer;
    return counters;
}

}  // namespace terminus::app
