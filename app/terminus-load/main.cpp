// terminus-load: a load generator that plays clients and backends.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "common/machine.hpp"
#include "dpdk/device.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/pool.hpp"
#include "dpdk/sizing.hpp"
#include "exit_codes.hpp"
#include "generator.hpp"
#include "report.hpp"
#include "verdict.hpp"

namespace {

using namespace terminus;
using namespace terminus::app;

int fail(const std::string& why) {
    std::fprintf(stderr, "terminus-load: %s\n", why.c_str());
    return kCannotRun;
}

void want_stop(int) {
    stop_wanted = true;
}

// All that can be in descriptors, in bursts, in a peer's ring that hands buffers on, and in EAL's cache.
dpdk::PoolSettings pool_settings(const Arguments& arguments) {
    dpdk::PoolSettings settings;
    settings.name = "load";
    settings.count = static_cast<std::uint32_t>(arguments.ports.size()) * 4u * arguments.descriptors + 4096;
    settings.data_room = dpdk::kFrameDataRoom;
    settings.side_by_side = std::any_of(arguments.ports.begin(), arguments.ports.end(),
                                        [](const auto& port) { return port.starts_with("net_af_xdp"); });
#ifdef __SANITIZE_ADDRESS__
    settings.poisoned = true;
#endif
    return settings;
}

std::vector<std::string> eal_arguments(const Arguments& arguments, const dpdk::PoolSettings& pool) {
    dpdk::EalRequest request;
    request.options = arguments.eal;
    request.devices = arguments.ports;
    request.main_cpu = allowed_cpus().front();
    request.memory_megabytes = dpdk::eal_megabytes(dpdk::memory_needed(pool).total_bytes);
    request.free_hugepage_bytes = free_hugepage_bytes();
    return dpdk::eal_arguments(request);
}

base::Result<std::vector<dpdk::Device>, std::string> open_devices(const Arguments& arguments,
                                                                  const dpdk::Pool& pool) {
    std::vector<dpdk::Device> devices;
    for (const std::string& port : arguments.ports) {
        dpdk::DeviceSettings settings;
        settings.name = devices.empty() ? "front" : "back";
        settings.device = port;
        settings.rx_descriptors = settings.tx_descriptors = arguments.descriptors;
        settings.mtu = arguments.mtu;
        settings.rx_pools = {pool.get()};
        auto device = dpdk::Device::open(settings);
        if (!device) return base::Failure{device.error()};
        devices.push_back(std::move(device).value());
    }
    return devices;
}

int run(const Arguments& arguments) {
    std::optional<ReflectorRun> reflector;
    if (!arguments.reflector.empty()) {
        const auto read = read_reflector(arguments.reflector);
        if (!read) return fail(read.error());
        reflector = read.value();
    }
    const dpdk::PoolSettings sizes = pool_settings(arguments);
    const auto eal = dpdk::Eal::start(eal_arguments(arguments, sizes));
    if (!eal) return fail(eal.error());
    const auto pool = dpdk::Pool::create(sizes);
    if (!pool) return fail(pool.error());
    auto devices = open_devices(arguments, pool.value());
    if (!devices) return fail(devices.error());
    if (!arguments.speaks_first()) {
        std::puts("ready");  // for who starts the other side
        std::fflush(stdout);
    }

    Generator generator(arguments, devices.value(), pool.value());
    const auto measured = generator.run();
    if (!measured) return fail(measured.error());
    const Report report{arguments, devices.value(), generator, measured.value(), reflector};
    std::fputs(to_text(report).c_str(), stdout);
    if (!arguments.json.empty()) {
        std::ofstream file(arguments.json);
        file << to_json(report) << '\n';
        if (!file.flush()) return fail(arguments.json + " can't be written");
    }
    return failures_that_count(report) == 0 ? kClean : kSomethingFailed;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = parse_arguments(argc, argv);
    std::signal(SIGINT, want_stop);
    std::signal(SIGTERM, want_stop);
    return run(arguments);
}
