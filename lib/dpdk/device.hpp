#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dpdk/eth_port.hpp"
#include "dpdk/offloads.hpp"
#include "dpdk/queue_offer.hpp"
#include "flow/rss.hpp"
#include "packet/port.hpp"

namespace terminus::dpdk {

/// What an ethdev is to be used as.
struct DeviceSettings {
    std::string name;    ///< the port's name in the config: every error starts with it
    std::string device;  ///< PCI address ("0000:01:00.0") or vdev string ("net_tap0,iface=front0")
    std::uint16_t queue_pairs = 1;
    std::uint16_t workers = 1;            ///< that the queue pairs are for; more: worker 0 polls for all
    std::uint16_t rx_descriptors = 1024;  ///< the driver may round them
    std::uint16_t tx_descriptors = 1024;
    OffloadWishes offloads;
    bool promiscuous = false;            ///< frames for other MACs too
    bool rx_interrupts = false;          ///< EthPort::arm() is wanted, where the driver has that
    std::uint16_t mtu = 1500;            ///< largest IP packet in bytes
    std::vector<rte_mempool*> rx_pools;  ///< one for each queue pair, or one for all
    std::vector<std::uint8_t> rss_key;   ///< 40 bytes, drawn by the caller; empty for flow::default_rss_key()
};

/// The device's own counters since it was opened.
struct DeviceStats {
    std::uint64_t rx_frames = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_missed = 0;  ///< the device had no descriptor: workers too slow
    std::uint64_t rx_errors = 0;
    std::uint64_t rx_no_buffer = 0;  ///< the pool was empty
    std::uint64_t tx_frames = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_errors = 0;
};

/// One DPDK ethdev, started: N queue pairs, RSS over TCP when N > 1, the offloads that hardware has
/// (Offloads), never FAST_FREE (frames hold clones). Stopped and closed at destruction, after which its pools
/// may go.
class Device {
 public:
    /// Takes a device that EAL's arguments named, or plugs it in now. Errors are sentences: "port front:
    /// device net_tap0 (net_tap) offers ...".
    [[nodiscard]] static base::Result<Device, std::string> open(const DeviceSettings& settings);

    Device(Device&& other) noexcept;
    Device& operator=(Device&& other) noexcept;
    ~Device();

    /// Queue pair `queue`; one worker polls it for both directions.
    [[nodiscard]] EthPort& port(std::uint16_t queue) { return *ports_[queue]; }
    [[nodiscard]] std::uint16_t queue_pairs() const { return static_cast<std::uint16_t>(ports_.size()); }
    /// How frames spread over the queues, read back from the driver; with one queue the key that was given,
    /// for steering in software.
    [[nodiscard]] const flow::RssConfig& rss() const { return rss_; }
    [[nodiscard]] const packet::PortCapabilities& capabilities() const {
        return ports_.front()->capabilities();
    }
    [[nodiscard]] wire::MacAddress mac() const { return ports_.front()->mac(); }
    [[nodiscard]] std::uint16_t mtu() const { return ports_.front()->mtu(); }
    /// The NUMA node that the device is on; -1 for none, as of software.
    [[nodiscard]] int node() const;
    [[nodiscard]] const std::string& driver() const { return driver_; }
    /// What EAL calls it: "0000:01:00.0", "net_tap0".
    [[nodiscard]] const std::string& bus_name() const { return bus_name_; }
    [[nodiscard]] std::uint16_t rx_descriptors() const { return rx_descriptors_; }
    [[nodiscard]] std::uint16_t tx_descriptors() const { return tx_descriptors_; }
    /// Work that the device does in the workers' place, and what it does not.
    [[nodiscard]] const std::vector<OffloadUse>& offloads() const { return offloads_; }
    /// What the start-up log should say of this device and driver, one sentence each.
    [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
    [[nodiscard]] bool link_is_up() const { return is_open() && ports_.front()->link_is_up(); }
    /// Asks the driver: for the control thread, not per packet. After remove(), as they were then.
    [[nodiscard]] DeviceStats stats() const;

    /// Stops and closes it and takes it off its bus, which releases what the kernel holds of it (a NIC's file
    /// of vfio-pci) while EAL goes on. Nobody polls its ports any more; they and what is said of the device
    /// stay. The error is a sentence: then it may be held until the process ends.
    [[nodiscard]] base::Result<void, std::string> remove();
    /// Until remove().
    [[nodiscard]] bool is_open() const { return port_id_ != UINT16_MAX; }

 private:
    friend class DeviceOpening;
    Device() = default;
    void close();

    std::uint16_t port_id_ = UINT16_MAX;
    bool plugged_in_here_ = false;
    std::string driver_;
    std::string bus_name_;
    std::uint16_t rx_descriptors_ = 0;
    std::uint16_t tx_descriptors_ = 0;
    flow::RssConfig rss_;
    std::vector<OffloadUse> offloads_;
    std::vector<std::string> notes_;
    std::unique_ptr<std::mutex> arming_;           // drivers keep the interrupts of all queues in one mask
    std::vector<std::unique_ptr<EthPort>> ports_;  // empty once moved from
    DeviceStats last_stats_;                       // of a device that was removed
};

/// What a device has of queues. It is found or plugged in as by open(), and left.
[[nodiscard]] base::Result<QueueOffer, std::string> queue_offer(const std::string& device);

}  // namespace terminus::dpdk
