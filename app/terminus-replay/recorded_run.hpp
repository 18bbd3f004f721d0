#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/buffers.hpp"
#include "config/config.hpp"
#include "control/service_directory.hpp"
#include "control/worker_settings.hpp"
#include "record/recording.hpp"
#include "worker/repetition.hpp"

namespace terminus::app {

/// A recording's file in memory. Throws std::runtime_error for one that can't be read, or whose bytes are no
/// recording's: with the offset.
class RecordingInMemory {
 public:
    explicit RecordingInMemory(const std::string& path);
    ~RecordingInMemory();
    RecordingInMemory(const RecordingInMemory&) = delete;
    RecordingInMemory& operator=(const RecordingInMemory&) = delete;
    [[nodiscard]] const record::Recording& get() const { return recording_; }

 private:
    void* memory_ = nullptr;
    std::size_t size_ = 0;
    record::Recording recording_;
};

/// The process that was recorded, as far as it follows from the head and the changes of the configuration.
class RecordedProcess {
 public:
    /// Throws std::runtime_error: a configuration that this version doesn't take, buffers that are others,
    /// turns that name changes which are not in the recording.
    explicit RecordedProcess(const record::Recording& recording);

    [[nodiscard]] const dpdk::Sizing& sizing() const { return sizing_; }
    /// What worker `index` is repeated with, out of `pools`; the snapshot is the caller's.
    [[nodiscard]] worker::Repetition::Settings settings(const Pools& pools, std::uint16_t index) const;

 private:
    void begin_later(const record::Past& past);
    void change(const record::Revision& revision);
    void keep(const config::Config& config);
    void check_commands() const;
    [[nodiscard]] worker::Command command(record::CommandKind kind, std::uint64_t argument) const;

    const record::Recording& recording_;
    config::Config first_;
    config::Config config_;  // the newest
    dpdk::Sizing sizing_;
    control::ServiceDirectory directory_;
    std::map<std::uint64_t, std::unique_ptr<const proxy::ServiceTable>> services_;  // by version
    std::uint64_t first_revision_ = 0;
    std::vector<tcp::Tunables> tunables_;  // by revision less the first
};

}  // namespace terminus::app
