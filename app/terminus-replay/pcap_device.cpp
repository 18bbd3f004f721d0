#include "pcap_device.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "dpdk/sizing.hpp"

namespace terminus::app {
namespace {

bool is_same_file(const std::string& one, const std::string& other) {
    std::error_code error;
    return one == other ||
           (std::filesystem::is_regular_file(one, error) && std::filesystem::equivalent(one, other, error));
}

void set_once(std::string& file, const std::string& value, const std::string& device) {
    if (value.empty()) throw std::runtime_error("device " + device + ": a file has no name");
    if (!file.empty()) throw std::runtime_error("device " + device + ": one file each way, for one queue");
    file = value;
}

bool is_pcap_device(const std::string& device) {
    return device.starts_with("net_pcap");
}

PcapDevice parse_pcap_device(const std::string& device) {
    std::istringstream words(device);
    PcapDevice parsed;
    std::getline(words, parsed.name, ',');
    for (std::string word; std::getline(words, word, ',');) {
        const std::string key = word.substr(0, word.find('='));
        const std::string value = key.size() < word.size() ? word.substr(key.size() + 1) : "";
        if (key == "rx_pcap") {
            set_once(parsed.received, value, device);
        } else if (key == "tx_pcap") {
            set_once(parsed.sent, value, device);
        } else {
            throw std::runtime_error("device " + device + ": '" + key +
                                     "' has no meaning in a replay; rx_pcap and tx_pcap have");
        }
    }
    return parsed;
}

}  // namespace

std::vector<PcapDevice> take_pcap_devices(std::vector<std::string>& eal_options) {
    std::vector<PcapDevice> devices;
    std::vector<std::string> others;
    for (std::size_t i = 0; i < eal_options.size(); ++i) {
        const std::string& option = eal_options[i];
        std::string device;
        if (option.starts_with("--vdev=")) device = option.substr(7);
        const bool in_next = option == "--vdev" && i + 1 < eal_options.size();
        if (in_next) device = eal_options[i + 1];
        if (is_pcap_device(device)) {
            devices.push_back(parse_pcap_device(device));
            if (in_next) ++i;
        } else {
            others.push_back(option);
        }
    }
    eal_options = std::move(others);
    return devices;
}

std::vector<PcapDevice> devices_of_ports(const config::Config& config, std::vector<PcapDevice> given) {
    std::vector<PcapDevice> devices;
    for (const config::Port& port : config.ports) {
        const std::string name = dpdk::device_name(port.device);
        const auto own = std::find_if(given.rbegin(), given.rend(),
                                      [&](const PcapDevice& device) { return device.name == name; });
        if (own == given.rend() && !is_pcap_device(port.device)) {
            throw std::runtime_error("port " + port.name + ": its device is " + port.device +
                                     "; a replay needs net_pcap0 or the like there, and its files by --vdev");
        }
        devices.push_back(own == given.rend() ? parse_pcap_device(port.device) : *own);
        std::erase_if(given, [&](const PcapDevice& one) { return one.name == name; });
    }
    if (!given.empty())
        throw std::runtime_error("device " + given.front().name + ": no port of the configuration has it");
    return devices;
}

std::string expected_file(const std::string& expectation) {
    return is_pcap_device(expectation) ? expectation.substr(expectation.find('=') + 1) : expectation;
}

std::string expected_device(const std::string& expectation) {
    const std::size_t equals = expectation.find('=');
    return is_pcap_device(expectation) && equals != std::string::npos ? expectation.substr(0, equals) : "";
}

void take_played_files(std::vector<PcapDevice>& devices, const std::vector<std::string>& played) {
    for (const std::string& text : played) {
        const std::string name = expected_device(text);
        if (name.empty() && devices.size() > 1)
            throw std::runtime_error("--played " + text + ": say which device's, as net_pcap0=FILE");
        const auto device = std::find_if(devices.begin(), devices.end(), [&](const PcapDevice& one) {
            return name.empty() || one.name == name;
        });
        if (device == devices.end())
            throw std::runtime_error("--played " + text + ": there is no such device");
        set_once(device->played, expected_file(text), device->name);
    }
}

void refuse_to_overwrite(const std::vector<PcapDevice>& devices,
                         const std::vector<std::string>& expectations) {
    std::vector<std::string> kept;
    for (const PcapDevice& device : devices)
        kept.push_back(device.received);
    for (const std::string& expectation : expectations)
        kept.push_back(expected_file(expectation));
    for (const PcapDevice& device : devices) {
        for (const std::string& written : {device.sent, device.played}) {
            if (written.empty()) continue;
            for (const std::string& file : kept) {
                if (is_same_file(file, written))
                    throw std::runtime_error(written + ": it is to be read and would be overwritten");
            }
            kept.push_back(written);
        }
    }
}

}  // namespace terminus::app
