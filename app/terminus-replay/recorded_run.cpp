#include "recorded_run.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "common/recording_head.hpp"
#include "config/diff.hpp"
#include "config/load.hpp"
#include "config/sysctl.hpp"
#include "control/translate.hpp"

namespace terminus::app {
namespace {

config::Config parse_config(const std::string& text, const std::string& name) {
    auto parsed = config::parse(text, name);
    if (parsed) return std::move(parsed).value();
    std::string all = "the configuration that was recorded is none for this version:";
    for (const config::ConfigError& error : parsed.error())
        all += "\n" + error.to_string();
    throw std::runtime_error(all);
}

}  // namespace

RecordingInMemory::RecordingInMemory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0 || (status.st_size > 0 && !S_ISREG(status.st_mode))) {
        const int error = fd < 0 ? errno : EINVAL;
        if (fd >= 0) ::close(fd);
        throw std::runtime_error(path + ": " + std::strerror(error));
    }
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ > 0) memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (memory_ == MAP_FAILED) throw std::runtime_error(path + ": " + std::strerror(errno));
    auto parsed = record::Recording::parse({static_cast<const std::uint8_t*>(memory_), size_});
    if (!parsed) {
        throw std::runtime_error(path + ": byte " + std::to_string(parsed.error().offset) + ": " +
                                 parsed.error().what);
    }
    recording_ = std::move(parsed).value();
}

RecordingInMemory::~RecordingInMemory() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
}

RecordedProcess::RecordedProcess(const record::Recording& recording)
    : recording_(recording), first_(parse_config(recording.head.config, recording.head.config_path)) {
    const record::Head& head = recording.head;
    const auto sizing = dpdk::size_buffers(sizing_request(first_));
    if (!sizing) throw std::runtime_error(sizing.error());
    sizing_ = sizing.value();
    if (sizing_.payload.count != head.payload_buffers || sizing_.free_min != head.free_min ||
        first_.workers.total() != head.workers || first_.ports.size() != head.ports.size()) {
        throw std::runtime_error(
            "this version has other buffers, workers or ports for the same configuration (" +
            std::to_string(sizing_.payload.count) + " buffers, then " + std::to_string(head.payload_buffers) +
            "): it was terminusd " + head.version);
    }
    recording.past ? begin_later(*recording.past) : keep(first_);
    for (const record::Revision& revision : recording.revisions)
        change(revision);
    check_commands();
}

// What was built last before the recording began is built once more, with the ids and the version of then.
void RecordedProcess::begin_later(const record::Past& past) {
    record::Directory directory = past.directory;
    --directory.version;
    directory_ = control::ServiceDirectory(directory);
    config::Config then = first_;
    if (!past.config.empty())
        then = config::live_part(first_, parse_config(past.config, recording_.head.config_path));
    std::vector<std::pair<std::string, std::string>> set;
    for (const record::Revision& tunable : past.tunables)
        set.emplace_back(tunable.tunable, tunable.text);
    if (const auto done = config::set_tunables(then.tcp, set); !done)
        throw std::runtime_error("the tunables that had been set: " + done.error());
    first_revision_ = past.revision_count;
    keep(then);
}

// As control::Runtime does it.
void RecordedProcess::change(const record::Revision& revision) {
    config::Config next = config_;
    if (revision.tunable.empty()) {
        next = config::live_part(config_, parse_config(revision.text, recording_.head.config_path));
        keep(next);
        return;
    }
    const auto set = config::set_tunable(next.tcp, revision.tunable, revision.text);
    if (!set) throw std::runtime_error("a tunable that was set: " + set.error());
    config_ = next;
    tunables_.push_back(control::tunables_of(config_.tcp, recording_.head.workers));
}

void RecordedProcess::keep(const config::Config& config) {
    auto table = directory_.build(config);
    if (table) {
        config_ = config;
        const std::uint64_t version = table.value()->version();
        services_.emplace(version, std::move(table).value());
    }
    tunables_.push_back(control::tunables_of(config_.tcp, recording_.head.workers));
}

void RecordedProcess::check_commands() const {
    for (std::uint16_t worker = 0; worker < recording_.head.workers; ++worker) {
        record::Turns turns(recording_, worker);
        while (const std::optional<record::Turn> turn = turns.next()) {
            base::Bytes events = turn->events;
            while (!events.empty()) {
                const record::Event event = *record::take_event(events, 0).value();
                if (event.kind() != record::EventKind::Command) continue;
                const auto kind = static_cast<record::CommandKind>(event.header.detail);
                const bool is_missing =
                    (kind == record::CommandKind::SetTunables &&
                     event.argument() - first_revision_ >= tunables_.size()) ||
                    (kind == record::CommandKind::SetServices && !services_.contains(event.argument()));
                if (is_missing)
                    throw std::runtime_error("a change of the configuration is not in the recording");
            }
        }
    }
}

worker::Command RecordedProcess::command(record::CommandKind kind, std::uint64_t argument) const {
    switch (kind) {
        case record::CommandKind::SetTunables:
            return worker::SetTunables{tunables_[argument - first_revision_],
                                       static_cast<std::uint32_t>(argument)};
        case record::CommandKind::SetServices:
            return worker::SetServices{services_.at(argument).get()};
        case record::CommandKind::SetDraining:
            return worker::SetDraining{argument != 0};
        case record::CommandKind::AbortAll:
            return worker::AbortAll{static_cast<stats::CloseReason>(argument)};
        case record::CommandKind::Stop:
            break;
    }
    return worker::Stop{};
}

worker::Repetition::Settings RecordedProcess::settings(const Pools& pools, std::uint16_t index) const {
    const record::Head& head = recording_.head;
    std::vector<control::PortFacts> facts;
    worker::Repetition::Settings settings;
    for (const record::PortFacts& port : head.ports) {
        facts.push_back(port_facts(port, head.workers));
        settings.capabilities.push_back(capabilities_of(port));
    }
    const proxy::ServiceTable& services = *services_.begin()->second;
    settings.worker =
        control::for_worker(control::worker_settings(first_, facts, pools.buffers(sizing_),
                                                     sizing_.payload.count, services, chance_of(head)),
                            index);
    settings.workers = head.workers;
    settings.pool = pools.payload.get();
    settings.table = &services;
    settings.began = base::instant_from_ns(head.began);
    settings.command = [this](record::CommandKind kind, std::uint64_t argument) {
        return command(kind, argument);
    };
    return settings;
}

}  // namespace terminus::app
