#include "workers.hpp"

#include <pthread.h>
#include <sched.h>

#include <string>

#include "control/worker_settings.hpp"
#include "cpus.hpp"
#include "dpdk/thread.hpp"

namespace terminus::app {

Workers::Workers(const worker::Settings& settings, const worker::CpuPlan& cpus,
                 std::vector<dpdk::Device>& devices, worker::Group& group,
                 const proxy::ServiceTable& services, base::Instant began)
    : cpus_(cpus), mesh_(static_cast<std::uint16_t>(group.size())) {
    for (std::uint16_t worker = 0; worker < group.size(); ++worker) {
        // What the constructor writes lies near to this CPU; slabs are first touched by the worker itself.
        const OnCpu on(cpus.workers[worker]);
        workers_.push_back(std::make_unique<worker::Worker>(control::for_worker(settings, worker),
                                                            ports_of(worker, devices), group.mailbox(worker),
                                                            mesh_, &services, began));
    }
}

Workers::~Workers() {
    for (std::thread& thread : threads_)
        thread.join();
}

// A device with a queue for each worker has each poll its own; any other is worker 0's, and the rest reach it
// by ring.
std::vector<packet::Port*> Workers::ports_of(std::uint16_t worker, std::vector<dpdk::Device>& devices) {
    std::vector<packet::Port*> own;
    for (std::size_t index = 0; index < devices.size(); ++index) {
        dpdk::Device& device = devices[index];
        if (device.queue_pairs() == mesh_.workers() || worker == 0) {
            own.push_back(&device.port(worker));
            continue;
        }
        relays_.push_back(std::make_unique<worker::RelayPort>(
            device.port(0), static_cast<std::uint16_t>(index), worker, std::uint16_t{0}, mesh_));
        own.push_back(relays_.back().get());
    }
    return own;
}

void Workers::record(control::Recording& recording) {
    for (std::uint16_t worker = 0; worker < workers_.size(); ++worker)
        workers_[worker]->record(recording.recorder(worker));
}

void Workers::start() {
    for (std::size_t index = 0; index < workers_.size(); ++index) {
        threads_.emplace_back([worker = workers_[index].get()] {
            const dpdk::RegisteredThread registered;
            worker->run();
        });
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpus_.workers[index], &set);
        pthread_setaffinity_np(threads_.back().native_handle(), sizeof set, &set);
        pthread_setname_np(threads_.back().native_handle(), ("worker-" + std::to_string(index)).c_str());
    }
}

}  // namespace terminus::app
