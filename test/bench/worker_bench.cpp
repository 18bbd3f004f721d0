#include "worker_bench.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "latency_bench.hpp"
#include "memory.hpp"
#include "world.hpp"

namespace terminus::bench {
namespace {

using base::Duration;

/// One of the things that are measured, and what DESIGN 6 asks of it at 3 GHz: 500,000 connections a second
/// (aim: a million) and 40 Gbit/s of full segments (aim: 75), in cycles of one.
struct Kind {
    const char* name;
    const char* what;  // the row's name
    Work work;
    Manners manners;
    Budget budget;
};

constexpr Rate kGigabits{"Gbit/s", 3 * 8 * 1448};
constexpr Rate kThousands{"k/s", 3e6};

const Kind kKinds[] = {
    {"request", "request", Work::Request, {}, {}},
    {"latency", "latency", Work::Offered, {}, {}},
    {"ack", "pure ACK", Work::PureAck, {}, {}},
    {"segment", "full segment", Work::Bulk, {}, {868, 463, kGigabits}},
    {"connection", "connection", Work::Whole, {}, {6000, 3000, kThousands}},
    {"connection-client",
     "  client closes first",
     Work::Whole,
     {.backend_closes_first = false},
     {6000, 3000, kThousands}},
    {"connection-kernel", "  as kernels do it", Work::Whole, {.is_kernel_like = true}, {}},
};

/// What a turn takes with as much under way as is here, so that as much time passes for connections' timers
/// and rest as would on a machine.
constexpr Duration kTurn = std::chrono::microseconds(100);
/// Less where no timer has a part: who has every second segment acknowledged must not wait for the second.
constexpr Duration kShortTurn = std::chrono::microseconds(10);
/// Of so many connections as are opened in one, half a million a second.
constexpr Duration kOpeningTurn = std::chrono::microseconds(50);

World::Settings world_settings(std::uint32_t open, const WorkerBench& settings) {
    return {.is_v6 = settings.is_v6,
            .has_offloads = settings.has_offloads,
            .has_tso = settings.has_tso,
            .staying = open,
            .time_waits = settings.time_waits};
}

class WorkerRun {
 public:
    WorkerRun(std::uint32_t open, const WorkerBench& settings, Report& report)
        : open_(open), settings_(settings), report_(report), world_(world_settings(open, settings)) {}

    void open_connections();
    void measure(const Kind& kind);
    void measure_latency();

 private:
    void fill_time_waits(const Kind& kind);
    void have_each_served();
    void have_all_rest();

    std::uint32_t open_;
    const WorkerBench& settings_;
    Report& report_;
    World world_;
    bool has_time_waits_ = false;
    bool are_awake_ = false;
};

void WorkerRun::open_connections() {
    // The first on its own: next hops are known then, and the memory that does not grow with connections is
    // touched.
    world_.run(Work::Open, 1, 1, kTurn);
    const double before = resident_bytes();
    world_.run(Work::Open, open_ - 1, settings_.concurrency, kOpeningTurn);
    world_.pause();
    if (open_ < 100'000) return;  // pages are 2 MiB: with few connections they are what is measured
    report_.count("memory, idle", open_, "bytes a connection", (resident_bytes() - before) / open_,
                  {640, 256});
}

// As many as there are going to be, before anything is measured beside them.
void WorkerRun::fill_time_waits(const Kind& kind) {
    if (settings_.time_waits == 0 || has_time_waits_ || kind.work != Work::Whole) return;
    has_time_waits_ = true;
    const double before = resident_bytes();
    world_.run(Work::Whole, settings_.time_waits, settings_.concurrency, turn_for(settings_.time_waits));
    const auto there = static_cast<double>(world_.stats().time_wait.value());
    if (there < 100'000) return;
    report_.count("memory, TIME_WAIT", open_, "bytes each", (resident_bytes() - before) / there, {64, 24});
}

// A request for each, so that as many are awake, and as many timers armed, as there are while they are busy.
void WorkerRun::have_each_served() {
    if (std::exchange(are_awake_, true)) return;
    world_.crowd().set_manners({});
    world_.run(Work::Request, open_, std::min(settings_.concurrency, open_), kTurn);
}

// What is done with few others beside it is not to be charged for the many that come to rest meanwhile.
void WorkerRun::have_all_rest() {
    if (std::exchange(are_awake_, false)) world_.pause();
}

void WorkerRun::measure_latency() {
    have_each_served();
    bench_latency(world_, open_, settings_.operations, report_);
}

void WorkerRun::measure(const Kind& kind) {
    Crowd& crowd = world_.crowd();
    kind.work == Work::Request || kind.work == Work::PureAck ? have_each_served() : have_all_rest();
    crowd.set_manners(kind.manners);
    fill_time_waits(kind);
    const std::uint32_t most = kind.work == Work::Bulk ? kind.manners.bulk_flows : settings_.concurrency;
    const std::uint32_t concurrency = kind.work == Work::Whole ? most : std::min(most, open_);
    const Duration turn = kind.work == Work::Whole     ? turn_for(settings_.time_waits)
                          : kind.work == Work::Request ? kTurn
                                                       : kShortTurn;
    std::vector<double> worker, others;
    const std::uint64_t frames_in = crowd.frames_to_worker();
    const std::uint64_t frames_out = crowd.frames_from_worker();
    const double count = settings_.operations;
    for (int round = 0; round < report_.rounds(); ++round) {
        const std::uint64_t spent = world_.run(kind.work, settings_.operations, concurrency, turn);
        worker.push_back(static_cast<double>(spent) / count);
        others.push_back(static_cast<double>(world_.crowd_cycles()) / count);
    }
    report_.record(kind.what, open_, {{"worker", worker}, {"crowd", others}});
    report_.judge(kind.budget);
    const double all = count * report_.rounds();
    std::printf("%33s  %.2f frames in, %.2f out", "",
                static_cast<double>(crowd.frames_to_worker() - frames_in) / all,
                static_cast<double>(crowd.frames_from_worker() - frames_out) / all);
    if (kind.work == Work::Whole)
        std::printf(", %llu in TIME_WAIT", static_cast<unsigned long long>(world_.stats().time_wait.value()));
    std::printf("\n");
}

}  // namespace

std::vector<std::string> worker_works() {
    std::vector<std::string> names;
    for (const Kind& kind : kKinds)
        names.emplace_back(kind.name);
    return names;
}

std::uint32_t worker_megabytes() {
    return 384;
}

void bench_worker(std::uint32_t open, const WorkerBench& settings, Report& report) {
    require_memory(world_settings(open, settings));
    WorkerRun run(open, settings, report);
    run.open_connections();
    for (const Kind& kind : kKinds) {
        const auto& works = settings.works;
        if (!works.empty() && std::find(works.begin(), works.end(), kind.name) == works.end()) continue;
        if (kind.work == Work::Offered) {
            run.measure_latency();
        } else {
            run.measure(kind);
        }
    }
}

}  // namespace terminus::bench
