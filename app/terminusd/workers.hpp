#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "control/recording.hpp"
#include "dpdk/device.hpp"
#include "packet/port.hpp"
#include "worker/cpu_plan.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/relay_port.hpp"
#include "worker/worker.hpp"

namespace terminus::app {

/// The workers, their ports, and the threads they run on.
class Workers {
 public:
    /// Everything referred to outlives this. The workers are made here, each on its own CPU, so that its
    /// memory is near to it, and run from start() on.
    Workers(const worker::Settings& settings, const worker::CpuPlan& cpus, std::vector<dpdk::Device>& devices,
            worker::Group& group, const proxy::ServiceTable& services, base::Instant began);
    /// The control thread has stopped the workers (worker::Stop) before.
    ~Workers();

    /// Gives each its recorder: before start().
    void record(control::Recording& recording);
    void start();

 private:
    std::vector<packet::Port*> ports_of(std::uint16_t worker, std::vector<dpdk::Device>& devices);

    const worker::CpuPlan& cpus_;
    worker::Mesh mesh_;
    std::vector<std::unique_ptr<worker::RelayPort>> relays_;
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    std::vector<std::thread> threads_;
};

}  // namespace terminus::app
