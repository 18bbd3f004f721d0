#include "dpdk/offloads.hpp"

#include <rte_ethdev.h>

#include <algorithm>

#include "dpdk/driver_traits.hpp"

namespace terminus::dpdk {
namespace {

constexpr std::uint64_t kRxChecksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
/// Pieces a frame may have where the driver names no limit: the smallest that drivers with a limit name.
constexpr std::uint16_t kPiecesDefault = 8;
/// And where it names a large one: more pieces than this in one MTU are cheaper copied.
constexpr std::uint16_t kPiecesMax = 16;

bool has(std::uint64_t offered, std::uint64_t wanted) {
    return (offered & wanted) == wanted;
}

/// As rte_ethdev gives its limits: 0 and the type's maximum are "none".
std::uint16_t limit(std::uint16_t named, std::uint16_t otherwise, std::uint16_t most) {
    return std::min(named == 0 ? otherwise : named, most);
}

}  // namespace

const std::uint64_t kRssTcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

Offloads::Offloads(const rte_eth_dev_info& device, const OffloadNeeds& needs) {
    const DriverTraits& driver = traits_of(device.driver_name);
    const std::uint64_t rx = device.rx_offload_capa, tx = device.tx_offload_capa;
    const OffloadWishes& wishes = needs.wishes;
    const std::string_view soft = driver.is_software ? "the worker: the driver has no hardware to do it" : "";
    packet::PortCapabilities& can = capabilities_;
    can.tx_indirect_buffers = driver.indirect_buffers;
    can.keeps_pointer = driver.keeps_pointer || needs.zero_copy;

    decide("rss", needs.several_queues, has(device.flow_type_rss_offloads, kRssTcp), "",
           needs.several_queues ? "the driver's own rule" : "nobody: there is one queue pair");
    if (decide("rx_scatter", needs.scatter, has(rx, RTE_ETH_RX_OFFLOAD_SCATTER), "",
               "nobody: a frame fits into one buffer"))
        rx_flags_ |= RTE_ETH_RX_OFFLOAD_SCATTER;
    const std::string_view untrue = !soft.empty() ? soft
                                    : driver.rx_checksum_is_true
                                        ? ""
                                        : "the worker: the driver calls unverified ones good";
    can.rx_checksum = decide("rx_checksum", wishes.rx_checksum, has(rx, kRxChecksums), untrue, "the worker");
    if (can.rx_checksum) rx_flags_ |= kRxChecksums;
    decide("lro", false, has(rx, RTE_ETH_RX_OFFLOAD_TCP_LRO), "",
           "the worker joins a burst's segments (GRO), every ACK seen");

    can.tx_multi_segment =
        decide("tx_chains", true, has(tx, RTE_ETH_TX_OFFLOAD_MULTI_SEGS),
               driver.multi_segment ? "" : "text is copied: the driver sends first pieces only",
               "text is copied behind its headers");
    if (can.tx_multi_segment) {
        tx_flags_ |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
        can.tx_segments_max = limit(device.tx_desc_lim.nb_mtu_seg_max, kPiecesDefault, kPiecesMax);
    }
    can.tx_ipv4_checksum = decide("tx_ipv4_checksum", wishes.tx_checksum,
                                  has(tx, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM), soft, "the worker");
    if (can.tx_ipv4_checksum) tx_flags_ |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    can.tx_tcp_checksum = decide("tx_tcp_checksum", wishes.tx_checksum, has(tx, RTE_ETH_TX_OFFLOAD_TCP_CKSUM),
                                 soft, "the worker");
    if (can.tx_tcp_checksum) tx_flags_ |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

    const bool attaches = can.tx_multi_segment && can.tx_indirect_buffers && !can.keeps_pointer;
    const std::string_view missing = !soft.empty() ? soft
                                     : needs.is_relayed
                                         ? "the workers: they share the queue, by rings that are not for runs"
                                     : !attaches            ? "the worker: it needs tx_chains"
                                     : !can.tx_tcp_checksum ? "the worker: it needs tx_tcp_checksum"
                                                            : "";
    if (decide("tso", wishes.tso, has(tx, RTE_ETH_TX_OFFLOAD_TCP_TSO), missing,
               "the worker cuts runs of segments (GSO)")) {
        tx_flags_ |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
        can.tso_segments_max = limit(device.tx_desc_lim.nb_seg_max, kPiecesDefault, kTsoPiecesMax);
    }
}

bool Offloads::decide(std::string_view name, bool asked, bool offered, std::string_view obstacle,
                      std::string_view otherwise) {
    OffloadUse use{.name = name, .asked = asked, .offered = offered, .otherwise = otherwise};
    use.used = asked && offered && obstacle.empty();
    if (asked && offered) use.otherwise = obstacle;
    uses_.push_back(use);
    return use.used;
}

std::vector<std::string> to_table(const std::vector<OffloadUse>& uses) {
    constexpr std::size_t kNameWidth = 18, kColumnWidth = 9;
    const auto padded = [](std::string_view text, std::size_t width) {
        std::string cell(text);
        cell.resize(std::max(width, cell.size() + 1), ' ');
        return cell;
    };
    std::vector<std::string> lines{padded("offload", kNameWidth) + padded("asked", kColumnWidth) +
                                   padded("offered", kColumnWidth) + padded("used", kColumnWidth) +
                                   "otherwise by"};
    for (const OffloadUse& use : uses) {
        std::string line = padded(use.name, kNameWidth);
        for (const bool is_so : {use.asked, use.offered, use.used})
            line += padded(is_so ? "yes" : "no", kColumnWidth);
        line += use.used ? "" : std::string(use.otherwise);
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace terminus::dpdk
