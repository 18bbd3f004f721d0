#include "dpdk/driver_traits.hpp"

#include <array>

namespace terminus::dpdk {
namespace {

constexpr std::array kDrivers{
    DriverTraits{.name = "net_tap",
                 .is_software = true,
                 .one_queue = true,
                 .readable_queue = true,
                 .note = "the kernel spreads over a TAP's queues by a hash of its own, so one is used"},
    DriverTraits{.name = "net_af_packet",
                 .is_software = true,
                 .one_queue = true,
                 .note = "transmit waits while the kernel's ring is full"},
    // Its zero-copy path takes a clone's address for an offset into its own memory, and sends first segments
    // only.
    DriverTraits{.name = "net_af_xdp",
                 .is_software = true,
                 .multi_segment = false,
                 .indirect_buffers = false,
                 .one_queue = true,
                 .note = "frames are sent in one piece: payload is copied"},
    DriverTraits{.name = "net_ring",
                 .is_software = true,
                 .multi_segment = false,
                 .keeps_pointer = true,
                 .one_queue = true,
                 .note = "payload is copied, for the peer gets the very buffer"},
    DriverTraits{.name = "net_memif", .is_software = true, .one_queue = true, .note = ""},
    DriverTraits{.name = "net_pcap", .is_software = true, .one_queue = true, .note = ""},
    DriverTraits{.name = "net_null", .is_software = true, .note = "what is sent is gone"},
    // What a neighbour of the same host sends without finishing its checksum they call good.
    DriverTraits{.name = "net_virtio", .rx_checksum_is_true = false, .note = ""},
    DriverTraits{.name = "net_vmxnet3", .rx_checksum_is_true = false, .note = ""},
    DriverTraits{.name = "net_vhost", .is_software = true, .one_queue = true, .note = ""},
};
constexpr DriverTraits kHardware{};

}  // namespace

const DriverTraits& traits_of(std::string_view driver_name) {
    for (const DriverTraits& driver : kDrivers) {
        if (driver.name == driver_name) return driver;
    }
    return kHardware;
}

}  // namespace terminus::dpdk
