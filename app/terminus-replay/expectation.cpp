#include "expectation.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "capture/compare.hpp"

namespace terminus::app {

std::vector<Expectation> expectations_of(const Arguments& arguments, const Replay& replay) {
    std::vector<Expectation> expectations;
    for (const std::string& text : arguments.expect) {
        const std::string device = expected_device(text);
        if (device.empty() && replay.ports().size() > 1)
            throw std::runtime_error("--expect " + text + ": say which device's, as net_pcap0=FILE");
        const auto port = std::find_if(
            replay.ports().begin(), replay.ports().end(),
            [&](const Replay::Port& one) { return device.empty() || one.device.name == device; });
        if (port == replay.ports().end())
            throw std::runtime_error("--expect " + text + ": there is no such device");
        if (port->device.sent.empty())
            throw std::runtime_error("--expect " + text + ": the device needs tx_pcap=FILE to compare with");
        expectations.push_back({&*port, expected_file(text)});
    }
    return expectations;
}

std::string difference(const Expectation& expectation, const Replay& replay) {
    const PcapDevice& device = expectation.port->device;
    capture::CompareRequest request;
    request.expected = expectation.golden;
    request.actual = device.sent;
    if (!expectation.port->received().empty()) request.received = expectation.port->received();
    request.begins = replay.recorded();
    const auto compared = capture::compare(request);
    if (!compared) throw std::runtime_error(compared.error());
    std::string text;
    for (const std::string& one : compared.value().differences)
        text += one + '\n';
    if (compared.value().differences.size() == capture::Comparison::kDifferencesMax)
        text += "... the rest was not compared\n";
    return text;
}

void update(const Expectation& expectation) {
    std::error_code error;
    std::filesystem::copy_file(expectation.port->device.sent, expectation.golden,
                               std::filesystem::copy_options::overwrite_existing, error);
    if (error) throw std::runtime_error(expectation.golden + ": " + error.message());
}

}  // namespace terminus::app
