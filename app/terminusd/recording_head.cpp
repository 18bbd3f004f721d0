#include "recording_head.hpp"

#include <chrono>

#include "build_info.hpp"
#include "common/recording_head.hpp"
#include "plan.hpp"

namespace terminus::app {

record::Head recording_head(const std::string& path, const std::string& text,
                            const worker::Settings& settings, const config::Config& config,
                            const dpdk::Sizing& sizing, const std::vector<dpdk::Device>& devices,
                            base::Instant began) {
    using std::chrono::duration_cast;
    record::Head head;
    head.version = kVersion;
    head.began = began.time_since_epoch().count();
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    head.clock_zero = duration_cast<std::chrono::nanoseconds>(since_1970).count() -
                      worker::read_clock().time_since_epoch().count();
    head.workers = settings.stack.workers;
    head.payload_buffers = sizing.payload.count;
    head.free_min = sizing.free_min;
    keep_chance(settings, head);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        head.ports.push_back(recorded_port(config.ports[i].name, devices[i].capabilities(), devices[i].mac(),
                                           devices[i].mtu(), spread_over(devices[i], head.workers)));
    }
    head.config_path = path;
    head.config = text;
    return head;
}

}  // namespace terminus::app
