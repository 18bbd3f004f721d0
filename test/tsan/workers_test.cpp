// Two workers on threads of their own, and the control thread at work on them all the while.

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/load.hpp"
#include "control/connection_listing.hpp"
#include "control/drain.hpp"
#include "control/log.hpp"
#include "control/mailroom.hpp"
#include "control/metrics.hpp"
#include "control/runtime.hpp"
#include "control/translate.hpp"
#include "dpdk/thread.hpp"
#include "support/pool.hpp"
#include "tsan/peer_port.hpp"
#include "worker/relay_port.hpp"
#include "worker/worker.hpp"

// Who finds himself the only owner of a buffer reads the count without acquiring (rte_mbuf.h), which x86 does
// anyway; ThreadSanitizer takes what he then writes to free it, the poison of test pools included, for a race
// with what the owner before him read.
extern "C" const char* __tsan_default_suppressions() {
    return "race:rte_pktmbuf_free\n";
}

namespace terminus {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kSteeredWorkers = 2;
constexpr std::uint32_t kOrderly = 2000;  // clients that must all be served
constexpr std::uint32_t kHurt = 600;      // clients that a drain, an abort or a reload may hit
constexpr wire::MacAddress kFrontMac{{2, 0, 0, 0, 1, 1}};
constexpr wire::MacAddress kClientMac{{2, 0, 0, 0, 1, 0x10}};
constexpr wire::MacAddress kBackMac{{2, 0, 0, 0, 2, 1}};
constexpr wire::MacAddress kBackendMac{{2, 0, 0, 0, 2, 0x10}};

config::Config configuration() {
    return config::parse(
               "workers: {count: 2}\n"
               "ports:\n"
               "  - {name: front, device: net_null0, addresses: [10.0.1.1/24]}\n"
               "  - {name: back, device: net_null1, addresses: [10.0.2.1/24]}\n"
               "pools: [{name: web, backends: [{address: 10.0.2.10:8080}]}]\n"
               "services: [{name: www, listen: [10.0.1.80:80], pool: web}]\n"
               "log: {level: error}\n",
               "tsan.yaml")
        .value();
}

worker::Settings settings_of(const config::Config& config, const proxy::ServiceTable& services,
                             std::uint16_t worker) {
    worker::Settings settings;
    stack::Settings& own = settings.stack;
    own.worker = worker;
    own.workers = kSteeredWorkers;
    own.seed = 20 + worker;
    own.secrets = tcp::Secrets::from_seed(20);
    own.table_key = base::SipKey::from_seed(20);
    own.tunables = control::tunables_of(config.tcp, kSteeredWorkers);
    own.connections_max = 2048;
    own.half_open_max = 1024;
    own.time_wait_max = 8192;
    own.application_timers_max = 2048;
    own.buffers = {
        .payload = test::pool(), .header = test::pool(), .indirect = test::indirect_pool(), .reserve = 512};
    own.interfaces = {{.port = 0, .mac = kFrontMac, .addresses = config.ports[0].addresses},
                      {.port = 1, .mac = kBackMac, .addresses = config.ports[1].addresses}};
    own.routes = {{config.ports[0].addresses[0], std::nullopt, 0},
                  {config.ports[1].addresses[0], std::nullopt, 1}};
    own.local_addresses = services.local_addresses();
    own.steering = {flow::Steering({}, {}, kSteeredWorkers), flow::Steering({}, {}, kSteeredWorkers)};
    settings.proxy.sessions_max = 1024;
    settings.proxy.source_pairs_max = 16;
    return settings;
}

/// A process without devices: clients behind a port that worker 0 polls, the backend behind one that worker 1
/// polls, so that every session's frames cross between the workers in both directions.
class Process {
 public:
    Process() {
        const auto make = [&](std::uint16_t self, std::vector<packet::Port*> ports) {
            workers_.push_back(std::make_unique<worker::Worker>(
                settings_of(runtime.config(), runtime.services(), self), std::move(ports),
                group.mailbox(self), mesh_, &runtime.services()));
        };
        make(0, {&clients, &back_of_0_});
        make(1, {&front_of_1_, &backend_});
        for (const auto& worker : workers_) {
            threads_.emplace_back([&worker] {
                const dpdk::RegisteredThread registered;
                worker->run();
            });
        }
    }
    ~Process() {
        for (std::thread& thread : threads_)
            thread.join();
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// The control thread's loop until `done`, with `meanwhile` in each round.
    template <typename Done, typename Meanwhile>
    void run_until(Done&& done, Meanwhile&& meanwhile) {
        while (!done()) {
            meanwhile();
            io.restart();
            io.run_one_for(1ms);
        }
    }

    boost::asio::io_context io;
    worker::Group group{kSteeredWorkers};
    control::Mailroom mailroom{io, group};
    control::Runtime runtime{mailroom, configuration()};
    control::ProcessFacts facts;
    control::Metrics metrics{group, runtime.config(), facts};
    test::ClientPort clients{
        kFrontMac, kClientMac, wire::IpAddress::v4(10, 0, 1, 10), {wire::IpAddress::v4(10, 0, 1, 80), 80}};

 private:
    worker::Mesh mesh_{kSteeredWorkers};
    test::BackendPort backend_{kBackMac, kBackendMac, wire::IpAddress::v4(10, 0, 2, 10), 8080};
    worker::RelayPort back_of_0_{backend_, 1, 0, 1, mesh_};
    worker::RelayPort front_of_1_{clients, 0, 1, 0, mesh_};
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    std::vector<std::thread> threads_;
};

/// What operators do to a running process, one thing after the other.
class Operator {
 public:
    explicit Operator(Process& process) : process_(process) {}

