#include "dpdk/device.hpp"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/assert.hpp"
#include "dpdk/driver_traits.hpp"
#include "dpdk/offloads.hpp"
#include "dpdk/rx_interrupt.hpp"
#include "dpdk/sizing.hpp"

namespace terminus::dpdk {
namespace {

using Done = base::Result<void, std::string>;

constexpr std::uint32_t kFrameOverhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

std::string reason(int code) {
    return std::strerror(std::abs(code));
}

struct Found {
    std::uint16_t port_id = 0;
    bool plugged_in = false;
};

base::Result<Found, std::string> find_or_plug_in(const std::string& device) {
    const std::string name = device_name(device);
    Found found;
    if (rte_eth_dev_get_port_by_name(name.c_str(), &found.port_id) == 0) return found;
    const int failed = rte_dev_probe(device.c_str());
    if (failed != 0) {
        return base::Failure{
            "device " + name + " can't be opened: " + reason(failed) +
            " (a NIC must be bound to vfio-pci; a vdev's arguments and its interface must be right)"};
    }
    if (rte_eth_dev_get_port_by_name(name.c_str(), &found.port_id) != 0) {
        return base::Failure{"device " + name + " is there, but no Ethernet port"};
    }
    found.plugged_in = true;
    return found;
}

QueueOffer offer_of(const std::string& device, const rte_eth_dev_info& info) {
    return {.device = device_name(device),
            .driver = info.driver_name,
            .rx_queues = info.max_rx_queues,
            .tx_queues = info.max_tx_queues,
            .spreads_by_own_rule = traits_of(info.driver_name).one_queue,
            .has_rss = (info.flow_type_rss_offloads & kRssTcp) == kRssTcp && info.reta_size != 0};
}

}  // namespace

/// The steps of Device::open(), in the order in which DPDK wants them.
class DeviceOpening {
 public:
    explicit DeviceOpening(const DeviceSettings& settings) : settings_(settings) {}

    base::Result<Device, std::string> run() {
        for (const auto step : {&DeviceOpening::find, &DeviceOpening::bring_up, &DeviceOpening::hear_groups,
                                &DeviceOpening::read_rss, &DeviceOpening::make_ports}) {
            const Done done = (this->*step)();
            if (!done) {
                device_.close();
                return base::Failure{"port " + settings_.name + ": " + done.error()};
            }
        }
        return std::move(device_);
    }

 private:
    Done fail(const std::string& what, int code) const {
        return base::Failure{"device " + device_name(settings_.device) + " (" + device_.driver_ + ") " +
                             what + ": " + reason(code)};
    }

    Done find() {
        const auto found = find_or_plug_in(settings_.device);
        if (!found) return base::Failure{found.error()};
        device_.port_id_ = found.value().port_id;
        device_.plugged_in_here_ = found.value().plugged_in;
        const int failed = rte_eth_dev_info_get(device_.port_id_, &info_);
        if (failed != 0) return fail("does not describe itself", failed);
        device_.driver_ = info_.driver_name;
        device_.bus_name_ = rte_dev_name(info_.device);

        const std::string_view note = traits_of(device_.driver_).note;
        if (!note.empty()) device_.notes_.push_back(device_.driver_ + ": " + std::string(note));
        const QueueOffer offer = offer_of(settings_.device, info_);
        if (settings_.queue_pairs > offer.usable_pairs())
            return base::Failure{offer.refusal(settings_.queue_pairs)};
        if (settings_.queue_pairs < settings_.workers)
            device_.notes_.push_back(offer.shared_note(settings_.workers));
        return {};
    }

    // A driver that has no receive interrupts either starts without them or refuses to start at all.
    Done bring_up() {
        is_interrupting_ = settings_.rx_interrupts;
        Done done = configure_and_start();
        if (!is_interrupting_ || (done && find_interrupts())) return done;
        const bool share = !interrupts_.empty() && is_shared(interrupts_.back());
        device_.notes_.push_back(device_.driver_ +
                                 (share ? ": queues share a receive interrupt" : ": no receive interrupts") +
                                 "; a worker that polls this port naps as with idle: sleep");
        is_interrupting_ = false;
        // Software asks nobody for interrupts, and AF_PACKET's can't be started twice.
        if (done && traits_of(device_.driver_).is_software) return done;
        if (done) static_cast<void>(rte_eth_dev_stop(device_.port_id_));
        return configure_and_start();
    }

    Done configure_and_start() {
        for (const auto step :
             {&DeviceOpening::configure, &DeviceOpening::set_up_queues, &DeviceOpening::start}) {
            if (Done done = (this->*step)(); !done) return done;
        }
        return {};
    }

