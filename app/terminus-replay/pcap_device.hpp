#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace terminus::app {

/// "net_pcap0,rx_pcap=clients.pcap,tx_pcap=out.pcap": DPDK's arguments, but the files are ours to read and
/// write.
struct PcapDevice {
    std::string name;
    std::string received;  ///< empty: nothing is received
    std::string sent;      ///< empty: what is sent is only counted
    std::string played;    ///< where what Terminus received of a foreign capture is written; empty: nowhere
};

/// Takes the net_pcap devices (--vdev=net_pcap… and --vdev net_pcap…) out of EAL's options. Throws
/// std::runtime_error for arguments of theirs that have no meaning here.
[[nodiscard]] std::vector<PcapDevice> take_pcap_devices(std::vector<std::string>& eal_options);

/// The device of each port of the configuration: the last of `given` that has its name, or the
/// configuration's own. Throws std::runtime_error for a port without one, and for a device without a port.
[[nodiscard]] std::vector<PcapDevice> devices_of_ports(const config::Config& config,
                                                       std::vector<PcapDevice> given);

/// The file of an expectation: "golden.pcap" of that, and of "net_pcap0=golden.pcap".
[[nodiscard]] std::string expected_file(const std::string& expectation);
/// And the device's name, if it has one.
[[nodiscard]] std::string expected_device(const std::string& expectation);

/// Gives each device its file of `played`, "[DEVICE=]FILE" as expectations are. Throws std::runtime_error
/// for one without a device.
void take_played_files(std::vector<PcapDevice>& devices, const std::vector<std::string>& played);

/// Throws std::runtime_error when a file to be written is one to be read, too, or two devices write one file.
void refuse_to_overwrite(const std::vector<PcapDevice>& devices,
                         const std::vector<std::string>& expectations);

}  // namespace terminus::app
