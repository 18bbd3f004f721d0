#include "verdict.hpp"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace terminus::app {
namespace {

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.0f %%", share * 100);
    return text;
}

bool are_comparable(double bytes, double others) {
    return bytes < 2 * others && others < 2 * bytes;
}

}  // namespace

base::Result<ReflectorRun, std::string> read_reflector(const std::string& file) {
    std::ifstream in(file);
    if (!in) return base::Failure{file + " can't be read"};
    const auto json = nlohmann::json::parse(in, nullptr, false);
    if (json.is_discarded() || !json.is_object() || json.value("role", "") != "probe" ||
        !json.contains("client"))
        return base::Failure{file + " is no report of a run with --role probe"};
    const auto& client = json["client"];
    ReflectorRun run;
    run.driver = client.value("driver", "");
    run.frames = client.value("frames_per_second", 0.0);
    run.frame_bytes = client.value("frame_bytes", 0.0);
    run.responses = client.value("responses_per_second", 0.0);
    if (run.frames <= 0) return base::Failure{file + ": that run carried nothing"};
    return run;
}

Verdict judge(const Figures& figures, const std::optional<ReflectorRun>& reflector,
              const Circumstances& around) {
    Verdict verdict;
    verdict.limit = "unknown";
    if (around.asked_rate > 0 && around.achieved_rate >= 0.99 * around.asked_rate) {
        verdict.limit = "rate";
        verdict.sentence = "the rate that was asked for was reached";
    } else if (around.busy >= kBusyShare) {
        verdict.limit = "generator";
        verdict.sentence =
            "the generator was at work " + percent(around.busy) + " of its time: it is the limit";
    }
    if (!reflector) {
        if (verdict.sentence.empty())
            verdict.sentence =
                "no reflector was measured on this device (--compare-reflector): what the limit "
                "is can't be said";
        return verdict;
    }
    if (reflector->driver != around.driver) {
        verdict.sentence =
            "the reflector was measured on " + reflector->driver + ", this run on " + around.driver;
        verdict.limit = "unknown";
        return verdict;
    }
    if (!are_comparable(figures.frame_bytes(), reflector->frame_bytes)) {
        verdict.sentence =
            "the reflector's frames had another size: measure it with --request-bytes near to "
            "this run's";
        verdict.limit = "unknown";
        return verdict;
    }
    verdict.ratio = figures.frames() / reflector->frames;
    if (verdict.limit == "rate") return verdict;
    if (*verdict.ratio > kDeviceShare) {
        verdict.limit = "device";
        verdict.sentence = percent(*verdict.ratio) +
                           " of what a reflector gets out of the device: the device is "
                           "the limit";
    } else if (verdict.limit == "unknown") {
        verdict.limit = "under_test";
        verdict.sentence = percent(*verdict.ratio) +
                           " of what a reflector gets out of the device: what is under "
                           "test is the limit";
    }
    return verdict;
}

}  // namespace terminus::app
