#pragma once

#include "tcp/loss_recovery.hpp"

namespace terminus::tcp {

struct LossRecovery::Work {
    const Ack& ack;
    Outcome outcome{};
    AckSample sample{};
    DeliveryRate::Newest newest{};
    Duration sack_rtt{-1};
    std::uint32_t prior_lost = 0;
    std::uint32_t recounted = 0;  ///< delivered now, after a report of the same that was taken back
    bool was_reducing = false;    ///< PRR steered the window when the ACK came
    bool is_forward = false;
    bool original_arrived = false;  ///< something that was sent only once
    bool resent_arrived = false;    ///< something of which it can't be said which copy
    bool newly_sacked = false;
    bool dsack = false;
    bool first_is_sacked = false;  ///< the ACK stops before what the peer said it holds
};

}  // namespace terminus::tcp