    void scrape() {
        process_.metrics.sample();
        if (control::to_text(process_.metrics.Collect()).find("terminus_worker_busy_ratio") ==
            std::string::npos)
            ++wrong;
        ++scrapes;
    }
    /// Each kind of thing has been done.
    [[nodiscard]] bool has_bothered() const { return tunings > 0 && reloads > 0 && listings > 0; }
    [[nodiscard]] bool has_hurt() const { return refusals > 1 && aborts > 0; }

    /// Things that no client notices.
    void bother() {
        scrape();
        if (process_.mailroom.outstanding() > 0) return;
        switch (step_++ % 3) {
            case 0:
                list();
                break;
            case 1:
                process_.runtime.set_tunable("retries2", step_ % 2 == 0 ? "14" : "15",
                                             [this](const auto& result) { (result ? ++tunings : ++wrong); });
                break;
            case 2:
                reload(true);
                break;
        }
    }
    /// Things that cost clients their connection.
    void hurt() {
        scrape();
        if (process_.mailroom.outstanding() > 0) return;
        switch (step_++ % 6) {
            case 0:
                reload(false);
                break;
            case 2:
                refuse(true);
                break;
            case 4:
                process_.mailroom.post_all(
                    [](std::uint32_t) { return worker::AbortAll{stats::CloseReason::Drain}; },
                    [this] { ++aborts; });
                break;
            case 1:
                reload(true);
                break;
            case 3:
                refuse(false);
                break;
            case 5:
                list();
                break;
        }
    }

    int wrong = 0;
    int scrapes = 0;
    int tunings = 0;
    int reloads = 0;
    int listings = 0;
    int refusals = 0;
    int aborts = 0;

 private:
    void list() {
        const control::ListingFilter all{.states = control::states_of("all").value()};
        next_piece(std::make_shared<control::ConnectionListing>(
            process_.mailroom, process_.runtime.directory(), process_.runtime.services(), all));
    }
    void next_piece(const std::shared_ptr<control::Answer>& listing) {
        listing->next([this, listing](const std::string&, bool last) {
            if (last) {
                ++listings;
            } else {
                next_piece(listing);
            }
        });
    }
    void reload(bool has_service) {
        config::Config wanted = configuration();
        wanted.pools[0].retries = step_ % 5;
        if (!has_service) wanted.services.clear();
        if (!process_.runtime.apply(wanted, [this] { ++reloads; })) ++wrong;
    }
    void refuse(bool draining) {
        process_.mailroom.post_all([draining](std::uint32_t) { return worker::SetDraining{draining}; },
                                   [this] { ++refusals; });
    }

    Process& process_;
    std::uint32_t step_ = 0;
};

TEST_CASE("workers and the control thread share nothing but what they may") {
    control::set_log_level(config::LogLevel::Error);
    test::start_eal();
    test::pool();
    test::indirect_pool();
    Process process;
    Operator operator_of(process);
    bool ready = false;
    process.runtime.start([&] { ready = true; });
    process.run_until([&] { return ready; }, [&] { operator_of.scrape(); });

    process.clients.allow(kOrderly);
    process.run_until([&] { return process.clients.ended() == kOrderly && operator_of.has_bothered(); },
                      [&] { operator_of.bother(); });
    const std::uint32_t served = process.clients.served();

    process.clients.allow(kOrderly + kHurt);
    process.run_until([&] { return process.clients.ended() == kOrderly + kHurt && operator_of.has_hurt(); },
                      [&] { operator_of.hurt(); });

    bool stopped = false;
    bool clean = false;
    control::Drain drain(process.io, process.mailroom, process.group, [&](bool was_clean) {
        stopped = true;
        clean = was_clean;
    });
    drain.begin({.delay = 0s, .grace = 0s});
    process.run_until([&] { return stopped; }, [&] { operator_of.scrape(); });

    CHECK(clean);
    CHECK(served == kOrderly);
    CHECK(operator_of.wrong == 0);
    // Both workers served clients, and frames crossed both ways.
    for (std::uint32_t worker = 0; worker < kSteeredWorkers; ++worker) {
        const stats::CoreStats& stats = process.group.stats(worker);
        CHECK(stats.leg(stats::Leg::Client).established.value() > kOrderly / 4);
        CHECK(stats.leg(stats::Leg::Backend).established.value() > kOrderly / 4);
        CHECK(stats.hand_overs_sent.value() > kOrderly);
        CHECK(stats.hand_overs_received.value() > kOrderly);
    }
}

}  // namespace
}  // namespace terminus
