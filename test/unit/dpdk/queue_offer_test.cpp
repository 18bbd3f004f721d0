#include "dpdk/queue_offer.hpp"

#include <catch2/catch.hpp>

using terminus::dpdk::QueueOffer;

namespace {

QueueOffer nic() {
    return {.device = "0000:01:00.0", .driver = "net_ixgbe", .rx_queues = 8, .tx_queues = 4, .has_rss = true};
}

}  // namespace

TEST_CASE("a device is good for as many workers as it has queues in the direction where it has fewer") {
    CHECK(nic().usable_pairs() == 4);
}

TEST_CASE("without RSS, or with a rule of its own, a device is good for one worker") {
    QueueOffer offer = nic();
    offer.has_rss = false;
    CHECK(offer.usable_pairs() == 1);
    offer = nic();
    offer.spreads_by_own_rule = true;
    CHECK(offer.usable_pairs() == 1);
}

TEST_CASE("a refusal shows what is offered, what was asked for, and what to set") {
    CHECK(
        nic().refusal(6) ==
        "device 0000:01:00.0 (net_ixgbe) offers 8 receive and 4 transmit queues; the configuration asks for "
        "6 pairs, one for each worker: set workers.count: 4 or less, or set the port's queues: 1 (worker 0 "
        "polls it for all)");
    QueueOffer offer = nic();
    offer.has_rss = false;
    CHECK(
        offer.refusal(2) ==
        "device 0000:01:00.0 (net_ixgbe) offers 8 receive and 4 transmit queues, of which one pair is of "
        "use: it has no RSS that can be relied on; the configuration asks for 2 pairs, one for each worker: "
        "set the port's queues: 1 (worker 0 polls it for all)");
}

TEST_CASE("a device that worker 0 polls for all says how each could have its own") {
    CHECK(
        nic().shared_note(6) ==
        "device 0000:01:00.0 (net_ixgbe) offers 8 receive and 4 transmit queues: worker 0 polls it for all 6 "
        "workers; with workers.count: 4 each has queues of its own");
    const QueueOffer tap{.device = "net_tap0",
                         .driver = "net_tap",
                         .rx_queues = 16,
                         .tx_queues = 16,
                         .spreads_by_own_rule = true,
                         .has_rss = true};
    CHECK(
        tap.shared_note(2) ==
        "device net_tap0 (net_tap) offers 16 receive and 16 transmit queues, of which one pair is of use: it "
        "spreads frames by a rule of its own: worker 0 polls it for all 2 workers");
}
