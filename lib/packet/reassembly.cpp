#include "packet/reassembly.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "packet/byte_queue.hpp"
#include "packet/chain.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::packet {
namespace {

constexpr std::uint32_t kDatagramMax = 65535;
constexpr std::uint16_t kIpv4MoreFragments = 0x2000;
constexpr std::uint16_t kIpv4DontFragment = 0x4000;
constexpr std::uint16_t kIpv4OffsetMask = 0x1fff;

/// Payload that a first fragment must hold when others follow, so that nobody decides on half a header.
std::uint32_t first_fragment_min(std::uint8_t protocol) {
    return protocol == wire::kProtocolTcp ? wire::kTcpHeaderMin : 8;
}

void drop_front(rte_mbuf* mbuf, std::uint16_t bytes) {
    const char* rest = rte_pktmbuf_adj(mbuf, bytes);
    TERMINUS_ASSERT(rest != nullptr, "headers lie in the first mbuf");
}

/// IPv4's header for the whole: its length, no offset, no "more", a checksum of its own. False when the first
/// fragment's header, longer than the others', makes it too long.
bool finish_ipv4(std::uint8_t* header, std::uint32_t header_length, std::uint32_t payload_length) {
    if (header_length + payload_length > kDatagramMax) return false;
    base::store_be16(header + 2, static_cast<std::uint16_t>(header_length + payload_length));
    base::store_be16(header + 6, base::load_be16(header + 6) & kIpv4DontFragment);
    base::store_be16(header + 10, 0);
    base::store_be16(header + 10, wire::finish(wire::sum({header, header_length})));
    return true;
}

/// The byte that says "a fragment header follows": in the fixed header or in an extension before it. Nothing
/// when the chain does not lead there.
std::uint8_t* next_header_field(std::uint8_t* header, std::uint32_t fragment_header_at) {
    std::uint8_t* field = header + 6;
    std::uint32_t at = wire::kIpv6Header;
    while (at < fragment_header_at) {
        // An atomic fragment's header (RFC 6946) has no length field: the byte there is anything.
        const bool is_fragment = *field == wire::kProtocolFragment;
        field = header + at;
        at += is_fragment ? 8u : (std::uint32_t{header[at + 1]} + 1) * 8;
    }
    return at == fragment_header_at && *field == wire::kProtocolFragment ? field : nullptr;
}

/// IPv6's header for the whole: its length, the fragment header gone. False when that can't be.
bool finish_ipv6(rte_mbuf* head, std::uint32_t l3_offset, std::uint32_t fragment_at,
                 std::uint32_t payload_length) {
    std::uint8_t* frame = rte_pktmbuf_mtod(head, std::uint8_t*);
    std::uint8_t* header = frame + l3_offset;
    std::uint8_t* field = next_header_field(header, fragment_at);
    const std::uint32_t length = fragment_at - static_cast<std::uint32_t>(wire::kIpv6Header) + payload_length;
    if (field == nullptr || length > kDatagramMax) return false;
    *field = header[fragment_at];
    base::store_be16(header + 4, static_cast<std::uint16_t>(length));
    std::memmove(frame + wire::kIpv6FragmentHeader, frame, l3_offset + fragment_at);
    drop_front(head, static_cast<std::uint16_t>(wire::kIpv6FragmentHeader));
    return true;
}

}  // namespace

struct Reassembler::Fragment {
    Key key;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    bool more = false;
};

Reassembler::Node& Reassembler::node(rte_mbuf* mbuf) {
    static_assert(sizeof(Node) <= kPrivateSize, "the node lives where a queue's would");
    return *static_cast<Node*>(rte_mbuf_to_priv(mbuf));
}

Reassembler::Reassembler(const Settings& settings)
    : settings_(settings), datagrams_(settings.datagrams_max) {}

Reassembler::~Reassembler() {
    for (Datagram& datagram : datagrams_) {
        if (datagram.in_use) release(datagram);
    }
}

