#pragma once

#include <rte_dev.h>

#include <mutex>
#include <string>
#include <vector>

namespace terminus::dpdk {

/// Hears which devices the kernel wants back: vfio-pci asks before it lets one go, because the NIC is being
/// pulled or somebody unbinds or removes it, and waits until the process has closed it (Device::remove()),
/// reminding it every ten seconds. EAL hears that on a thread of its own, which must not close anything; so
/// it is only noted here.
///
/// Made after Eal, before the devices; outlives them.
class RemovalWatch {
 public:
    RemovalWatch();
    ~RemovalWatch();
    RemovalWatch(const RemovalWatch&) = delete;
    RemovalWatch& operator=(const RemovalWatch&) = delete;

    /// The devices that were asked for since the last call, as Device::bus_name() has it, each once.
    [[nodiscard]] std::vector<std::string> take();

 private:
    static void event(const char* device, rte_dev_event_type type, void* watch);
    void asked_for(const char* device);

    std::mutex mutex_;
    std::vector<std::string> devices_;
};

}  // namespace terminus::dpdk
