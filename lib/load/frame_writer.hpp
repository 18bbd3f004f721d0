#pragma once

#include <array>
#include <cstdint>

#include "load/settings.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"
#include "wire/seq.hpp"

namespace terminus::load {

/// The four headers that are ever sent: with the options of a SYN or those of all other segments, for a peer
/// that has RFC 7323 or for one that hasn't.
enum class Shape : std::uint8_t { Syn, PlainSyn, Text, PlainText };

/// What differs between segments of one shape.
struct Outgoing {
    Tuple tuple;
    wire::SeqNum seq;
    wire::SeqNum ack;
    std::uint8_t flags = 0;
    std::uint32_t ts_value = 0;
    std::uint32_t ts_echo = 0;
    std::uint32_t text_length = 0;  ///< the text is what stands at `seq` (load/pattern.hpp)
};

/// Makes frames from headers made beforehand: what differs is written into a copy, and the checksums are
/// those of the header's constant part with what differs added.
class FrameWriter {
 public:
    explicit FrameWriter(const SideSettings& settings);

    void set_peer(const wire::MacAddress& mac);
    /// Empty when the pool is.
    [[nodiscard]] packet::Buffer write(Shape shape, const Outgoing& outgoing) const;

 private:
    static constexpr std::size_t kHeadMax = 14 + 40 + 20 + 20;
    struct Template {
        std::array<std::uint8_t, kHeadMax> bytes{};
        std::uint8_t length = 0;
        std::uint8_t timestamps_at = 0;  ///< where TSval stands; 0: nowhere
        std::uint64_t ip_sum = 0;        ///< IPv4: of the header without length, addresses and checksum
        std::uint64_t tcp_sum = 0;       ///< pseudo-header and header, without all that Outgoing has
    };

    void prepare(Shape shape, const SideSettings& settings);

    rte_mempool* pool_;
    bool is_v4_;
    std::uint8_t l4_at_;
    std::array<Template, 4> templates_;
};

}  // namespace terminus::load
