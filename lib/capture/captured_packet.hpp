#pragma once

#include "base/fixed_vector.hpp"
#include "base/result.hpp"
#include "capture/note.hpp"
#include "capture/reader.hpp"
#include "capture/recorded_conversations.hpp"
#include "wire/address.hpp"

namespace terminus::capture {

/// A TCP packet of a capture, whichever end sent it.
struct CapturedPacket {
    wire::Endpoint source;
    wire::Endpoint destination;
    RecordedPacket packet;  ///< its payload is the record's
    base::FixedVector<NoteKind, 8> alterations;
};

/// What hosts write is taken with its gaps: VLAN tags, lengths of 0, wrong checksums, text cut by the snap
/// length. The failure is why nothing of the packet can be played.
[[nodiscard]] base::Result<CapturedPacket, NoteKind> read_captured(const Record& record);

}  // namespace terminus::capture
