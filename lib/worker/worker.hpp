#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "packet/batch.hpp"
#include "packet/frame_access.hpp"
#include "packet/port.hpp"
#include "proxy/proxy.hpp"
#include "proxy/stack_of_proxy.hpp"
#include "stack/network.hpp"
#include "stack/settings.hpp"
#include "worker/gone_port.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/recorded_port.hpp"
#include "worker/recorder.hpp"
#include "worker/sleeper.hpp"

namespace terminus::worker {

/// What a worker without work does.
enum class Idle : std::uint8_t {
    Poll,       ///< spins: lowest latency, a whole CPU
    Sleep,      ///< naps of at most idle_sleep_max after kIdleTurns turns without work
    Interrupt,  ///< sleeps until a frame, mail or a deadline comes; naps where a port can't tell of frames
};

struct Settings {
    stack::Settings stack;
    proxy::Proxy::Settings proxy;  ///< `worker` and `steering` are taken from `stack`
    Idle idle = Idle::Sleep;
    base::Duration idle_sleep_max = std::chrono::microseconds(100);
    /// The same of Interrupt: readers of the times and gauges have nothing older, and a device that keeps an
    /// interrupt to itself is found out.
    base::Duration interrupt_sleep_max = std::chrono::milliseconds(100);
};

/// The process's one clock: nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] base::Instant read_clock();

/// One core: ports, stack and proxy, and the turn that drives them (DESIGN 3.7). The only reader of a clock.
class Worker {
 public:
    /// `ports` by port index, with a RelayPort where another worker polls; `table` stays valid until a newer
    /// one is acknowledged. Everything referred to outlives the worker. Time begins at `now`: tests, which
    /// turn workers by hand, give another than the clock's.
    Worker(Settings settings, std::vector<packet::Port*> ports, Mailbox& mailbox, Mesh& mesh,
           const proxy::ServiceTable* table, base::Instant now = read_clock());
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Turns until a Stop arrives. On the thread that is to be this core's.
    void run();

    /// One turn at `now`: false when it found nothing to do. The time until the next turn is accounted as
    /// busy or idle by that.
    bool run_once(base::Instant now) {
        return run_once(now, packet::buffers_within_reach(settings_.stack.buffers.payload));
    }
    /// The same with free buffers as somebody measured them: a replay's are those of the recording.
    bool run_once(base::Instant now, std::uint32_t free_buffers);
    /// All turns from now on are taken down; nullptr: no more. Between two turns.
    void record(Recorder* recorder);

    /// All that decides what the worker sends from now on, as bytes; between two turns.
    [[nodiscard]] std::vector<std::uint8_t> save() const;
    /// Takes over what another worker of the same settings, ports and table saved; before the first turn. The
    /// error is a sentence: another version or build, other settings, cut, damaged, no room. A worker that
    /// did not take it over is good for nothing.
    [[nodiscard]] base::Result<void, std::string> restore(base::Bytes snapshot);

    /// When a worker that found nothing must look again, whatever arrives meanwhile.
    [[nodiscard]] base::Instant next_deadline() const { return stack_.next_deadline(); }
    /// Whether it sleeps until it is told of something, rather than nap.
    [[nodiscard]] bool sleeps_until_told() const { return sleeper_ != nullptr && sleeper_->is_able(); }

    /// For who watches between two turns.
    [[nodiscard]] const stack::Stack<proxy::Proxy>& stack() const { return stack_; }
    [[nodiscard]] const proxy::Proxy& proxy() const { return proxy_; }

 private:
    /// Naps begin after this many turns in a row without work: about 50 µs of polling.
    static constexpr std::uint32_t kIdleTurns = 128;
    /// Commands a turn: the control thread can wait, frames can't.
    static constexpr std::uint32_t kMailBudget = 4;
    /// Messages from one other worker a turn: a burst.
    static constexpr std::uint32_t kMessageBudget = packet::Batch::kCapacity;
    /// Gauges that cost a walk are published this often.
    static constexpr std::uint32_t kPublishTurns = 256;

    bool begin_recorded(base::Instant now, std::uint32_t free_buffers);
    void change_recorder();
    template <typename Archive>
    void archive(Archive& a);
    bool receive();
    bool take_messages();
    bool relay();
    bool take_mail();
    void send_messages();
    void execute(Command& command);
    void give_up(std::uint16_t port);
    void list(RowPage& page);
    void list(SourcePortPage& page) const;
    void publish();
    void nap(base::Instant now);
    void sleep();
    void account(base::Instant now);

    Settings settings_;
    std::vector<packet::Port*> ports_;
    std::vector<std::unique_ptr<RecordedPort>> recorded_ports_;  // by port index, used while recorder_ is set
    std::vector<std::unique_ptr<GonePort>> gone_ports_;          // by port index, for when its device goes
    std::vector<std::unique_ptr<packet::Batch>> relayed_;        // per port, waiting for the device
    Mailbox& mailbox_;
    Mesh& mesh_;
    stats::CoreStats& stats_;
    proxy::Proxy proxy_;
    stack::Network network_;
    stack::Stack<proxy::Proxy> stack_;
    packet::Batch burst_;
    base::Instant turn_began_{};
    std::uint32_t idle_turns_ = 1;      // in a row; nothing was done before the first turn
    std::uint64_t frames_refused_ = 0;  // by the ports, as counted so far
    std::unique_ptr<Sleeper> sleeper_;  // with Idle::Interrupt
    std::uint64_t received_from_ = 0;   // in the last turn, a bit for each port
    bool stopping_ = false;
    Recorder* recorder_ = nullptr;
    std::optional<Recorder*> next_recorder_;  // asked for in this turn
};

}  // namespace terminus::worker
