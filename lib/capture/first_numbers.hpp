#pragma once

#include "capture/raw_conversation.hpp"
#include "wire/seq.hpp"

namespace terminus::capture {

/// The ISN of an end: its SYN's number, else what the other end's SYN acknowledges, else such that its first
/// text that the other end hadn't acknowledged is the first byte.
[[nodiscard]] wire::SeqNum first_number(const RawConversation& raw, bool of_client);

}  // namespace terminus::capture