Reassembler::Outcome Reassembler::offer(Buffer frame, const wire::Frame& header, base::Instant now) {
    TERMINUS_ASSERT(header.is_fragment && header.l4_offset <= frame.bytes().size(),
                    "callers offer fragments whose headers lie in one piece");
    expire(now);
    const Fragment fragment = read(frame, header);
    if (!is_sound(fragment, header)) return {Buffer(), FragmentFault::Malformed};

    Datagram* datagram = find_or_start(fragment.key, now);
    if (datagram == nullptr) return {Buffer(), FragmentFault::Limit};
    if (const auto fault = keep(*datagram, std::move(frame), fragment, header)) return {Buffer(), fault};
    if (datagram->total == 0 || datagram->received < datagram->total) return {};
    Buffer whole = complete(*datagram);
    if (!whole) return {Buffer(), FragmentFault::Malformed};
    return {std::move(whole), std::nullopt};
}

std::uint32_t Reassembler::expire(base::Instant now) {
    if (waiting_ == 0) return 0;
    std::uint32_t lost = 0;
    for (Datagram& datagram : datagrams_) {
        if (!datagram.in_use || datagram.deadline > now) continue;
        lost += datagram.fragments;
        release(datagram);
    }
    return lost;
}

base::Instant Reassembler::next_deadline() const {
    base::Instant earliest = base::kNever;
    if (waiting_ == 0) return earliest;
    for (const Datagram& datagram : datagrams_) {
        if (datagram.in_use) earliest = std::min(earliest, datagram.deadline);
    }
    return earliest;
}

Reassembler::Fragment Reassembler::read(const Buffer& frame, const wire::Frame& header) {
    Fragment fragment;
    fragment.key.source = header.source;
    fragment.key.destination = header.destination;
    fragment.length = header.l4_length;
    const std::uint8_t* bytes = frame.bytes().data();
    if (header.source.is_v4()) {
        const std::uint16_t field = base::load_be16(bytes + header.l3_offset + 6);
        fragment.key.identification = base::load_be16(bytes + header.l3_offset + 4);
        fragment.key.protocol = header.protocol;
        fragment.offset = (std::uint32_t{field} & kIpv4OffsetMask) * 8;
        fragment.more = (field & kIpv4MoreFragments) != 0;
    } else {
        const std::uint8_t* extension = bytes + header.l4_offset - wire::kIpv6FragmentHeader;
        const std::uint16_t field = base::load_be16(extension + 2);
        fragment.key.identification = base::load_be32(extension + 4);
        fragment.offset = field & 0xfff8u;
        fragment.more = (field & 1) != 0;
    }
    return fragment;
}

bool Reassembler::is_sound(const Fragment& fragment, const wire::Frame& header) {
    if (fragment.length == 0) return false;
    // RFC 8200 4.5: only the last fragment's length may be other than a multiple of 8.
    if (fragment.more && fragment.length % 8 != 0) return false;
    // The whole must fit the length field: with IPv4's header, and with IPv6's extensions (the ping of
    // death).
    const std::uint32_t headers = header.source.is_v4() ? std::uint32_t{header.l4_offset} - header.l3_offset
                                                        : header.l4_offset - header.l3_offset -
                                                              std::uint32_t{wire::kIpv6Header} -
                                                              std::uint32_t{wire::kIpv6FragmentHeader};
    if (headers + fragment.offset + fragment.length > kDatagramMax) return false;
    // RFC 1858 3.2, RFC 3128: a first fragment too short for its header, or one that starts within a TCP
    // header, is made to slip through somebody's rules.
    if (fragment.offset == 0 && fragment.length < first_fragment_min(header.protocol)) return false;
    return !(header.protocol == wire::kProtocolTcp && fragment.offset == 8);
}

Reassembler::Datagram* Reassembler::find_or_start(const Key& key, base::Instant now) {
    Datagram* free = nullptr;
    for (Datagram& datagram : datagrams_) {
        if (datagram.in_use && datagram.key == key) return &datagram;
        if (!datagram.in_use && free == nullptr) free = &datagram;
    }
    if (free == nullptr) return nullptr;
    *free = Datagram{};
    free->key = key;
    free->deadline = now + settings_.timeout;
    free->in_use = true;
    ++waiting_;
    return free;
}

