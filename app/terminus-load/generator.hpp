#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "dpdk/device.hpp"
#include "dpdk/pool.hpp"
#include "load/splitter.hpp"
#include "sides.hpp"

namespace terminus::app {

/// Set by a signal: the run ends early, and orderly.
extern std::atomic<bool> stop_wanted;

/// What was measured: the time that it took and what each side had counted before and after.
struct Measured {
    double seconds = 0;
    double busy_seconds = 0;  ///< in turns that received or sent something
    load::Numbers client_before, client_after;
    load::Numbers backend_before, backend_after;
    double seconds_to_open = 0;  ///< until all --concurrency connections were established; 0: they never were
};

/// One thread that polls all ports and plays all sides.
class Generator {
 public:
    /// `devices` and `pool` outlive this: one device, or the client's and the backend's.
    Generator(const Arguments& arguments, std::vector<dpdk::Device>& devices, const dpdk::Pool& pool);

    /// Waits for links and the next hop, warms up, measures, and lets everything close. An error is a
    /// sentence: nobody was there.
    [[nodiscard]] base::Result<Measured, std::string> run();

    /// Until the end of the run, drain included; nullptr where there is no such side.
    [[nodiscard]] const SpeakingSide* speaker() const { return speaker_.get(); }
    [[nodiscard]] const Side* backend() const { return backend_.get(); }

 private:
    /// A port, whoever plays on it, and what it has not taken yet.
    struct End {
        packet::Port* port;
        std::vector<Side*> sides;
        packet::Batch out;
    };

    [[nodiscard]] base::Result<void, std::string> get_ready();
    [[nodiscard]] bool has_done_all() const;
    void play_for(double seconds, Measured& measured);
    void drain();
    bool turn(base::Instant now);
    bool turn(End& end, base::Instant now);
    void receive(End& end, packet::Batch& frames, base::Instant now);
    void nap_if_idle(bool was_busy) const;

    const Arguments& arguments_;
    std::unique_ptr<SpeakingSide> speaker_;
    std::unique_ptr<Side> backend_;
    load::Splitter splitter_;
    std::vector<std::unique_ptr<End>> ends_;
    base::Instant started_{};
};

}  // namespace terminus::app
