#include "machine_room.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "config/sysctl.hpp"
#include "control/translate.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/pool.hpp"

namespace terminusdrill {
namespace {

namespace dpdk = terminus::dpdk;

// Windows of 15 MiB, as public scripts have them, are promised out of a sixteenth of the payload's pool.
constexpr std::uint32_t kPayloadBuffers = 65535;
constexpr std::uint32_t kHeaderBuffers = 8191;
constexpr std::uint32_t kIndirectBuffers = 32767;

dpdk::PoolSettings pool(const char* name, std::uint32_t count, std::uint16_t data_room) {
    dpdk::PoolSettings settings;
    settings.name = name;
    settings.count = count;
    settings.data_room = data_room;
    settings.poisoned = true;  // what reads a buffer after its release is found out
    return settings;
}
const dpdk::PoolSettings kPayload = pool("drill_payload", kPayloadBuffers, dpdk::kFrameDataRoom);
const dpdk::PoolSettings kHeader = pool("drill_header", kHeaderBuffers, dpdk::kFrameDataRoom);
const dpdk::PoolSettings kIndirect = pool("drill_indirect", kIndirectBuffers, 0);

template <typename T>
T made(terminus::base::Result<T, std::string> result) {
    if (!result) throw std::runtime_error(result.error());
    return std::move(result).value();
}

dpdk::Eal start_eal() {
    std::size_t bytes = 0;
    for (const dpdk::PoolSettings* settings : {&kPayload, &kHeader, &kIndirect})
        bytes += dpdk::memory_needed(*settings).total_bytes;
    return made(
        dpdk::Eal::start({"--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=error", "-m",
                          std::to_string(dpdk::eal_megabytes(bytes)), dpdk::one_lcore()}));
}

}  // namespace

struct MachineRoom::Parts {
    dpdk::Eal eal = start_eal();
    dpdk::Pool payload = made(dpdk::Pool::create(kPayload));
    dpdk::Pool header = made(dpdk::Pool::create(kHeader));
    dpdk::Pool indirect = made(dpdk::Pool::create(kIndirect));
};

MachineRoom::MachineRoom() : parts_(std::make_unique<Parts>()) {}
MachineRoom::~MachineRoom() = default;

terminus::stack::Buffers MachineRoom::buffers() const {
    terminus::stack::Buffers buffers;
    buffers.payload = parts_->payload.get();
    buffers.header = parts_->header.get();
    buffers.indirect = parts_->indirect.get();
    return buffers;
}

terminus::base::Result<terminus::tcp::Tunables, std::string> tunables_of(
    const terminus::drill::Assignments& assignments) {
    terminus::config::Tcp tcp;
    for (const auto& [key, value] : assignments) {
        const auto done = terminus::config::set_tunable(tcp, key, value);
        if (!done) return terminus::base::Failure{done.error()};
    }
    return terminus::control::tunables_of(tcp, 1);
}

}  // namespace terminusdrill
