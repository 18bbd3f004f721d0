#include "repeat.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "dpdk/eal.hpp"
#include "exit_codes.hpp"
#include "made.hpp"
#include "recorded_frames.hpp"
#include "recorded_run.hpp"
#include "replay.hpp"

namespace terminus::app {
namespace {

unsigned long long printable(std::uint64_t number) {
    return number;
}

std::string ending(const record::Recording& recording) {
    if (recording.end) return "ended: " + *recording.end;
    std::string text = "it has no end: the process ended before it";
    if (recording.broken)
        text += ", or the file was cut: of its last part, at byte " +
                std::to_string(recording.broken->offset) + ", " + std::to_string(recording.broken->bytes) +
                " bytes are there and left out";
    return text;
}

void show_origin(const record::Recording& recording) {
    if (recording.head.version != TERMINUS_VERSION)
        std::fprintf(stderr, "terminus-replay: it was terminusd %s; this is %s\n",
                     recording.head.version.c_str(), TERMINUS_VERSION);
    std::printf("recorded by terminusd %s; %s\n", recording.head.version.c_str(), ending(recording).c_str());
}

/// "worker 0 begins with 3 connections: 2 ESTAB, 1 TIME-WAIT"
void show_beginning(std::uint16_t worker, const stats::CoreStats& stats) {
    std::uint64_t all = 0;
    std::string by_state;
    for (std::size_t state = 0; state < stats::kTcpStates; ++state) {
        std::uint64_t count = 0;
        for (const stats::LegStats& leg : stats.legs)
            count += leg.connections[state].value();
        if (count == 0) continue;
        all += count;
        by_state += (by_state.empty() ? "" : ", ") + std::to_string(count) + " " +
                    std::string(tcp::ss_name(static_cast<tcp::State>(state)));
    }
    std::printf("worker %u begins with %llu connections%s\n", unsigned{worker}, printable(all),
                by_state.empty() ? "" : (": " + by_state).c_str());
}

void show_difference(const record::Recording& recording, const worker::Divergence& found) {
    const double seconds =
        static_cast<double>(found.now.time_since_epoch().count() - recording.began()) / 1e9;
    std::fprintf(stderr,
                 "worker %u, turn %llu, %.9f s after %s start: what it sends through port %s is not "
                 "what was recorded\n%s",
                 unsigned{found.worker}, printable(found.turn), seconds,
                 recording.past ? "the recording's" : "its", recording.head.ports[found.port].name.c_str(),
                 difference(recording, found).c_str());
}

}  // namespace

int repeat(const Arguments& arguments) {
    const RecordingInMemory file(arguments.recording);
    const record::Recording& recording = file.get();
    show_origin(recording);
    if (!arguments.export_folder.empty()) export_captures(recording, arguments.export_folder);
    const RecordedProcess process(recording);
    const auto eal = std::make_unique<dpdk::Eal>(
        made(dpdk::Eal::start(replay_eal_arguments(arguments.eal, process.sizing()))));
    const Pools pools = made(Pools::create(process.sizing()));
    std::uint64_t sent = 0;
    for (std::uint16_t worker = 0; worker < recording.head.workers; ++worker) {
        const std::vector<std::uint8_t> snapshot = recording.snapshots[worker].joined();
        worker::Repetition::Settings settings = process.settings(pools, worker);
        settings.snapshot = snapshot;
        worker::Repetition repetition(recording, std::move(settings));
        if (repetition.snapshot_fault())
            throw std::runtime_error("worker " + std::to_string(worker) +
                                     " can't begin as it was: " + *repetition.snapshot_fault());
        if (recording.past) show_beginning(worker, repetition.stats());
        while (repetition.step()) {
        }
        if (repetition.ran_out_of_buffers())
            throw std::runtime_error("worker " + std::to_string(worker) +
                                     ": there are too few buffers for what was received");
        if (repetition.divergence()) {
            std::fflush(stdout);
            show_difference(recording, *repetition.divergence());
            return kNotAsExpected;
        }
        const worker::Repetition::Counters& counters = repetition.counters();
        std::printf("worker %u: %llu turns, %llu packets received, %llu sent\n", unsigned{worker},
                    printable(counters.turns), printable(counters.received), printable(counters.sent));
        sent += counters.sent;
    }
    std::printf("same bytes: %llu packets sent, all as recorded\n", printable(sent));
    return kAsExpected;
}

}  // namespace terminus::app
