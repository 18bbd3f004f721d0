#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "capture/header_options.hpp"
#include "capture/recorded_conversations.hpp"
#include "capture/recorded_stream.hpp"
#include "wire/address.hpp"
#include "wire/seq.hpp"

namespace terminus::capture {

/// How Terminus's numbers and options stand to those of the recorded server.
struct Mapping {
    wire::SeqNum recorded_isn;
    wire::SeqNum isn;
    std::uint8_t recorded_shift = 0;  ///< of the client's windows
    std::uint8_t shift = 0;
    std::uint32_t echo_reply = 0;  ///< TSecr
    bool timestamps = true;        ///< false: they leave the client's packets; so with the rest
    bool sack = true;
    bool ecn = true;
    bool is_early = false;  ///< what the packet acknowledges lies before all that Terminus sends
};

/// The part of a packet's text that goes into one frame.
struct Part {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    bool is_first = true;
    bool is_last = true;
    std::uint16_t count = 0;  ///< frames of this packet before
};

/// The packet's TCP header as that part's frame has it, without ports and checksum, which build() sets.
[[nodiscard]] HeaderBytes map_header(const RecordedPacket& packet, const Part& part, const Mapping& mapping);

/// Makes the frames of one client, whose `request` has what the capture has of its text: the snap length may
/// leave out of one packet what another one brings. Outlives the builder.
class FrameBuilder {
 public:
    struct Ends {
        wire::MacAddress mac;
        wire::MacAddress service_mac;
        wire::Endpoint client;
        wire::Endpoint service;
    };
    FrameBuilder(const Ends& ends, const RecordedStream& request) : ends_(ends), request_(&request) {}

    /// Ethernet, IP as `packet` had it, `header`, and the part of its text. Stays until the next call.
    [[nodiscard]] base::Bytes build(const RecordedPacket& packet, const Part& part,
                                    const HeaderBytes& header);
    /// Bytes of the last frame that the captured packet hadn't.
    [[nodiscard]] std::uint32_t filled() const { return filled_; }

 private:
    void write_ip(const RecordedPacket& packet, const Part& part, std::size_t l4_length);
    void append_text(const RecordedPacket& packet, const Part& part);
    void fill(std::uint64_t seq, base::MutableBytes text) const;

    Ends ends_;
    const RecordedStream* request_;
    std::vector<std::uint8_t> frame_;
    std::uint32_t filled_ = 0;
};

}  // namespace terminus::capture
