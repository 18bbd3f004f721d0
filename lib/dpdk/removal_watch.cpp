#include "dpdk/removal_watch.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.hpp"

namespace terminus::dpdk {

RemovalWatch::RemovalWatch() {
    const int failed = rte_dev_event_callback_register(nullptr, event, this);
    TERMINUS_ASSERT(failed == 0, "what is registered once is refused for want of memory only");
}

RemovalWatch::~RemovalWatch() {
    // Busy while EAL's thread is in event(), which is short.
    while (rte_dev_event_callback_unregister(nullptr, event, this) == -EAGAIN)
        sched_yield();
}

std::vector<std::string> RemovalWatch::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(devices_, {});
}

void RemovalWatch::event(const char* device, rte_dev_event_type type, void* watch) {
    if (type == RTE_DEV_EVENT_REMOVE) static_cast<RemovalWatch*>(watch)->asked_for(device);
}

void RemovalWatch::asked_for(const char* device) {
    const std::lock_guard lock(mutex_);
    if (std::find(devices_.begin(), devices_.end(), device) == devices_.end()) devices_.emplace_back(device);
}

}  // namespace terminus::dpdk