std::optional<FragmentFault> Reassembler::keep(Datagram& datagram, Buffer frame, const Fragment& fragment,
                                               const wire::Frame& header) {
    if (datagram.spoilt) return FragmentFault::Malformed;
    const std::uint32_t buffers = frame.get()->nb_segs;
    if (datagram.fragments >= settings_.fragments_max || buffers_ + buffers > settings_.buffers_max) {
        if (datagram.fragments == 0) release(datagram);  // it was started for this one
        return FragmentFault::Limit;
    }
    const std::uint32_t end = fragment.offset + fragment.length;
    bool is_good = fragment.more ? datagram.total == 0 || end < datagram.total
                                 : datagram.total == 0 || end == datagram.total;
    trim_chain(frame, header.l4_offset + fragment.length);
    if (fragment.offset == 0) {
        datagram.l3_offset = header.l3_offset;
        datagram.l4_offset = header.l4_offset;
    } else {
        drop_front(frame.get(), header.l4_offset);
    }
    node(frame.get()) = Node{nullptr, static_cast<std::uint16_t>(fragment.offset),
                             static_cast<std::uint16_t>(fragment.length)};
    if (is_good && insert(datagram, frame.get())) {
        static_cast<void>(frame.release());
        datagram.received += fragment.length;
        ++datagram.fragments;
        buffers_ += buffers;
        if (!fragment.more) datagram.total = end;
        // RFC 5722: what was accepted before may lie behind the end that is known only now.
        is_good = datagram.total == 0 || datagram.received <= datagram.total;
        for (rte_mbuf* at = datagram.first; is_good && at != nullptr; at = node(at).next) {
            is_good =
                datagram.total == 0 || std::uint32_t{node(at).offset} + node(at).length <= datagram.total;
        }
        if (is_good) return std::nullopt;
    }
    // RFC 5722 4: the whole datagram goes, with what has still to come.
    free_fragments(datagram);
    datagram.spoilt = true;
    return FragmentFault::Malformed;
}

// False when it overlaps another one.
bool Reassembler::insert(Datagram& datagram, rte_mbuf* mbuf) {
    Node& fresh = node(mbuf);
    rte_mbuf** place = &datagram.first;
    std::uint32_t previous_end = 0;
    while (*place != nullptr && node(*place).offset < fresh.offset) {
        previous_end = std::uint32_t{node(*place).offset} + node(*place).length;
        place = &node(*place).next;
    }
    if (previous_end > fresh.offset) return false;
    if (*place != nullptr && std::uint32_t{fresh.offset} + fresh.length > node(*place).offset) return false;
    fresh.next = *place;
    *place = mbuf;
    return true;
}

Buffer Reassembler::complete(Datagram& datagram) {
    rte_mbuf* head = std::exchange(datagram.first, nullptr);
    TERMINUS_ASSERT(node(head).offset == 0,
                    "fragments that don't overlap and add up to the whole leave no hole");
    rte_mbuf* last = rte_pktmbuf_lastseg(head);
    std::uint32_t segments = head->nb_segs;
    for (rte_mbuf* at = node(head).next; at != nullptr;) {
        rte_mbuf* following = node(at).next;
        segments += at->nb_segs;
        head->pkt_len += at->pkt_len;
        last->next = at;
        last = rte_pktmbuf_lastseg(at);
        at = following;
    }
    TERMINUS_ASSERT(segments <= settings_.buffers_max, "counted when they were kept");
    head->nb_segs = static_cast<std::uint16_t>(segments);
    head->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_MASK;  // the device saw fragments only

    Buffer whole(head);
    const std::uint32_t l3_offset = datagram.l3_offset;
    const std::uint32_t headers = datagram.l4_offset - l3_offset;
    bool fits = true;
    if (datagram.key.source.is_v4()) {
        fits = finish_ipv4(rte_pktmbuf_mtod_offset(head, std::uint8_t*, l3_offset), headers, datagram.total);
    } else {
        const auto fragment_at = headers - static_cast<std::uint32_t>(wire::kIpv6FragmentHeader);
        fits = finish_ipv6(head, l3_offset, fragment_at, datagram.total);
    }
    buffers_ -= segments;
    datagram.fragments = 0;
    release(datagram);
    return fits ? std::move(whole) : Buffer();
}

void Reassembler::free_fragments(Datagram& datagram) {
    rte_mbuf* at = std::exchange(datagram.first, nullptr);
    while (at != nullptr) {
        rte_mbuf* following = node(at).next;
        buffers_ -= at->nb_segs;
        rte_pktmbuf_free(at);
        at = following;
    }
    datagram.fragments = 0;
}

void Reassembler::release(Datagram& datagram) {
    free_fragments(datagram);
    datagram.in_use = false;
    --waiting_;
}

}  // namespace terminus::packet
