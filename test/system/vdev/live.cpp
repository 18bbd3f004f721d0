#include "live.hpp"

#include <time.h>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include "lossy_port.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/worker.hpp"

namespace terminus::vdev {
namespace {

constexpr base::Duration kLinksLimit = std::chrono::seconds(10);

/// What a driver holds for itself, measured on DPDK 22.11; all else is a leak.
struct Holdings {
    std::uint32_t
        sent_frames;  ///< of frames that were sent, each device: it looks after them when it sends again
    bool keeps_after_close;  ///< never returns what it took
};

Holdings holdings_of(Kind kind) {
    switch (kind) {
        case Kind::Ring:
        case Kind::Memif:
        case Kind::AfPacket:
        case Kind::Tap:
            return {0, false};
        // The fill queue's mbufs (2048) are taken at the start, those of the last burst that was sent are
        // freed by the next one, and closing frees none of either.
        case Kind::AfXdp:
            return {packet::Batch::kCapacity, true};
    }
    return {};
}

/// The three machines of a run and what is between them and the devices.
class Run {
 public:
    Run(const Plan& plan, Wires& wires, base::Instant now)
        : plan_(plan),
          ports_{LossyPort(wires.client_end().port(0), kClientMac, luck(0)),
                 LossyPort(wires.front_end().port(0), kFrontMac, luck(1)),
                 LossyPort(wires.back_end().port(0), kBackMac, luck(2)),
                 LossyPort(wires.backend_end().port(0), kBackendMac, luck(3))},
          worker_(settings(), {&ports_[1], &ports_[2]}, group_.mailbox(0), mesh_, &plan.services()),
          client_(plan, ports_[0], now),
          backend_(plan, ports_[3], now) {}

    /// Whether all sessions ended before `end`.
    bool run(base::Instant end) {
        client_.connect_all(worker::read_clock());
        for (;;) {
            const base::Instant now = worker::read_clock();
            const bool was_busy = worker_.run_once(now);
            client_.turn(now);
            backend_.turn(now);
            if (is_done()) return true;
            if (now >= end) return false;
            if (!was_busy && !client_.has_work() && !backend_.has_work()) nap();
        }
    }

    [[nodiscard]] const stats::CoreStats& stats() const { return group_.stats(0); }
    [[nodiscard]] const std::array<LossyPort, 4>& ports() const { return ports_; }
    [[nodiscard]] const ClientHost& client() const { return client_; }
    [[nodiscard]] const BackendHost& backend() const { return backend_; }

