#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "capture/numbers.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::capture {

/// One TCP segment of a capture. Numbers count from the sender's ISN (a SYN is 0, the first byte 1) and don't
/// wrap.
struct Sighting {
    base::Duration at{};      ///< since the capture's first frame
    std::uint64_t frame = 0;  ///< its number in the capture, from 1
    bool is_from_client = false;
    std::uint64_t seq = 0;
    std::uint64_t ack = 0;     ///< 0 without the ACK flag
    std::uint64_t window = 0;  ///< bytes, scaled as both SYNs agreed
    std::vector<std::pair<std::uint64_t, std::uint64_t>>
        sack;  ///< [left, right), as far as they lie after the ISN
    wire::TcpSegment segment;

    /// The number behind its text, SYN and FIN.
    [[nodiscard]] std::uint64_t end() const { return seq + segment.seg_len(); }
};

/// The segments of one connection, from its first SYN to the SYN of another one between the same endpoints.
struct Conversation {
    wire::Endpoint client;  ///< who sent the SYN; where the capture has none, who was seen first
    wire::Endpoint server;
    bool has_syn = false;  ///< without: numbers count from the first one seen, and windows are not scaled
    std::vector<Sighting> sightings;
};

/// Sorts a capture's frames into conversations, in the order of their first segments.
class Conversations {
 public:
    /// `number` counts the capture's frames from 1. What is no whole TCP segment is counted in others().
    /// Neither checksums nor states are looked at.
    void add(base::Bytes frame, base::Duration at, std::uint64_t number);

    [[nodiscard]] const std::deque<Conversation>& all() const { return conversations_; }
    [[nodiscard]] std::uint64_t others() const { return others_; }

 private:
    /// What is known of one end.
    struct End {
        std::optional<Numbers> numbers;
        std::optional<std::uint8_t> scale;  ///< of its SYN
        /// From the ISN, which is taken for the number before the first one seen where no SYN was; nothing
        /// for a number before it.
        [[nodiscard]] std::optional<std::uint64_t> count(wire::SeqNum seq);
    };
    struct Live {
        Conversation* conversation = nullptr;
        End client;
        End server;
    };
    using Ends = std::pair<wire::Endpoint, wire::Endpoint>;  // the lesser first

    Live& live_for(const wire::Endpoint& from, const wire::Endpoint& to, const wire::TcpSegment& segment);
    void note(Live& live, bool is_from_client, const wire::TcpSegment& segment, Sighting&& sighting);

    std::deque<Conversation> conversations_;
    std::map<Ends, Live> live_;
    std::uint64_t others_ = 0;
};

}  // namespace terminus::capture