    bool find_interrupts() {
        device_.arming_ = std::make_unique<std::mutex>();
        interrupts_.clear();
        for (std::uint16_t queue = 0; queue < settings_.queue_pairs; ++queue) {
            interrupts_.push_back(RxInterrupt::of(
                device_.port_id_, queue, traits_of(device_.driver_).readable_queue, *device_.arming_));
            if (interrupts_.back().descriptor() < 0 || is_shared(interrupts_.back())) return false;
        }
        return true;
    }

    // Queues on one vector (ixgbevf's, or iavf's when it has few) switch each other's interrupt off, and take
    // each other's news.
    [[nodiscard]] bool is_shared(const RxInterrupt& last) const {
        return std::count_if(interrupts_.begin(), interrupts_.end(), [&](const RxInterrupt& one) {
                   return one.descriptor() == last.descriptor();
               }) > 1;
    }

    Done configure() {
        OffloadNeeds needs{.wishes = settings_.offloads,
                           .several_queues = settings_.queue_pairs > 1,
                           .is_relayed = settings_.queue_pairs < settings_.workers};
        if (auto done = fit_mtu(needs.scatter); !done) return done;
        // memif with zero-copy lays the buffer itself before the peer.
        needs.zero_copy = settings_.device.find("zero-copy=yes") != std::string::npos;
        const Offloads offloads(info_, needs);
        device_.offloads_ = offloads.uses();
        can_ = offloads.capabilities();
        rte_eth_conf conf{};
        conf.intr_conf.rxq = is_interrupting_ ? 1 : 0;
        conf.rxmode.mtu = settings_.mtu;
        conf.rxmode.offloads = offloads.rx_flags();
        conf.txmode.offloads = offloads.tx_flags();

        key_ = settings_.rss_key;
        if (key_.empty()) key_.assign(flow::default_rss_key().begin(), flow::default_rss_key().end());
        if (settings_.queue_pairs > 1) {
            // Longer keys than TCP over IPv6 needs have no part in its hash.
            key_.resize(std::max<std::size_t>(info_.hash_key_size, flow::Toeplitz::kKeyBytesMin), 0);
            conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
            conf.rx_adv_conf.rss_conf.rss_key = key_.data();
            conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(key_.size());
            conf.rx_adv_conf.rss_conf.rss_hf = kRssTcp;
        }
        const std::uint16_t pairs =
            settings_.queue_pairs;  // net_tap wants as many for one direction as for the other
        const int failed = rte_eth_dev_configure(device_.port_id_, pairs, pairs, &conf);
        if (failed != 0) return fail("can't be configured", failed);
        rx_offloads_ = conf.rxmode.offloads;
        tx_offloads_ = conf.txmode.offloads;
        return {};
    }

    /// `needs_scatter` when frames of the MTU don't fit into one buffer.
    Done fit_mtu(bool& needs_scatter) {
        if (settings_.mtu > info_.max_mtu || settings_.mtu < info_.min_mtu) {
            return base::Failure{"device " + device_name(settings_.device) + " takes an MTU of " +
                                 std::to_string(info_.min_mtu) + " to " + std::to_string(info_.max_mtu) +
                                 ", not " + std::to_string(settings_.mtu)};
        }
        std::uint32_t room = UINT32_MAX;
        for (const rte_mempool* pool : settings_.rx_pools) {
            const std::uint32_t data_room = rte_pktmbuf_data_room_size(const_cast<rte_mempool*>(pool));
            room = std::min(room, data_room - RTE_PKTMBUF_HEADROOM);
        }
        if (settings_.mtu + kFrameOverhead <= room) return {};
        if ((info_.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) == 0) {
            return base::Failure{"device " + device_name(settings_.device) +
                                 " can't scatter frames over several mbufs, and " + std::to_string(room) +
                                 " bytes are too few for an MTU of " + std::to_string(settings_.mtu)};
        }
        needs_scatter = true;
        return {};
    }

