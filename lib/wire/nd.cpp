#include "wire/nd.hpp"

#include "wire/icmp.hpp"

namespace terminus::wire {

namespace {

constexpr std::size_t kFixedLength = 24;  // ICMPv6 header, flags, target
constexpr std::size_t kLinkOptionLength = 8;
constexpr std::uint8_t kSourceLinkAddress = 1, kTargetLinkAddress = 2;
constexpr std::uint32_t kRouter = 1u << 31, kSolicited = 1u << 30, kOverride = 1u << 29;

bool is_solicited_node(const IpAddress& address) {
    return !address.is_v4() && address == solicited_node_multicast(address);
}

// RFC 4861 7.1: an option of length zero invalidates the whole message; unknown options are skipped. At most
// as many rounds as the message has eights of bytes.
bool read_options(base::Bytes options, std::uint8_t wanted, NdMessage& message) {
    while (!options.empty()) {
        if (options.size() < 2) return false;
        const std::size_t length = std::size_t{options[1]} * 8;
        if (length == 0 || length > options.size()) return false;
        if (options[0] == wanted && !message.link_address) {
            if (length != kLinkOptionLength) return false;  // RFC 2464 6: Ethernet's is one unit
            MacAddress mac;
            std::memcpy(mac.bytes.data(), &options[2], 6);
            if (mac.is_group()) return false;
            message.link_address = mac;
        }
        options = options.subspan(length);
    }
    return true;
}

bool target_is_possible(const IpAddress& target) {
    return !target.is_v4() && !target.is_multicast() && !target.is_unspecified() && !target.is_loopback();
}

bool solicitation_is_valid(const NdMessage& message, const IpAddress& source, const IpAddress& destination) {
    if (!source.is_unspecified()) return true;
    // RFC 4861 7.1.1: duplicate address detection asks the group, and has no address to give.
    return is_solicited_node(destination) && !message.link_address;
}

bool advertisement_is_valid(const NdMessage& message, const IpAddress& source, const IpAddress& destination) {
    // RFC 4861 7.1.2: what is sent to many answers nobody's solicitation.
    return !source.is_unspecified() && !(destination.is_multicast() && message.solicited);
}

}  // namespace

base::Result<NdMessage, Fault> parse_nd(const IpAddress& source, const IpAddress& destination,
                                        std::uint8_t hop_limit, base::Bytes message) {
    if (hop_limit != kNdHopLimit || message.size() < kIcmpHeader || message[1] != 0) {
        return base::Failure{Fault::NdMalformed};
    }
    NdMessage parsed;
    const bool solicitation = message[0] == kIcmpv6NeighbourSolicitation;
    if (!solicitation && message[0] != kIcmpv6NeighbourAdvertisement) return parsed;
    if (message.size() < kFixedLength) return base::Failure{Fault::NdMalformed};

    std::array<std::uint8_t, 16> target;
    std::memcpy(target.data(), &message[8], 16);
    parsed.target = IpAddress::v6(target);
    parsed.kind = solicitation ? NdKind::Solicitation : NdKind::Advertisement;
    if (!solicitation) {
        const std::uint32_t flags = base::load_be32(&message[4]);
        parsed.router = (flags & kRouter) != 0;
        parsed.solicited = (flags & kSolicited) != 0;
        parsed.override = (flags & kOverride) != 0;
    }
    const std::uint8_t wanted = solicitation ? kSourceLinkAddress : kTargetLinkAddress;
    if (!target_is_possible(parsed.target) || !read_options(message.subspan(kFixedLength), wanted, parsed)) {
        return base::Failure{Fault::NdMalformed};
    }
    const bool valid = solicitation ? solicitation_is_valid(parsed, source, destination)
                                    : advertisement_is_valid(parsed, source, destination);
    if (!valid) return base::Failure{Fault::NdMalformed};
    return parsed;
}

std::size_t write_nd(const NdMessage& message, const IpAddress& source, const IpAddress& destination,
                     base::MutableBytes out) {
    TERMINUS_ASSERT(message.kind != NdKind::Ignored, "hosts with static routes send no router messages");
    TERMINUS_ASSERT(!message.target.is_v4(), "neighbour discovery resolves IPv6 addresses only");
    const bool solicitation = message.kind == NdKind::Solicitation;
    std::array<std::uint8_t, 16 + kLinkOptionLength> body{};
    std::memcpy(&body[0], message.target.bytes().data(), 16);
    std::size_t length = 16;
    if (message.link_address) {
        body[16] = solicitation ? kSourceLinkAddress : kTargetLinkAddress;
        body[17] = 1;
        std::memcpy(&body[18], message.link_address->bytes.data(), 6);
        length += kLinkOptionLength;
    }
    IcmpHeader header;
    header.type = solicitation ? kIcmpv6NeighbourSolicitation : kIcmpv6NeighbourAdvertisement;
    if (!solicitation) {
        header.rest = (message.router ? kRouter : 0) | (message.solicited ? kSolicited : 0) |
                      (message.override ? kOverride : 0);
    }
    return write_icmp(header, source, destination, base::Bytes(body).first(length), out);
}

IpAddress solicited_node_multicast(const IpAddress& target) {
    const auto& t = target.bytes();
    return IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, t[13], t[14], t[15]});
}

IpAddress all_nodes_multicast() {
    return IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

}  // namespace terminus::wire
