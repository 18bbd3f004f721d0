#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "packet/archive.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"
#include "wire/frame.hpp"

namespace terminus::packet {

/// Why a fragment was not kept.
enum class FragmentFault : std::uint8_t {
    Malformed,  ///< overlapping, repeated, tiny, beyond 64 KiB, or of a datagram that has such a fragment
    Limit,      ///< no room: datagrams, fragments of one, or buffers in all
};

/// Puts IPv4 and IPv6 fragments together (RFC 791 3.2, RFC 8200 4.5), in bounded memory and time whatever
/// arrives (HARDENING 9).
///
/// By hand rather than by rte_ip_frag: that holds at most 8 fragments a datagram as Debian builds it, hashes
/// by constants that anybody can read, leaves the protocol out of IPv4's key, takes a padded frame's padding
/// for payload, and loses its way when extension headers stand before the fragment header.
class Reassembler {
 public:
    struct Settings {
        /// Datagrams at a time. TCP peers hardly ever fragment: this is for the odd tunnel, and small enough
        /// that looking at all of them is cheap. When all are taken, a new one is refused: the old ones are
        /// kept.
        std::uint16_t datagrams_max = 64;
        /// Fragments of one datagram: 64 KiB cut for an MTU of 1500 are 45.
        std::uint16_t fragments_max = 64;
        /// mbufs held in all, so that fragments can't starve reception.
        std::uint32_t buffers_max = 512;
        /// From a datagram's first fragment. RFC 1122 3.3.2 says 60 to 120 s and RFC 8200 60 s, Linux takes
        /// 30 s; all protect slow links of their time, and each second is one more that junk holds a place. A
        /// sender of TCP has long repeated the segment after 15 s.
        base::Duration timeout = std::chrono::seconds(15);
    };

    /// What became of a fragment: kept (neither is set), refused, or the last one that was missing.
    struct Outcome {
        /// The whole datagram, maybe a chain, under the first fragment's Ethernet header: lengths and IPv4's
        /// checksum are right, IPv6's fragment header is gone. It is to be parsed again.
        Buffer datagram;
        std::optional<FragmentFault> dropped;
    };

    explicit Reassembler(const Settings& settings);
    Reassembler(const Reassembler&) = delete;
    Reassembler& operator=(const Reassembler&) = delete;
    ~Reassembler();

    /// `header` is what parse_frame() says of `frame`, with is_fragment set; the frame is nobody else's and
    /// its first mbuf holds all bytes up to l4_offset.
    Outcome offer(Buffer frame, const wire::Frame& header, base::Instant now);

    /// Frees what has waited too long; returns the fragments lost. Cheap when nothing waits.
    std::uint32_t expire(base::Instant now);
    /// When expire() has something to do; kNever when nothing waits.
    [[nodiscard]] base::Instant next_deadline() const;

    [[nodiscard]] std::uint32_t buffers_held() const { return buffers_; }
    [[nodiscard]] std::uint32_t datagrams_waiting() const { return waiting_; }

    /// Into one of the same settings in which nothing waits.
    template <typename Archive>
    void archive(Archive& a);

 private:
    struct Key {
        wire::IpAddress source;
        wire::IpAddress destination;
        std::uint32_t identification = 0;
        std::uint8_t protocol = 0;  // IPv4 only: in IPv6 it may differ between fragments (RFC 8200 4.5)
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct Fragment;  // what is read from the headers
    struct Node {     // in the mbuf's private area: fragments by offset
        rte_mbuf* next;
        std::uint16_t offset;
        std::uint16_t length;
    };
    struct Datagram {
        Key key;
        base::Instant deadline = base::kNever;
        rte_mbuf* first = nullptr;   // by offset
        std::uint32_t received = 0;  // payload bytes
        std::uint32_t total = 0;     // known by the last fragment; 0 before
        std::uint16_t fragments = 0;
        std::uint16_t l3_offset = 0;  // of the fragment at offset 0
        std::uint16_t l4_offset = 0;
        bool in_use = false;
        bool spoilt = false;  // RFC 5722: swallows what still comes
    };

    static Fragment read(const Buffer& frame, const wire::Frame& header);
    static Node& node(rte_mbuf* mbuf);
    static bool is_sound(const Fragment& fragment, const wire::Frame& header);
    Datagram* find_or_start(const Key& key, base::Instant now);
    std::optional<FragmentFault> keep(Datagram& datagram, Buffer frame, const Fragment& fragment,
                                      const wire::Frame& header);
    bool insert(Datagram& datagram, rte_mbuf* mbuf);
    Buffer complete(Datagram& datagram);
    void free_fragments(Datagram& datagram);
    void release(Datagram& datagram);

    Settings settings_;
    std::vector<Datagram> datagrams_;  // all made at construction
    std::uint32_t buffers_ = 0;
    std::uint32_t waiting_ = 0;
};

template <typename Archive>
void Reassembler::archive(Archive& a) {
    a.layout(sizeof(Datagram));
    a.same(datagrams_.size());
    a(waiting_);
    for (Datagram& datagram : datagrams_) {
        if (!a.ok()) return;
        base::archive_but(a, datagram, datagram.first);
        rte_mbuf** place = &datagram.first;
        for (std::uint16_t left = datagram.fragments; left > 0; --left) {
            if constexpr (Archive::kReads) {
                Node read{};
                a(read.offset, read.length);
                Buffer frame = archive_frame(a);
                if (!frame) return;
                buffers_ += segment_count(frame.get());
                node(frame.get()) = read;
                *place = frame.release();
            } else {
                a(node(*place).offset, node(*place).length);
                archive_frame(a, *place);
            }
            place = &node(*place).next;
        }
    }
}

}  // namespace terminus::packet
