#include "doctor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <initializer_list>

#include "common/buffers.hpp"
#include "control/doctor.hpp"
#include "dpdk/sizing.hpp"

namespace terminus::app {
namespace {

control::DpdkPages pages_of(const std::vector<std::string>& options) {
    const auto has = [&](std::initializer_list<const char*> names) {
        return std::any_of(options.begin(), options.end(), [&](const std::string& option) {
            return std::any_of(names.begin(), names.end(),
                               [&](const char* name) { return option.substr(0, option.find('=')) == name; });
        });
    };
    if (has({"--no-huge"})) return control::DpdkPages::Ordinary;
    if (has({"--in-memory", "--huge-dir", "--socket-mem"})) return control::DpdkPages::Huge;
    return control::DpdkPages::Either;
}

control::MachineNeeds needs_of(const Arguments& arguments, const config::Config& config) {
    control::MachineNeeds needs;
    for (const config::Port& port : config.ports) {
        if (dpdk::is_pci_address(port.device)) needs.pci_addresses.push_back(port.device);
        if (port.device.starts_with("net_tap")) needs.has_tap = true;
        if (port.device.starts_with("net_af_packet")) needs.has_af_packet = true;
    }
    // A number of buffers that is too small is the start's own error.
    if (const auto sizing = dpdk::size_buffers(sizing_request(config)))
        needs.dpdk_megabytes = sizing.value().memory_megabytes;
    std::vector<std::string> options = config.eal;
    options.insert(options.end(), arguments.eal.begin(), arguments.eal.end());
    needs.pages = pages_of(options);
    needs.worker_cpus = config.workers.lcores;
    return needs;
}

}  // namespace

int run_doctor(const Arguments& arguments, const config::Config* config) {
    if (config == nullptr) {
        std::printf("%s is not there: the machine is looked at for no configuration\n\n",
                    arguments.config.c_str());
    }
    const auto findings =
        control::examine(control::read_machine_state(),
                         config == nullptr ? control::MachineNeeds{} : needs_of(arguments, *config));
    std::fputs(control::to_table(findings).c_str(), stdout);
    return control::has_errors(findings) ? 1 : 0;
}

void log_doctor(const control::MachineState& machine, const Arguments& arguments,
                const config::Config& config) {
    const auto findings = control::examine(machine, needs_of(arguments, config));
    for (const control::Finding& finding : findings) {
        const std::string text =
            finding.topic + ": " + finding.what + (finding.mend.empty() ? "" : " -> " + finding.mend);
        if (finding.level == control::FindingLevel::Error) spdlog::error("{}", text);
        if (finding.level == control::FindingLevel::Warning) spdlog::warn("{}", text);
    }
    spdlog::info("terminusd --doctor -c {} says all that was looked at", arguments.config);
}

}  // namespace terminus::app