    Done set_up_queues() {
        const std::uint16_t port = device_.port_id_;
        device_.rx_descriptors_ = settings_.rx_descriptors;
        device_.tx_descriptors_ = settings_.tx_descriptors;
        int failed =
            rte_eth_dev_adjust_nb_rx_tx_desc(port, &device_.rx_descriptors_, &device_.tx_descriptors_);
        if (failed != 0) return fail("does not say how many descriptors it takes", failed);
        const int socket = rte_eth_dev_socket_id(port);
        const auto node = socket < 0 ? static_cast<unsigned>(SOCKET_ID_ANY) : static_cast<unsigned>(socket);
        rte_eth_rxconf rx = info_.default_rxconf;
        rx.offloads = rx_offloads_;
        rte_eth_txconf tx = info_.default_txconf;
        tx.offloads = tx_offloads_ & ~RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
        for (std::uint16_t queue = 0; queue < settings_.queue_pairs; ++queue) {
            rte_mempool* pool = settings_.rx_pools[settings_.rx_pools.size() == 1 ? 0 : queue];
            failed = rte_eth_rx_queue_setup(port, queue, device_.rx_descriptors_, node, &rx, pool);
            if (failed != 0) return fail("refuses receive queue " + std::to_string(queue), failed);
            failed = rte_eth_tx_queue_setup(port, queue, device_.tx_descriptors_, node, &tx);
            if (failed != 0) return fail("refuses transmit queue " + std::to_string(queue), failed);
        }
        return {};
    }

    Done start() {
        std::uint16_t mtu = 0;
        if (rte_eth_dev_get_mtu(device_.port_id_, &mtu) == 0 && mtu != settings_.mtu) {
            const int failed = rte_eth_dev_set_mtu(device_.port_id_, settings_.mtu);
            if (failed != 0) return fail("refuses an MTU of " + std::to_string(settings_.mtu), failed);
        }
        const int failed = rte_eth_dev_start(device_.port_id_);
        return failed == 0 ? Done() : fail("does not start", failed);
    }

    // Neighbour discovery and ARP need multicast and broadcast; other hosts' unicast is of no use.
    Done hear_groups() {
        if (settings_.promiscuous) {
            const int failed = rte_eth_promiscuous_enable(device_.port_id_);
            if (failed != 0) return fail("has no promiscuous mode, which the configuration asks for", failed);
        }
        if (rte_eth_allmulticast_enable(device_.port_id_) == 0) return {};
        if (rte_eth_promiscuous_enable(device_.port_id_) == 0) {
            device_.notes_.push_back("the device has no all-multicast mode: it is promiscuous");
            return {};
        }
        // Software devices without the switch hear everything; a NIC without it may not hear neighbours.
        if (!traits_of(device_.driver_).is_software) {
            device_.notes_.push_back("the device may not receive multicast: IPv6 neighbours may not find it");
        }
        return {};
    }

    Done read_rss() {
        device_.rss_.queues = settings_.queue_pairs;
        device_.rss_.key = key_;
        if (settings_.queue_pairs == 1) return {};
        read_key();
        if (device_.rss_.key != key_) {  // a driver that takes a key only while it runs
            rte_eth_rss_conf conf{};
            conf.rss_key = key_.data();
            conf.rss_key_len = static_cast<std::uint8_t>(key_.size());
            conf.rss_hf = kRssTcp;
            const int refused = rte_eth_dev_rss_hash_update(device_.port_id_, &conf);
            if (refused != 0) device_.notes_.push_back("the RSS key stays the driver's: " + reason(refused));
            read_key();
        }
        std::vector<rte_eth_rss_reta_entry64> table((info_.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                                    RTE_ETH_RETA_GROUP_SIZE);
        for (std::uint16_t i = 0; i < info_.reta_size; ++i) {
            table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << (i % RTE_ETH_RETA_GROUP_SIZE);
            table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = i % settings_.queue_pairs;
        }
        // Written, so that all queues get their share whatever the driver begins with; read back, so that
        // what is steered in software is what the device does.
        const int refused = rte_eth_dev_rss_reta_update(device_.port_id_, table.data(), info_.reta_size);
        if (refused != 0)
            device_.notes_.push_back("the redirection table stays the driver's: " + reason(refused));
        const int failed = rte_eth_dev_rss_reta_query(device_.port_id_, table.data(), info_.reta_size);
        if (failed != 0)
            return fail("does not show its redirection table, so only one queue pair is of use", failed);
        for (std::uint16_t i = 0; i < info_.reta_size; ++i) {
            const std::uint16_t queue = table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
            if (queue >= settings_.queue_pairs)
                return fail("redirects to queues that it was not given", EINVAL);
            device_.rss_.reta.push_back(queue);
        }
        return {};
    }

    void read_key() {
        std::vector<std::uint8_t> key(key_.size());
        rte_eth_rss_conf conf{};
        conf.rss_key = key.data();
        conf.rss_key_len = static_cast<std::uint8_t>(key.size());
        // A driver that does not tell has taken what it was given.
        if (rte_eth_dev_rss_hash_conf_get(device_.port_id_, &conf) != 0) return;
        key.resize(std::min<std::size_t>(key.size(), conf.rss_key_len));
        if (key.size() >= flow::Toeplitz::kKeyBytesMin) device_.rss_.key = key;
    }

    Done make_ports() {
        rte_ether_addr address{};
        const int failed = rte_eth_macaddr_get(device_.port_id_, &address);
        if (failed != 0) return fail("does not tell its address", failed);
        wire::MacAddress mac;
        std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), mac.bytes.begin());
        for (std::uint16_t queue = 0; queue < settings_.queue_pairs; ++queue) {
            device_.ports_.push_back(
                std::make_unique<EthPort>(device_.port_id_, queue, can_, mac, settings_.mtu));
            if (is_interrupting_) device_.ports_.back()->set_interrupt(interrupts_[queue]);
        }
        return {};
    }

