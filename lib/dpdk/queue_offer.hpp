#pragma once

#include <cstdint>
#include <string>

namespace terminus::dpdk {

/// What a device says of its queues, and what of that can be relied on.
struct QueueOffer {
    std::string device;           ///< its name: "net_tap0", "0000:01:00.0"
    std::string driver;           ///< as DPDK names it
    std::uint16_t rx_queues = 0;  ///< the most that it can be given
    std::uint16_t tx_queues = 0;
    bool spreads_by_own_rule = false;  ///< a rule that nobody can compute (DriverTraits::one_queue)
    bool has_rss = false;              ///< over TCP, with a redirection table

    /// Queue pairs such that frames of one connection can be foretold to reach one of them.
    [[nodiscard]] std::uint16_t usable_pairs() const;
    /// "device net_tap0 (net_tap) offers 16 receive and 16 transmit queues, of which one pair is of use: ..."
    [[nodiscard]] std::string to_string() const;
    /// Why `asked` pairs, one for each worker, can't be had, and what to set instead.
    [[nodiscard]] std::string refusal(std::uint16_t asked) const;
    /// What it means that worker 0 polls this device for all of `workers`, and whether that could be better.
    [[nodiscard]] std::string shared_note(std::uint16_t workers) const;
};

}  // namespace terminus::dpdk
