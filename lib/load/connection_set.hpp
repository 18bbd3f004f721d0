#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/fixed_vector.hpp"
#include "base/memory.hpp"
#include "base/time.hpp"
#include "load/address_map.hpp"
#include "load/connection.hpp"
#include "load/frame_writer.hpp"
#include "load/neighbours.hpp"
#include "load/numbers.hpp"
#include "load/ring.hpp"
#include "load/segment_reader.hpp"
#include "load/settings.hpp"
#include "packet/batch.hpp"

namespace terminus::load {

/// A segment that was read, and the connection it is for.
struct Arrival {
    std::uint32_t index = 0;
    Segment segment;
};

/// What a segment brought about.
struct Outcome {
    bool established = false;
    bool all_acked = false;  ///< it acknowledged something, and nothing is outstanding any more
    bool finished = false;   ///< the peer's FIN is here
    std::uint32_t text = 0;  ///< bytes of text that are new
};

/// The connections of one side and their TCP: enough of RFC 9293 and RFC 7323 for peers that do it well, and
/// a count for everything else. What a connection is for is the side's business.
///
/// No congestion control, no reassembly (what comes behind a gap is dropped and counted), no delayed
/// acknowledgements (what one batch brings a connection is acknowledged once), and a time-out that doesn't
/// grow: this is for links that lose nothing, and says so when they do.
class ConnectionSet {
 public:
    explicit ConnectionSet(const SideSettings& settings);

    // ---- frames in

    /// Takes the batch apart; what is to be given to arrives() is then in arrivals(), and stays readable
    /// until release().
    void read(packet::Batch& frames, base::Instant now);
    [[nodiscard]] std::span<const Arrival> arrivals() const { return {arrivals_.data(), arrival_count_}; }
    Outcome arrives(const Arrival& arrival);
    void release();

    // ---- what sides do

    [[nodiscard]] Connection& at(std::uint32_t index) { return connections_[index]; }
    [[nodiscard]] const AddressMap& map() const { return map_; }
    /// From Closed to SynSent. `intended_ns` is for the side.
    void connect(std::uint32_t index, std::int64_t intended_ns);
    /// From Closed to SynReceived; the segment is a SYN.
    void accept(const Arrival& arrival);
    /// After a change of to_send or kFinWanted.
    void want_to_send(std::uint32_t index);
    /// Something must come, or the connection fails in the end.
    void await(std::uint32_t index);
    /// Counts, resets the peer, and ends the connection.
    void fail(std::uint32_t index, Failure kind);

    // ---- time and frames out

    /// Connections on which nothing went on for too long are resumed or failed: a bounded number.
    void expire(base::Instant now);
    /// Answers first, then a piece of each connection that has something to send.
    void transmit(base::Instant now, packet::Batch& out);
    /// One that is closed since the last call, for whatever reason.
    [[nodiscard]] std::optional<std::uint32_t> poll_ended();
    /// Whether frames can be sent: the next hop is known.
    [[nodiscard]] bool is_ready() const { return neighbours_.peer().has_value(); }
    /// Connections that wait to send.
    [[nodiscard]] std::uint32_t waiting() const { return ready_.size(); }

    [[nodiscard]] Numbers& numbers() { return numbers_; }
    [[nodiscard]] const Numbers& numbers() const { return numbers_; }

 private:
    struct Watched {
        std::uint32_t index;
        std::uint32_t since;
    };
    enum class Checked : std::uint8_t { GoOn, Done };

    void set_time(base::Instant now);
    void read_frame(const packet::Buffer& frame);
    void begin(std::uint32_t index, const Tuple& tuple, Phase phase);
    void mark_ready(std::uint32_t index);
    void watch(std::uint32_t index);
    [[nodiscard]] static bool is_watched(const Connection& connection);
    void end(std::uint32_t index);
    void expired(std::uint32_t index);

    // receiving.cpp
    void take_options(Connection& connection, const Segment& segment) const;
    void closed_arrives(std::uint32_t index, const Segment& segment);
    [[nodiscard]] static bool has_come_before(const Connection& connection, const Segment& segment);
    Outcome syn_sent_arrives(std::uint32_t index, const Segment& segment);
    Checked check_reset(std::uint32_t index, const Segment& segment);
    Checked check_sequence(std::uint32_t index, const Segment& segment);
    Checked check_ack(std::uint32_t index, const Segment& segment, Outcome& outcome);
    void take_text(std::uint32_t index, const Segment& segment, Outcome& outcome);
    Checked complain(std::uint32_t index, Failure kind);
    Checked came_again(std::uint32_t index);
    void acknowledge_again(std::uint32_t index);
    void refuse(const Segment& segment);

    // sending.cpp
    [[nodiscard]] bool send_some(std::uint32_t index, packet::Batch& out);
    void send_syn(Connection& connection, packet::Batch& out);
    void resend(Connection& connection, packet::Batch& out);
    [[nodiscard]] bool send_text(Connection& connection, packet::Batch& out);
    void send(const Connection& connection, wire::SeqNum seq, std::uint8_t flags, std::uint32_t text_length,
              packet::Batch& out);
    void put(packet::Buffer frame, packet::Batch& out);

    SideSettings settings_;
    AddressMap map_;
    SegmentReader reader_;
    FrameWriter writer_;
    Neighbours neighbours_;
    Numbers numbers_;

    base::Memory memory_;
    Connection* connections_;
    IndexRing ready_;
    IndexRing ended_;  ///< a slot may be used again, and end again, within a burst
    Ring<Watched> watched_;
    base::FixedVector<packet::Buffer, 64> refusals_;  ///< RSTs of no connection that wait for transmit()

    packet::Batch frames_;  ///< that arrivals_ point into
    std::array<Arrival, packet::Batch::kCapacity> arrivals_;
    std::size_t arrival_count_ = 0;
    std::uint32_t tick_ = 0;       ///< of 2^16 ns, as timer/wheel.hpp's
    std::uint32_t timestamp_ = 0;  ///< milliseconds (RFC 7323 5.4)
    std::uint32_t resend_ticks_;
};

}  // namespace terminus::load
