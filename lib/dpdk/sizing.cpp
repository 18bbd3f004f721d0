#include "dpdk/sizing.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <cctype>

#include "dpdk/offloads.hpp"
#include "packet/batch.hpp"

namespace terminus::dpdk {
namespace {

// Without a configured number: enough for every second leg to hold one, and for a small set-up to stream.
constexpr std::uint32_t kPayloadMin = 8192;

bool has_option(const std::vector<std::string>& options, std::initializer_list<const char*> names) {
    return std::any_of(options.begin(), options.end(), [&](const std::string& option) {
        return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            const bool is_short = name.size() == 2 && name[1] != '-';  // "-l0" is as good as "-l 0"
            return option == name || option.starts_with(name + "=") || (is_short && option.starts_with(name));
        });
    });
}

}  // namespace

base::Result<Sizing, std::string> size_buffers(const SizingRequest& request) {
    Sizing sizing;
    const std::uint32_t bursts = 2u * packet::Batch::kCapacity * request.workers * request.ports;
    // A cache may hold half as much again before it flushes (RTE_MEMPOOL_CACHE_MAX_SIZE's threshold of 1.5).
    const std::uint32_t caches = request.workers * request.cache * 3 / 2;
    const std::uint32_t descriptors = request.queue_pairs * (request.rx_descriptors + request.tx_descriptors);
    sizing.reserve = descriptors + caches + bursts;
    sizing.free_min = sizing.reserve - request.queue_pairs * request.rx_descriptors;
    const std::uint32_t for_connections = std::max(kPayloadMin, request.connections);
    const std::uint32_t payload = request.buffers != 0 ? request.buffers : sizing.reserve + for_connections;
    if (payload < sizing.reserve + packet::Batch::kCapacity) {
        return base::Failure{
            "buffers.count is " + std::to_string(request.buffers) + ", but " +
            std::to_string(sizing.reserve) + " are taken by descriptors (" + std::to_string(descriptors) +
            "), worker caches (" + std::to_string(caches) + ") and bursts (" + std::to_string(bursts) +
            "); leave the key out or set at least " + std::to_string(sizing.reserve + kPayloadMin)};
    }
    const std::uint32_t in_flight = request.queue_pairs * request.tx_descriptors + caches + bursts;
    const std::uint32_t relayed = request.workers > 1 ? 1024 * request.workers * request.workers : 0;
    const std::uint32_t header = in_flight + relayed + 1024;
    // Small pieces are copied together, so two a frame is plenty; runs, which nobody relays, wait for room in
    // a batch.
    const std::uint32_t runs = request.has_tso ? bursts / 2 * kTsoPiecesMax : 0;
    const std::uint32_t indirect = 2 * header + runs;

    const auto room = static_cast<std::uint16_t>(request.data_room + RTE_PKTMBUF_HEADROOM);
    sizing.payload = {.name = "payload",
                      .count = payload,
                      .cache = request.cache,
                      .data_room = room,
                      .socket = request.node,
                      .side_by_side = request.side_by_side,
                      .poisoned = request.poisoned};
    sizing.header = {.name = "header",
                     .count = header,
                     .cache = request.cache,
                     .data_room = room,
                     .socket = request.node,
                     .side_by_side = request.side_by_side,
                     .poisoned = request.poisoned};
    sizing.indirect = {.name = "indirect",
                       .count = indirect,
                       .cache = request.cache,
                       .data_room = 0,
                       .socket = request.node,
                       .side_by_side = request.side_by_side,
                       .poisoned = request.poisoned};
    std::size_t bytes = 0;
    for (const PoolSettings* pool : {&sizing.payload, &sizing.header, &sizing.indirect})
        bytes += memory_needed(*pool).total_bytes;
    sizing.memory_megabytes = eal_megabytes(bytes);
    sizing.arithmetic.push_back("connections never hold the last " + std::to_string(sizing.reserve) +
                                " payload buffers: " + std::to_string(descriptors) + " descriptors + " +
                                std::to_string(caches) + " in worker caches + " + std::to_string(bursts) +
                                " in bursts");
    sizing.arithmetic.push_back("DPDK memory in all: " + std::to_string(sizing.memory_megabytes) + " MiB");
    return sizing;
}

std::vector<std::string> eal_arguments(const EalRequest& request) {
    std::vector<std::string> arguments = request.options;
    const auto say = [&](std::initializer_list<const char*> names, std::vector<std::string> words) {
        if (!has_option(request.options, names))
            arguments.insert(arguments.end(), words.begin(), words.end());
    };
    say({"-l", "-c", "--lcores"}, {"-l", std::to_string(request.main_cpu)});
    const bool may_choose = !has_option(
        request.options, {"--no-huge", "--in-memory", "--huge-dir", "--socket-mem", "--file-prefix", "-m"});
    if (has_option(request.options, {"--no-huge"})) {
        say({"-m"}, {"-m", std::to_string(request.memory_megabytes)});
        say({"--no-shconf"}, {"--no-shconf"});
    } else if (may_choose && request.free_hugepage_bytes >> 20 >= request.memory_megabytes) {
        arguments.insert(arguments.end(), {"--in-memory", "-m", std::to_string(request.memory_megabytes)});
    } else if (may_choose) {
        arguments.insert(arguments.end(),
                         {"--no-huge", "--no-shconf", "-m", std::to_string(request.memory_megabytes)});
    }
    const bool any_pci = std::any_of(request.devices.begin(), request.devices.end(), is_pci_address);
    if (!any_pci) say({"--no-pci", "-a", "-b"}, {"--no-pci"});
    say({"--no-telemetry", "--telemetry"}, {"--no-telemetry"});
    for (const std::string& device : request.devices) {
        const bool is_pci = is_pci_address(device);
        const bool is_there =
            std::any_of(request.options.begin(), request.options.end(), [&](const std::string& o) {
                return o.find(is_pci ? device : device_name(device)) != std::string::npos;
            });
        if (!is_there) arguments.push_back((is_pci ? "--allow=" : "--vdev=") + device);
    }
    return arguments;
}

bool is_pci_address(const std::string& device) {
    // [domain:]bus:device.function, hexadecimal; a vdev's name begins with its driver's.
    const std::string address = device_name(device);
    return address.find(':') != std::string::npos && address.find('.') != std::string::npos &&
           std::all_of(address.begin(), address.end(), [](char c) {
               return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '.';
           });
}

std::string device_name(const std::string& device) {
    return device.substr(0, device.find(','));
}

}  // namespace terminus::dpdk
