#include "daemon.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <utility>

#include "build_info.hpp"
#include "control/log.hpp"
#include "control/supervisor.hpp"
#include "cpus.hpp"
#include "device_access.hpp"
#include "doctor.hpp"
#include "dpdk/device.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/removal_watch.hpp"
#include "memory.hpp"
#include "plan.hpp"
#include "privileges.hpp"
#include "recording_head.hpp"
#include "workers.hpp"

namespace terminus::app {
namespace {

int fail(const std::string& why) {
    spdlog::error("{}", why);
    return 1;
}

// The reason alone is DPDK's; what to do about it stands in the machine.
int fail_on_machine(const std::string& why, const control::MachineState& machine, const Arguments& arguments,
                    const config::Config& config) {
    const int exit_code = fail(why);
    log_doctor(machine, arguments, config);
    return exit_code;
}

/// EAL and its drivers say a hundred lines while they are closed: behind those the reason is said again.
class LastWord {
 public:
    explicit LastWord(const Arguments& arguments) : arguments_(arguments) {}
    ~LastWord() {
        if (why_.empty()) return;
        spdlog::error("not started: {}; terminusd --doctor -c {} says what mends it", why_,
                      arguments_.config);
    }
    LastWord(const LastWord&) = delete;
    LastWord& operator=(const LastWord&) = delete;
    const std::string& keep(const std::string& why) { return why_ = why; }

