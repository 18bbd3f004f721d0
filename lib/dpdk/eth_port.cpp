#include "dpdk/eth_port.hpp"

#include <rte_ethdev.h>

namespace terminus::dpdk {

void EthPort::receive(packet::Batch& into) {
    if (into.full()) return;
    into.received(rte_eth_rx_burst(port_id_, queue_, into.end(), into.room()));
}

void EthPort::transmit(packet::Batch& frames) {
    while (!frames.empty()) {
        std::uint16_t ready = frames.size();
        if (prepares_) {
            ready = rte_eth_tx_prepare(port_id_, queue_, frames.begin(), frames.size());
            if (ready == 0) {  // the first one can't be sent, now or ever: it would block all behind it
                rte_pktmbuf_free(*frames.begin());
                frames.sent(1);
                refused_frame();
                continue;
            }
        }
        const std::uint16_t sent = rte_eth_tx_burst(port_id_, queue_, frames.begin(), ready);
        frames.sent(sent);
        if (sent < ready || !prepares_) return;  // the device is full; or all that it was offered went
    }
}

bool EthPort::link_is_up() const {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(port_id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace terminus::dpdk