    const DeviceSettings& settings_;
    Device device_;
    rte_eth_dev_info info_{};
    packet::PortCapabilities can_;
    std::uint64_t rx_offloads_ = 0;
    std::uint64_t tx_offloads_ = 0;
    std::vector<std::uint8_t> key_;
    bool is_interrupting_ = false;
    std::vector<RxInterrupt> interrupts_;  // by queue
};

base::Result<Device, std::string> Device::open(const DeviceSettings& settings) {
    TERMINUS_ASSERT(settings.queue_pairs >= 1, "a port is polled by at least one worker");
    TERMINUS_ASSERT(settings.rx_pools.size() == 1 || settings.rx_pools.size() == settings.queue_pairs,
                    "one pool for all queues, or one for each");
    return DeviceOpening(settings).run();
}

Device::Device(Device&& other) noexcept {
    *this = std::move(other);
}

Device& Device::operator=(Device&& other) noexcept {
    std::swap(port_id_, other.port_id_);
    std::swap(plugged_in_here_, other.plugged_in_here_);
    std::swap(driver_, other.driver_);
    std::swap(bus_name_, other.bus_name_);
    std::swap(rx_descriptors_, other.rx_descriptors_);
    std::swap(tx_descriptors_, other.tx_descriptors_);
    std::swap(rss_, other.rss_);
    std::swap(offloads_, other.offloads_);
    std::swap(notes_, other.notes_);
    std::swap(arming_, other.arming_);
    std::swap(ports_, other.ports_);
    std::swap(last_stats_, other.last_stats_);
    return *this;
}

Device::~Device() {
    close();
}

void Device::close() {
    if (port_id_ == UINT16_MAX) return;
    rte_eth_dev_info info{};
    const bool is_known = rte_eth_dev_info_get(port_id_, &info) == 0;
    // A driver that can't stop can't be helped; what matters is that it is asked before the pools go.
    static_cast<void>(rte_eth_dev_stop(port_id_));
    static_cast<void>(rte_eth_dev_close(port_id_));
    if (plugged_in_here_ && is_known && info.device != nullptr)
        static_cast<void>(rte_dev_remove(info.device));
    port_id_ = UINT16_MAX;
}

base::Result<void, std::string> Device::remove() {
    TERMINUS_ASSERT(is_open(), "a device is removed once");
    rte_eth_dev_info info{};
    const int unknown = rte_eth_dev_info_get(port_id_, &info);
    last_stats_ = stats();
    plugged_in_here_ = false;  // what close() would do without telling how it went
    close();
    const int failed = unknown != 0 ? unknown : rte_dev_remove(info.device);
    if (failed == 0) return {};
    return base::Failure{"device " + bus_name_ + " (" + driver_ +
                         ") can't be taken off its bus: " + reason(failed)};
}

int Device::node() const {
    return std::max(rte_eth_dev_socket_id(port_id_), -1);
}

DeviceStats Device::stats() const {
    rte_eth_stats raw{};
    DeviceStats stats;
    if (!is_open()) return last_stats_;
    if (rte_eth_stats_get(port_id_, &raw) != 0) return stats;
    stats.rx_frames = raw.ipackets;
    stats.rx_bytes = raw.ibytes;
    stats.rx_missed = raw.imissed;
    stats.rx_errors = raw.ierrors;
    stats.rx_no_buffer = raw.rx_nombuf;
    stats.tx_frames = raw.opackets;
    stats.tx_bytes = raw.obytes;
    stats.tx_errors = raw.oerrors;
    return stats;
}

base::Result<QueueOffer, std::string> queue_offer(const std::string& device) {
    const auto found = find_or_plug_in(device);
    if (!found) return base::Failure{found.error()};
    rte_eth_dev_info info{};
    const int failed = rte_eth_dev_info_get(found.value().port_id, &info);
    if (failed != 0)
        return base::Failure{"device " + device_name(device) +
                             " does not describe itself: " + reason(failed)};
    return offer_of(device, info);
}

}  // namespace terminus::dpdk
