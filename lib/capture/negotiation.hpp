#pragma once

#include "capture/raw_conversation.hpp"

namespace terminus::capture {

/// Reads both SYNs as far as the capture has them, into outcome, has_syn and negotiated, and guesses what
/// they would have said where it hasn't; each guess becomes a note.
void read_negotiation(const RawConversation& raw, RecordedConversation& into);

/// What the recorded server declined leaves the client's SYNs, as nobody would serve it; so do cookies.
void leave_out_declined(RawConversation& raw, RecordedConversation& conversation);

}  // namespace terminus::capture
