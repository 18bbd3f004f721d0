#include "sim/segmentation.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "packet/frame_builder.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"

namespace terminus::sim {
namespace {

class Cutter {
 public:
    explicit Cutter(const rte_mbuf& whole)
        : whole_(whole),
          is_v4_((whole.ol_flags & RTE_MBUF_F_TX_IPV4) != 0),
          l4_at_(static_cast<std::uint32_t>(whole.l2_len + whole.l3_len)),
          headers_(static_cast<std::uint32_t>(l4_at_ + whole.l4_len)) {
        check();
    }

    void cut(std::deque<packet::Buffer>& into) const {
        for (std::uint32_t at = headers_; at < whole_.pkt_len; at += whole_.tso_segsz) {
            packet::Buffer segment = segment_at(at);
            if (!segment) return;
            into.push_back(std::move(segment));
        }
    }

 private:
    [[nodiscard]] const std::uint8_t* header(std::uint32_t offset) const {
        return rte_pktmbuf_mtod_offset(&whole_, const std::uint8_t*, offset);
    }

    void check() const {
        TERMINUS_ASSERT(whole_.data_len >= headers_ && whole_.l2_len == wire::kEthernetHeader,
                        "a device reads the headers in the first buffer");
        TERMINUS_ASSERT(whole_.l3_len == (is_v4_ ? wire::kIpv4Header : wire::kIpv6Header) &&
                            whole_.l4_len == (header(l4_at_)[12] >> 4) * 4,
                        "the lengths are those of the headers");
        TERMINUS_ASSERT(whole_.tso_segsz >= packet::FrameBuilder::kTsoTextMin,
                        "drivers refuse to cut smaller segments");
        TERMINUS_ASSERT(whole_.pkt_len - headers_ > whole_.tso_segsz, "there is something to cut");
        const std::uint32_t ip_at = whole_.l2_len;
        const std::uint32_t named =
            is_v4_ ? base::load_be16(header(ip_at + wire::kIpv4LengthAt))
                   : whole_.l3_len + base::load_be16(header(ip_at + wire::kIpv6LengthAt));
        TERMINUS_ASSERT(named == whole_.pkt_len - ip_at, "the IP header names the whole's length");
        if (is_v4_ && (whole_.ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0) {
            TERMINUS_ASSERT(wire::finish(wire::sum({header(ip_at), wire::kIpv4Header})) == 0,
                            "a device that makes no header checksums finds a true one");
        }
        TERMINUS_ASSERT((whole_.ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM,
                        "each segment needs a checksum of its own");
    }

    [[nodiscard]] packet::Buffer segment_at(std::uint32_t at) const {
        const std::uint32_t text = std::min<std::uint32_t>(whole_.tso_segsz, whole_.pkt_len - at);
        packet::Buffer made(rte_pktmbuf_alloc(whole_.pool));
        if (!made) return made;
        rte_mbuf* const mbuf = made.get();
        char* const room = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(headers_ + text));
        TERMINUS_ASSERT(room != nullptr, "a header buffer has room for a frame of the port's MTU");
        auto* const start = reinterpret_cast<std::uint8_t*>(room);
        std::memcpy(start, header(0), headers_);
        copy_text(at, {start + headers_, text});
        mbuf->ol_flags |= whole_.ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 |
                                             RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK);
        mbuf->l2_len = whole_.l2_len;
        mbuf->l3_len = whole_.l3_len;
        mbuf->l4_len = whole_.l4_len;
        write_headers(start, at, text);
        return made;
    }

    void copy_text(std::uint32_t at, base::MutableBytes out) const {
        const void* const text =
            rte_pktmbuf_read(&whole_, at, static_cast<std::uint32_t>(out.size()), out.data());
        TERMINUS_ASSERT(text != nullptr, "pkt_len is the sum of the pieces' lengths");
        if (text != out.data()) std::memcpy(out.data(), text, out.size());
    }

    void write_headers(std::uint8_t* start, std::uint32_t at, std::uint32_t text) const {
        std::uint8_t* const ip = start + whole_.l2_len;
        std::uint8_t* const tcp = start + l4_at_;
        const std::uint32_t l4_length = static_cast<std::uint32_t>(whole_.l4_len + text);
        if (is_v4_) {
            base::store_be16(ip + wire::kIpv4LengthAt, static_cast<std::uint16_t>(whole_.l3_len + l4_length));
            base::store_be16(ip + wire::kIpv4ChecksumAt, 0);
            if ((whole_.ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0)
                base::store_be16(ip + wire::kIpv4ChecksumAt,
                                 wire::finish(wire::sum({ip, wire::kIpv4Header})));
        } else {
            base::store_be16(ip + wire::kIpv6LengthAt, static_cast<std::uint16_t>(l4_length));
        }
        base::store_be32(tcp + wire::kTcpSeqAt, base::load_be32(tcp + wire::kTcpSeqAt) + (at - headers_));
        constexpr unsigned kLastOnly = wire::TcpFlags::kFin | wire::TcpFlags::kPsh;
        if (at + text < whole_.pkt_len)
            tcp[wire::kTcpFlagsAt] = static_cast<std::uint8_t>(tcp[wire::kTcpFlagsAt] & ~kLastOnly);
        if (at > headers_)
            tcp[wire::kTcpFlagsAt] =
                static_cast<std::uint8_t>(tcp[wire::kTcpFlagsAt] & ~unsigned{wire::TcpFlags::kCwr});
        base::store_be16(tcp + wire::kTcpChecksumAt,
                         wire::fold(std::uint64_t{base::load_be16(tcp + wire::kTcpChecksumAt)} + l4_length));
    }

    const rte_mbuf& whole_;
    bool is_v4_;
    std::uint32_t l4_at_;
    std::uint32_t headers_;
};

}  // namespace

void cut_segments(const packet::Buffer& frame, std::deque<packet::Buffer>& into) {
    Cutter(*frame.get()).cut(into);
}

}  // namespace terminus::sim