 private:
    [[nodiscard]] LossyPort::Settings luck(std::uint64_t end) const {
        return {.seed = plan_.options().seed * 4 + end};
    }
    [[nodiscard]] worker::Settings settings() const {
        worker::Settings settings;
        settings.stack = plan_.terminus_settings();
        settings.proxy.sessions_max = 256;
        settings.proxy.source_pairs_max = 256;
        return settings;
    }
    [[nodiscard]] bool is_done() const {
        return client_.is_done() && backend_.is_done() && live_connections(stats()) == 0;
    }
    // The other ends of the wires are the kernel's, or this very thread's next turn.
    static void nap() {
        const timespec span{.tv_sec = 0, .tv_nsec = 20'000};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
    }

    const Plan& plan_;
    worker::Group group_{1};
    worker::Mesh mesh_{1};
    std::array<LossyPort, 4> ports_;
    worker::Worker worker_;
    ClientHost client_;
    BackendHost backend_;
};

struct Report {
    std::vector<std::string> faults;
    std::uint64_t up_bytes = 0;
    std::uint64_t down_bytes = 0;
    std::uint64_t frames = 0;
    std::uint64_t lost = 0;
    std::uint64_t delayed = 0;
    std::uint64_t sent_again_bytes = 0;
    std::uint64_t out_of_order = 0;
    std::uint64_t milliseconds = 0;
    std::uint32_t held_open = 0;   ///< mbufs taken by opening the devices
    std::uint32_t held_after = 0;  ///< mbufs in use when all hosts are gone
    std::uint32_t held_closed = 0;
};

void note(Report& report, Run& run, bool is_complete) {
    if (!is_complete) report.faults.push_back("not all sessions ended in time");
    for (auto& faults : {run.client().faults(), run.backend().faults()})
        report.faults.insert(report.faults.end(), faults.begin(), faults.end());
    report.down_bytes = run.client().bytes_received();
    report.up_bytes = run.backend().bytes_received();
    for (const LossyPort& port : run.ports()) {
        report.frames += port.sent();
        report.lost += port.lost();
        report.delayed += port.delayed();
        if (port.lost() == 0 || port.delayed() == 0)
            report.faults.push_back("a direction of a wire lost or delayed nothing");
    }
    report.sent_again_bytes = bytes_sent_again(run.stats());
    report.out_of_order = segments_out_of_order(run.stats());
    if (report.sent_again_bytes == 0) report.faults.push_back("Terminus sent nothing again");
    if (report.out_of_order == 0) report.faults.push_back("Terminus saw nothing out of order");
}

void check_leaks(Kind kind, Report& report) {
    const Holdings may = holdings_of(kind);
    const auto leak = [&](const char* when, std::uint32_t held, std::uint32_t allowed) {
        if (held > allowed)
            report.faults.push_back(std::to_string(held - allowed) + " buffers leaked " + when);
    };
    leak("while the devices were open", report.held_after, report.held_open + 4 * may.sent_frames);
    leak("over the run", report.held_closed,
         may.keeps_after_close ? report.held_open + 4 * may.sent_frames : 0);
}

void print(Kind kind, const SceneOptions& options, const Report& report) {
    std::printf(
        "{\"mode\": \"%s\", \"seed\": %llu, \"sessions\": %u, \"bytes_up\": %llu, \"bytes_down\": %llu, "
        "\"frames\": %llu, \"frames_lost\": %llu, \"frames_delayed\": %llu, "
        "\"bytes_sent_again\": %llu, \"segments_out_of_order\": %llu, \"milliseconds\": %llu, "
        "\"buffers_held_open\": %u, \"buffers_held_after\": %u, \"buffers_held_closed\": %u, "
        "\"faults\": %zu}\n",
        std::string(name_of(kind)).c_str(), static_cast<unsigned long long>(options.seed), options.sessions,
        static_cast<unsigned long long>(report.up_bytes), static_cast<unsigned long long>(report.down_bytes),
        static_cast<unsigned long long>(report.frames), static_cast<unsigned long long>(report.lost),
        static_cast<unsigned long long>(report.delayed),
        static_cast<unsigned long long>(report.sent_again_bytes),
        static_cast<unsigned long long>(report.out_of_order),
        static_cast<unsigned long long>(report.milliseconds), report.held_open, report.held_after,
        report.held_closed, report.faults.size());
    for (const std::string& fault : report.faults)
        std::printf("%s\n", fault.c_str());
    std::fflush(stdout);  // LeakSanitizer, when it finds something, ends the program without it
}

}  // namespace

int run_live(Kind kind, const std::string& folder, const SceneOptions& options, base::Duration limit) {
    const Pools pools;
    const Plan plan(options, pools);
    Report report;
    const std::uint32_t before = pools.in_use();
    {
        auto wires = Wires::open(kind, folder, pools);
        if (!wires) {
            std::fprintf(stderr, "%s\n", wires.error().c_str());
            return 2;
        }
        if (!wires.value().wait_for_links(kLinksLimit)) {
            std::fprintf(stderr, "not all links came up\n");
            return 2;
        }
        report.held_open = pools.in_use() - before;
        {
            const base::Instant start = worker::read_clock();
            const auto run = std::make_unique<Run>(plan, wires.value(), start);
            const bool is_complete = run->run(start + limit);
            note(report, *run, is_complete);
            report.milliseconds =
                static_cast<std::uint64_t>((worker::read_clock() - start) / std::chrono::milliseconds(1));
        }
        wires.value().drain();
        report.held_after = pools.in_use() - before;
    }
    report.held_closed = pools.in_use() - before;
    check_leaks(kind, report);
    print(kind, options, report);
    return report.faults.empty() ? 0 : 1;
}

}  // namespace terminus::vdev
