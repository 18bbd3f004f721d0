#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base/time.hpp"
#include "capture/file_port.hpp"
#include "common/buffers.hpp"
#include "config/config.hpp"
#include "control/service_directory.hpp"
#include "dpdk/eal.hpp"
#include "foreign.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/relay_port.hpp"
#include "worker/worker.hpp"

namespace terminus::app {

/// EAL's arguments of an ordinary user's DPDK, without devices or hugepages, where `options` say nothing
/// else.
[[nodiscard]] std::vector<std::string> replay_eal_arguments(std::vector<std::string> options,
                                                            const dpdk::Sizing& sizing);

/// The workers of a configuration over capture files, in one thread and in virtual time. Whatever they do
/// follows from configuration, captures and seed: no clock is read, and nothing is drawn by chance.
class Replay {
 public:
    /// A port of the configuration and its files.
    struct Port {
        std::string name;
        PcapDevice device;
        std::unique_ptr<capture::FilePort> files;
        /// In place of it towards the workers, when captures of other servers are played.
        replay::StagePort* stage = nullptr;
        capture::Reader::Counters read{};  ///< then

        [[nodiscard]] capture::FilePort::Counters counters() const;
        [[nodiscard]] capture::Reader::Counters reader_counters() const {
            return stage == nullptr ? files->reader_counters() : read;
        }
        /// The file of what was received; empty when there is none.
        [[nodiscard]] const std::string& received() const {
            return stage == nullptr ? device.received : device.played;
        }
    };

    /// Throws std::runtime_error: a port without a device, a device without a port, files, memory.
    Replay(const config::Config& config, const Arguments& arguments);
    ~Replay();
    Replay(const Replay&) = delete;
    Replay& operator=(const Replay&) = delete;

    /// One turn of every worker and time on to the next one: false when all is over. Throws
    /// std::runtime_error for a capture that breaks off.
    [[nodiscard]] bool step();
    /// Ends the files that were written. Throws std::runtime_error when one could not be.
    void close();

    [[nodiscard]] const std::vector<Port>& ports() const { return ports_; }
    [[nodiscard]] const worker::Group& group() const { return group_; }
    /// nullptr in exact mode.
    [[nodiscard]] const Foreign* foreign() const { return foreign_.get(); }
    /// Packets that were received so far.
    [[nodiscard]] std::uint64_t received() const;
    /// Virtual time that has passed.
    [[nodiscard]] base::Duration elapsed() const { return now_ - kStart; }
    /// The time of the first packet, since 1970; 0 when there is none.
    [[nodiscard]] base::Duration recorded() const { return recorded_; }
    /// Whether the limit ended it, with connections left.
    [[nodiscard]] bool was_cut_short() const { return was_cut_short_; }

 private:
    /// Where virtual time begins. Any instant would do, but a clock rarely reads 0.
    static constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);
    /// What a turn takes at least: about as long as on a real core, and time goes on whatever happens.
    static constexpr base::Duration kTurn = std::chrono::microseconds(1);
    /// And one of the backends, several of which lie between two of the workers.
    static constexpr base::Duration kBackendsTurn = std::chrono::nanoseconds(1);
    /// When everything is closed: frames that wait for a neighbour or for their other fragments are given up
    /// within this time.
    static constexpr base::Duration kSettling = std::chrono::seconds(60);

    void open_ports(const config::Config& config, const std::vector<PcapDevice>& devices,
                    const Arguments& arguments);
    void start_files();
    void stage_foreign(const config::Config& config, const Arguments& arguments);
    void make_workers(const config::Config& config, std::uint64_t seed);
    void turn();
    [[nodiscard]] bool has_work();
    [[nodiscard]] std::optional<base::Instant> next_turn();
    [[nodiscard]] base::Instant next_arrival() const;
    [[nodiscard]] base::Instant next_known() const;
    [[nodiscard]] base::Instant next_deadline() const;
    [[nodiscard]] bool has_connections() const;

    dpdk::Sizing sizing_;
    std::unique_ptr<dpdk::Eal> eal_;
    std::unique_ptr<Pools> pools_;
    std::vector<Port> ports_;
    control::ServiceDirectory directory_;
    std::unique_ptr<const proxy::ServiceTable> services_;
    std::unique_ptr<Foreign> foreign_;
    worker::Group group_;
    worker::Mesh mesh_;
    std::vector<std::unique_ptr<worker::RelayPort>> relays_;
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    base::Duration limit_;
    base::Duration recorded_{};
    base::Instant now_ = kStart;
    base::Instant last_arrival_ = kStart;
    base::Instant busy_until_ = kStart;  // when there were connections last
    bool was_cut_short_ = false;
};

}  // namespace terminus::app
