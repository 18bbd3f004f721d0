#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pcap_device.hpp"

namespace terminus::app {

enum class ReportFormat : std::uint8_t { Text, Json };
/// What becomes of frames whose checksums are wrong: the workers see and drop them, or they are mended
/// before.
enum class Checksums : std::uint8_t { Verify, Repair };

/// What captures are of, and how they are played.
enum class Mode : std::uint8_t {
    Exact,   ///< of Terminus's own links: every frame at its time
    Causal,  ///< of clients with another server: a packet waits for what it answers
    Strict,  ///< the same, at the recorded times
};

/// terminus-replay's command line, testpmd's order: terminus-replay <EAL options> -- <application options>.
struct Arguments {
    std::vector<std::string> eal;     ///< less the net_pcap devices
    std::vector<PcapDevice> devices;  ///< these
    std::string config;
    std::string recording;      ///< of a terminusd, instead of captures and a configuration
    std::string export_folder;  ///< for the recording's frames as captures; empty: none
    std::uint64_t seed = 1;
    Checksums checksums = Checksums::Verify;
    std::vector<std::string> expect;  ///< "golden.pcap", or "net_pcap0=golden.pcap"
    bool update = false;
    ReportFormat report = ReportFormat::Text;
    std::string junit;
    std::string plot;  ///< a folder; empty: nothing is drawn
    std::vector<std::string> conditions;
    std::uint32_t limit_seconds = 300;
    Mode mode = Mode::Exact;
    std::vector<std::string> played;  ///< as `expect`: where what was received is written
};

/// Parses, or prints help, the version or an error and ends the process as CLI programs do.
[[nodiscard]] Arguments parse_arguments(int argc, char** argv);

}  // namespace terminus::app
