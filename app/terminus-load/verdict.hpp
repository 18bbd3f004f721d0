#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "figures.hpp"

/// What a figure was limited by: the device, the generator, the rate that was asked for, or what is under
/// test.
namespace terminus::app {

/// A probe's run against a reflector, out of its JSON.
struct ReflectorRun {
    std::string driver;
    double frames = 0;  ///< a second, both directions
    double frame_bytes = 0;
    double responses = 0;  ///< round trips a second
};

/// The error is a sentence.
[[nodiscard]] base::Result<ReflectorRun, std::string> read_reflector(const std::string& file);

struct Verdict {
    std::optional<double> ratio;  ///< frames a second over the reflector's
    std::string limit;            ///< "device", "generator", "rate", "under_test" or "unknown"
    std::string sentence;
};

/// Above this share of what a reflector gets out of the device, the device is what was measured.
inline constexpr double kDeviceShare = 0.8;
/// Above this share of its time at work, the generator is.
inline constexpr double kBusyShare = 0.95;

struct Circumstances {
    std::string driver;
    double busy = 0;           ///< share of the generator's time
    double asked_rate = 0;     ///< of an open loop; 0: as fast as it goes
    double achieved_rate = 0;  ///< of the same
};

[[nodiscard]] Verdict judge(const Figures& figures, const std::optional<ReflectorRun>& reflector,
                            const Circumstances& around);

}  // namespace terminus::app