 private:
    const Arguments& arguments_;
    std::string why_;
};

std::string list_of(const std::vector<std::uint16_t>& cpus) {
    std::string text;
    for (const std::uint16_t cpu : cpus)
        text += (text.empty() ? "" : ", ") + std::to_string(cpu);
    return text;
}

void log_plan(const worker::CpuPlan& cpus, const std::vector<std::string>& memory,
              const dpdk::Sizing& sizing) {
    spdlog::info("workers on CPUs {}; control thread on {}", list_of(cpus.workers), list_of(cpus.control));
    if (cpus.control_shares) {
        spdlog::warn("the control thread shares a worker's CPU: the process has none to spare");
    }
    if (cpus.workers_share)
        spdlog::warn("workers share a CPU (workers.allow_shared_cpus): they nap when idle");
    for (const std::string& line : memory)
        spdlog::info("memory: {}", line);
    for (const std::string& line : sizing.arithmetic)
        spdlog::info("{}", line);
}

void log_memory(const dpdk::Eal& eal, const dpdk::EalRequest& request) {
    if (eal.has_hugepages()) {
        spdlog::info("DPDK's memory is in hugepages");
    } else {
        spdlog::info("DPDK's memory is in ordinary pages; {} MiB of hugepages are free",
                     request.free_hugepage_bytes >> 20);
    }
}

// Where memory is in ordinary pages, the node of whoever touches it first is its node.
base::Result<Pools, std::string> pools_near(std::uint16_t cpu, const dpdk::Sizing& sizing) {
    const OnCpu on(cpu);
    return Pools::create(sizing);
}

base::Result<std::vector<dpdk::Device>, std::string> open_devices(const config::Config& config,
                                                                  const Pools& pools) {
    std::vector<dpdk::Device> devices;
    for (const config::Port& port : config.ports) {
        const auto settings = device_settings(config, port, pools.payload.get());
        if (!settings) return base::Failure{settings.error()};
        auto device = dpdk::Device::open(settings.value());
        if (!device) return base::Failure{device.error()};
        const dpdk::Device& opened = device.value();
        spdlog::info("port {}: {} by {}, MAC {}, {} queue pair{} of {} + {} descriptors", port.name,
                     port.device, opened.driver(), wire::to_string(opened.mac()), opened.queue_pairs(),
                     opened.queue_pairs() == 1 ? "" : "s", opened.rx_descriptors(), opened.tx_descriptors());
        for (const std::string& line : dpdk::to_table(opened.offloads()))
            spdlog::info("port {}: {}", port.name, line);
        for (const std::string& note : opened.notes())
            spdlog::info("port {}: {}", port.name, note);
        devices.push_back(std::move(device).value());
    }
    return devices;
}

std::vector<control::PortReading> read_ports(const config::Config& config,
                                             const std::vector<dpdk::Device>& devices) {
    std::vector<control::PortReading> readings;
    for (std::size_t index = 0; index < devices.size(); ++index) {
        const dpdk::Device& device = devices[index];
        const dpdk::DeviceStats stats = device.stats();
        control::PortReading reading{.name = config.ports[index].name,
                                     .is_up = device.link_is_up(),
                                     .is_removed = !device.is_open(),
                                     .received_frames = stats.rx_frames,
                                     .received_bytes = stats.rx_bytes,
                                     .sent_frames = stats.tx_frames,
                                     .sent_bytes = stats.tx_bytes,
                                     .missed = stats.rx_missed,
                                     .no_buffer = stats.rx_no_buffer,
                                     .receive_errors = stats.rx_errors,
                                     .transmit_errors = stats.tx_errors};
        for (const dpdk::OffloadUse& use : device.offloads())
            reading.offloads.push_back({std::string(use.name), use.asked, use.offered, use.used});
        readings.push_back(std::move(reading));
    }
    return readings;
}

}  // namespace

// Made in this order, destroyed in the reverse one: EAL, pools, devices, workers; the control thread is this
// one.
int run_daemon(const Arguments& arguments, config::Config config, const std::string& text) {
    control::start_log(config.log.level);
    spdlog::info("terminusd {} starts, configuration {}", kVersion, arguments.config);
    const auto cpus = worker::plan_cpus(cpu_request(config));
    if (!cpus) return fail(cpus.error());
    const std::vector<worker::Placement::Cpu> worker_cpus = nodes_of(cpus.value().workers);
    dpdk::SizingRequest buffers = sizing_request(config);
    buffers.node = worker::shared_memory_node(worker_cpus);
    const auto sizing = dpdk::size_buffers(buffers);
    if (!sizing) return fail(sizing.error());
    const control::MachineMemory machine = control::read_machine_memory();
    // EAL has its memory on the node of the CPU that it begins on.
    const std::uint16_t main_cpu = worker::cpu_near(nodes_of(cpus.value().control), buffers.node);
    const dpdk::EalRequest request =
        eal_request(arguments, config, sizing.value(), main_cpu, machine.hugepage_bytes);
    const std::vector<std::string> eal_words = dpdk::eal_arguments(request);
    const auto memory = memory_plan(config, sizing.value(), eal_words, machine);
    if (!memory) return fail(memory.error());
    log_plan(cpus.value(), memory.value(), sizing.value());

    worker::Group group(config.workers.total());
    control::Supervisor supervisor(group, config, {.config_path = arguments.config, .version = kVersion});

    const control::MachineState before = control::read_machine_state();
    LastWord last_word(arguments);  // before EAL, so that it outlives it
    auto eal = dpdk::Eal::start(eal_words);
    if (!eal) return fail_on_machine(eal.error(), before, arguments, config);
    log_memory(eal.value(), request);
    dpdk::RemovalWatch removals;
    // EAL has pinned this thread, which is the control thread, to one CPU: any of the plan's will do.
    move_to(cpus.value().control);
    auto pools = pools_near(worker::cpu_near(worker_cpus, buffers.node), sizing.value());
    if (!pools) return fail_on_machine(last_word.keep(pools.error()), before, arguments, config);
    auto devices = open_devices(config, pools.value());
    if (!devices) return fail_on_machine(last_word.keep(devices.error()), before, arguments, config);

    const worker::Placement placement = placement_of(config, cpus.value(), devices.value());
    for (const std::string& warning : worker::placement_warnings(placement))
        spdlog::warn("{}", warning);

    const worker::Settings settings =
        worker_settings(config, sizing.value(), pools.value(), devices.value(),
                        supervisor.runtime().services(), cpus.value().workers_share);
    const base::Instant began = worker::read_clock();
    Workers workers(settings, cpus.value(), devices.value(), group, supervisor.runtime().services(), began);
    supervisor.recording().set_head(
        recording_head(arguments.config, text, settings, config, sizing.value(), devices.value(), began));
    if (!arguments.record.empty()) {
        control::RecordingRequest wanted;
        wanted.path = arguments.record;
        wanted.limit_bytes = arguments.record_limit;
        const auto recording = supervisor.recording().begin(wanted);
        if (!recording) return fail(recording.error());
        workers.record(supervisor.recording());
    }
    supervisor.devices().attach(device_access(devices.value(), removals));
    supervisor.set_ports([&] { return read_ports(config, devices.value()); });
    if (const auto started = supervisor.start(); !started) return fail(started.error());
    for (const std::string& line : drop_privileges())
        spdlog::info("{}", line);
    workers.start();  // after the privileges are gone: threads inherit what is left
    const int exit_code = supervisor.run();
    if (exit_code != 0) {
        // A worker that does not answer can't be joined, and what it uses can't be freed.
        spdlog::error("a worker did not stop; leaving without cleaning up");
        spdlog::shutdown();
        std::_Exit(exit_code);
    }
    spdlog::info("terminusd stops");
    return exit_code;
}

}  // namespace terminus::app
