#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "record/recording.hpp"
#include "support/recording_file.hpp"
#include "worker/duo.hpp"
#include "worker/repetition.hpp"

namespace terminus::worker::test {

/// A Duo that is taken down, from its first turn or from any other on.
class RecordedDuo {
 public:
    RecordedDuo(bool is_v6, const sim::LinkSettings& wire) : duo(is_v6, wire), table_(duo.table(1, true)) {}

    void begin_with_first_turn() {
        for (const std::uint16_t worker : {0, 1}) {
            recorders_[worker] = std::make_unique<Recorder>(std::size_t{1} << 25);
            duo.worker(worker).record(recorders_[worker].get());
        }
    }
    /// From now on, with a snapshot of each worker.
    void begin() {
        for (const std::uint16_t worker : {0, 1})
            snapshots_[worker] = duo.worker(worker).save();
        begin_with_first_turn();
    }
    /// Another table, before begin().
    void set_table(const proxy::ServiceTable* table) {
        table_ = table;
        for (const std::uint16_t worker : {0, 1})
            (void)duo.ask(worker, SetServices{table});
    }

    [[nodiscard]] std::vector<std::uint8_t> file() const {
        record::Head head;
        head.workers = 2;
        head.ports.resize(1);
        terminus::test::RecordingFile made(head);
        for (std::uint16_t worker = 0; worker < 2; ++worker) {
            REQUIRE(recorders_[worker]->gave_up_at() == 0);
            std::vector<std::uint8_t> turns;
            for (const base::Bytes piece : recorders_[worker]->ring().readable())
                turns.insert(turns.end(), piece.begin(), piece.end());
            made.chunk(record::ChunkKind::Turns, turns, worker);
        }
        made.end("the test is over");
        return made.bytes();
    }

    /// What worker `index` is repeated with.
    [[nodiscard]] Repetition::Settings settings(std::uint16_t index) {
        return {.worker = duo.worker_settings(index),
                .workers = 2,
                .pool = terminus::test::pool(),
                .table = table_,
                .began = Duo::kStart,
                .snapshot = snapshots_[index],
                .capabilities = {duo.port().capabilities()},
                .command = [this](record::CommandKind kind, std::uint64_t argument) -> Command {
                    if (kind == record::CommandKind::SetDraining) return SetDraining{argument != 0};
                    if (kind == record::CommandKind::SetServices)
                        return SetServices{duo.table(argument, argument % 2 == 0)};
                    REQUIRE(kind == record::CommandKind::AbortAll);
                    return AbortAll{static_cast<stats::CloseReason>(argument)};
                }};
    }
    [[nodiscard]] const proxy::ServiceTable* table() const { return table_; }

    Duo duo;

 private:
    const proxy::ServiceTable* table_;
    std::array<std::unique_ptr<Recorder>, 2> recorders_;
    std::array<std::vector<std::uint8_t>, 2> snapshots_;
};

/// All turns again, with the same bytes; how many frames that were.
inline std::uint64_t require_same_bytes(Repetition& repetition) {
    while (repetition.step()) {
    }
    CAPTURE(repetition.snapshot_fault().value_or(""));
    REQUIRE_FALSE(repetition.snapshot_fault());
    if (repetition.divergence()) {
        CAPTURE(repetition.divergence()->worker, repetition.divergence()->turn);
        FAIL("it diverged");
    }
    REQUIRE_FALSE(repetition.ran_out_of_buffers());
    return repetition.counters().sent;
}

/// The recording of `recorded` again, for both workers, with more than `sent_at_least` frames.
inline void require_repeats(RecordedDuo& recorded, std::uint64_t sent_at_least) {
    const std::vector<std::uint8_t> file = recorded.file();
    const auto recording = record::Recording::parse(file);
    REQUIRE(recording.ok());
    std::uint64_t sent = 0;
    for (const std::uint16_t worker : {0, 1}) {
        Repetition repetition(recording.value(), recorded.settings(worker));
        sent += require_same_bytes(repetition);
    }
    REQUIRE(sent > sent_at_least);
}

}  // namespace terminus::worker::test
