#include "dpdk/queue_offer.hpp"

#include <algorithm>

namespace terminus::dpdk {

std::uint16_t QueueOffer::usable_pairs() const {
    if (spreads_by_own_rule || !has_rss) return 1;
    return std::min(rx_queues, tx_queues);
}

std::string QueueOffer::to_string() const {
    std::string text = "device " + device + " (" + driver + ") offers " + std::to_string(rx_queues) +
                       " receive and " + std::to_string(tx_queues) + " transmit queues";
    if (usable_pairs() > 1 || std::min(rx_queues, tx_queues) <= 1) return text;
    return text + ", of which one pair is of use: " +
           (spreads_by_own_rule ? "it spreads frames by a rule of its own"
                                : "it has no RSS that can be relied on");
}

std::string QueueOffer::refusal(std::uint16_t asked) const {
    const std::uint16_t pairs = usable_pairs();
    const std::string workers =
        pairs == 1 ? std::string() : "set workers.count: " + std::to_string(pairs) + " or less, or ";
    return to_string() + "; the configuration asks for " + std::to_string(asked) +
           " pairs, one for each worker: " + workers + "set the port's queues: 1 (worker 0 polls it for all)";
}

std::string QueueOffer::shared_note(std::uint16_t workers) const {
    std::string text = to_string() + ": worker 0 polls it for all " + std::to_string(workers) + " workers";
    if (usable_pairs() == 1) return text;
    return text + "; with workers.count: " + std::to_string(usable_pairs()) + " each has queues of its own";
}

}  // namespace terminus::dpdk
