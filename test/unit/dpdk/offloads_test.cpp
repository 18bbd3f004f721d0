#include "dpdk/offloads.hpp"

#include <rte_ethdev.h>

#include <algorithm>
#include <catch2/catch.hpp>

using namespace terminus;
using dpdk::OffloadNeeds;
using dpdk::Offloads;
using dpdk::OffloadUse;

namespace {

/// A NIC that has everything.
rte_eth_dev_info able(const char* driver) {
    rte_eth_dev_info info{};
    info.driver_name = driver;
    info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                           RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER;
    info.tx_offload_capa = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                           RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_TCP_TSO;
    info.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
    info.tx_desc_lim.nb_seg_max = UINT16_MAX;
    info.tx_desc_lim.nb_mtu_seg_max = UINT16_MAX;
    return info;
}

OffloadUse use_of(const Offloads& offloads, std::string_view name) {
    const auto found = std::find_if(offloads.uses().begin(), offloads.uses().end(),
                                    [&](const OffloadUse& use) { return use.name == name; });
    REQUIRE(found != offloads.uses().end());
    return *found;
}

}  // namespace

TEST_CASE("what a NIC offers and the configuration asks for is used") {
    const Offloads offloads(able("net_ice"), {.several_queues = true, .scatter = true});
    for (const OffloadUse& use : offloads.uses()) {
        CAPTURE(use.name);
        CHECK(use.offered);
        CHECK(use.used == use.asked);
        CHECK(use.asked == (use.name != "lro"));
    }
    CHECK(offloads.rx_flags() ==
          (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_SCATTER));
    CHECK(offloads.tx_flags() == able("net_ice").tx_offload_capa);
    const packet::PortCapabilities& can = offloads.capabilities();
    CHECK((can.rx_checksum && can.tx_ipv4_checksum && can.tx_tcp_checksum && can.tx_multi_segment));
    CHECK(can.tx_segments_max == 16);
    CHECK(can.tso_segments_max == 48);
}

TEST_CASE("the driver's limits of pieces are kept to") {
    rte_eth_dev_info info = able("net_i40e");
    info.tx_desc_lim.nb_mtu_seg_max = 8;
    info.tx_desc_lim.nb_seg_max = 40;
    const Offloads named(info, {});
    CHECK(named.capabilities().tx_segments_max == 8);
    CHECK(named.capabilities().tso_segments_max == 40);
    info.tx_desc_lim = {};
    const Offloads unnamed(info, {});
    CHECK(unnamed.capabilities().tx_segments_max == 8);
    CHECK(unnamed.capabilities().tso_segments_max == 8);
}

TEST_CASE("what the configuration does not want the worker does") {
    const Offloads offloads(able("net_ice"),
                            {.wishes = {.rx_checksum = false, .tx_checksum = false, .tso = true}});
    CHECK_FALSE(use_of(offloads, "rx_checksum").asked);
    CHECK_FALSE(use_of(offloads, "rx_checksum").used);
    CHECK_FALSE(use_of(offloads, "tx_tcp_checksum").used);
    const OffloadUse tso = use_of(offloads, "tso");
    CHECK((tso.asked && tso.offered && !tso.used));
    CHECK(tso.otherwise == "the worker: it needs tx_tcp_checksum");
    CHECK(offloads.capabilities().tso_segments_max == 0);
    CHECK(offloads.tx_flags() == RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
    CHECK(offloads.rx_flags() == 0);
}

TEST_CASE("a driver's word is not taken where it is known not to be true") {
    for (const char* driver : {"net_virtio", "net_vmxnet3"}) {
        const Offloads offloads(able(driver), {});
        CHECK_FALSE(offloads.capabilities().rx_checksum);
        CHECK(use_of(offloads, "rx_checksum").otherwise ==
              "the worker: the driver calls unverified ones good");
        CHECK(offloads.capabilities().tx_tcp_checksum);
    }
    const Offloads tap(able("net_tap"), {});
    CHECK_FALSE(tap.capabilities().tx_tcp_checksum);
    CHECK_FALSE(tap.capabilities().rx_checksum);
    CHECK(use_of(tap, "tso").otherwise == "the worker: the driver has no hardware to do it");
    const Offloads xdp(able("net_af_xdp"), {});
    CHECK_FALSE(xdp.capabilities().tx_multi_segment);
    CHECK(use_of(xdp, "tx_chains").otherwise == "text is copied: the driver sends first pieces only");
}

TEST_CASE("a device that lays our buffers before a peer cuts nothing of them") {
    const Offloads offloads(able("net_other"), {.zero_copy = true});
    CHECK(offloads.capabilities().keeps_pointer);
    CHECK(offloads.capabilities().tso_segments_max == 0);
    CHECK(use_of(offloads, "tso").otherwise == "the worker: it needs tx_chains");
}

TEST_CASE("a device that workers share by rings gets no runs") {
    const Offloads offloads(able("net_ice"), {.is_relayed = true});
    CHECK(offloads.capabilities().tso_segments_max == 0);
    CHECK(offloads.capabilities().tx_tcp_checksum);
}

TEST_CASE("the table has a line for each offload, in columns") {
    const std::vector<std::string> lines = dpdk::to_table({
        {.name = "tso", .asked = true, .offered = true, .used = true, .otherwise = "nobody"},
        {.name = "tx_ipv4_checksum", .asked = true, .otherwise = "the worker"},
    });
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "offload           asked    offered  used     otherwise by");
    CHECK(lines[1] == "tso               yes      yes      yes");
    CHECK(lines[2] == "tx_ipv4_checksum  yes      no       no       the worker");
}
