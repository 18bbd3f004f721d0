#include "capture/captured_packet.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::capture {
namespace {

constexpr std::uint8_t kProtocolIpv4 = 4, kProtocolIpv6 = 41, kProtocolGre = 47;
constexpr std::size_t kVlanTag = 4, kTcpChecksumAt = 16, kLengthMax = 65535;

bool is_possible(const wire::IpAddress& address) {
    if (address.is_multicast() || address.is_loopback() || address.is_limited_broadcast()) return false;
    return address.is_v4() ? address.v4_host_order() >> 24 != 0 : !address.is_unspecified();
}

/// Goes through a frame from its front. A step gives the reason that ends the walk, if there is one.
class Walk {
 public:
    explicit Walk(const Record& record) : left_(record.frame), cut_(record.cut_bytes) {
        out_.packet.number = record.number;
        out_.packet.stamp = record.stamp;
    }

    base::Result<CapturedPacket, NoteKind> run() {
        if (const auto stop = ethernet()) return base::Failure{*stop};
        if (const auto stop = is_v4_ ? ipv4() : ipv6()) return base::Failure{*stop};
        if (const auto stop = tcp()) return base::Failure{*stop};
        return out_;
    }

 private:
    using Stop = std::optional<NoteKind>;

    /// For bytes that should be there.
    [[nodiscard]] NoteKind missing() const { return cut_ > 0 ? NoteKind::HeaderCut : NoteKind::Malformed; }

    Stop ethernet() {
        if (left_.size() < wire::kEthernetHeader) return missing();
        std::uint16_t type = base::load_be16(&left_[12]);
        left_ = left_.subspan(wire::kEthernetHeader);
        bool is_tagged = false;
        while (type == wire::kEtherTypeVlan || type == wire::kEtherTypeService) {
            if (left_.size() < kVlanTag) return missing();
            type = base::load_be16(&left_[2]);
            left_ = left_.subspan(kVlanTag);
            is_tagged = true;
        }
        if (is_tagged) alter(NoteKind::Vlan);
        is_v4_ = type == wire::kEtherTypeIpv4;
        if (!is_v4_ && type != wire::kEtherTypeIpv6) return NoteKind::NotIp;
        return std::nullopt;
    }

    Stop ipv4() {
        if (left_.size() < wire::kIpv4Header) return missing();
        // A copy of the header, to finish what the capturing host had not.
        std::array<std::uint8_t, 60> header{};
        const std::size_t copied = std::min(left_.size(), header.size());
        std::copy_n(left_.begin(), copied, header.begin());
        const std::size_t length = std::min<std::size_t>((header[0] & 15u) * 4, copied);
        const std::size_t packet_length = left_.size() + cut_;
        const bool is_good = wire::is_good(wire::sum(base::Bytes(header).first(length)));
        if (base::load_be16(&header[2]) == 0) guess_length(&header[2], packet_length);
        base::store_be16(&header[10], 0);
        base::store_be16(&header[10], wire::finish(wire::sum(base::Bytes(header).first(length))));
        const auto parsed = wire::parse_ipv4(base::Bytes(header).first(copied), packet_length);
        if (!parsed) return parsed.error() == wire::Fault::FragmentMalformed ? NoteKind::Fragment : missing();
        if (parsed.value().is_fragment()) return NoteKind::Fragment;
        if (!is_good) wrong_checksum(NoteKind::ChecksumWrong);
        if (parsed.value().header_length > wire::kIpv4Header) alter(NoteKind::IpOptions);
        RecordedPacket& packet = out_.packet;
        packet.hop_limit = parsed.value().hop_limit;
        packet.traffic_class = parsed.value().traffic_class;
        packet.identification = parsed.value().identification;
        packet.dont_fragment = parsed.value().dont_fragment;
        l4_length_ = parsed.value().total_length - std::size_t{parsed.value().header_length};
        return datagram(parsed.value().source, parsed.value().destination, parsed.value().protocol,
                        parsed.value().header_length);
    }

    Stop ipv6() {
        if (left_.size() < wire::kIpv6Header) return missing();
        std::array<std::uint8_t, wire::kHeaderBytesMax> headers{};
        const std::size_t copied = std::min(left_.size(), headers.size());
        std::copy_n(left_.begin(), copied, headers.begin());
        const std::size_t packet_length = left_.size() + cut_;
        if (base::load_be16(&headers[4]) == 0) guess_length(&headers[4], packet_length - wire::kIpv6Header);
        const base::Bytes known = base::Bytes(headers).first(copied);
        const auto parsed = wire::parse_ipv6(known, packet_length);
        if (!parsed) return missing();
        if (parsed.value().source.is_v4() || parsed.value().destination.is_v4())
            return NoteKind::ImpossibleAddress;
        const auto payload = wire::skip_extensions(parsed.value(), known);
        if (!payload) {
            return payload.error() == wire::Fault::FragmentMalformed ? NoteKind::Fragment : missing();
        }
        if (payload.value().is_fragment) return NoteKind::Fragment;
        if (payload.value().offset > wire::kIpv6Header) alter(NoteKind::IpOptions);
        RecordedPacket& packet = out_.packet;
        packet.hop_limit = parsed.value().hop_limit;
        packet.traffic_class = parsed.value().traffic_class;
        packet.flow_label = parsed.value().flow_label;
        l4_length_ = wire::kIpv6Header + std::size_t{parsed.value().payload_length} - payload.value().offset;
        return datagram(parsed.value().source, parsed.value().destination, payload.value().protocol,
                        payload.value().offset);
    }

    Stop datagram(const wire::IpAddress& source, const wire::IpAddress& destination, std::uint8_t protocol,
                  std::size_t header_length) {
        if (protocol == kProtocolIpv4 || protocol == kProtocolIpv6 || protocol == kProtocolGre)
            return NoteKind::Encapsulated;
        if (protocol != wire::kProtocolTcp) return NoteKind::NotTcp;
        if (!is_possible(source) || !is_possible(destination)) return NoteKind::ImpossibleAddress;
        if (header_length > left_.size()) return missing();
        left_ = left_.subspan(header_length);
        left_ = left_.first(std::min(left_.size(), l4_length_));  // the rest is Ethernet's padding
        out_.source.address = source;
        out_.destination.address = destination;
        return std::nullopt;
    }

    Stop tcp() {
        const auto parsed = wire::parse_tcp(left_, l4_length_);
        if (!parsed) return parsed.error() == wire::Fault::TcpTruncated ? missing() : NoteKind::Malformed;
        const wire::TcpSegment& segment = parsed.value();
        out_.source.port = segment.source_port;
        out_.destination.port = segment.destination_port;
        RecordedPacket& packet = out_.packet;
        packet.segment = segment;
        for (const std::uint8_t byte : left_.first(segment.header_length))
            packet.header.push_back(byte);
        packet.payload = left_.subspan(segment.header_length);
        packet.filled = static_cast<std::uint32_t>(l4_length_ - left_.size());
        if (packet.filled > 0) alter(NoteKind::TextCut);
        check_sum();
        return std::nullopt;
    }

    /// Of a segment that was cut nobody can tell.
    void check_sum() {
        if (left_.size() < l4_length_) return;
        const std::uint64_t pseudo =
            wire::pseudo_sum(out_.source.address, out_.destination.address, wire::kProtocolTcp,
                             static_cast<std::uint32_t>(l4_length_));
        if (wire::is_good(pseudo + wire::sum(left_))) return;
        const bool is_unfinished = base::load_be16(&left_[kTcpChecksumAt]) == wire::fold(pseudo);
        wrong_checksum(is_unfinished ? NoteKind::ChecksumUnfinished : NoteKind::ChecksumWrong);
    }

    void wrong_checksum(NoteKind how) {
        if (!out_.packet.is_checksum_wrong) alter(how);
        out_.packet.is_checksum_wrong = true;
    }

    void guess_length(std::uint8_t* field, std::size_t length) {
        base::store_be16(field, static_cast<std::uint16_t>(std::min(length, kLengthMax)));
        alter(NoteKind::LengthGuessed);
    }

    void alter(NoteKind what) { out_.alterations.push_back(what); }

    base::Bytes left_;
    std::size_t cut_;
    bool is_v4_ = false;
    std::size_t l4_length_ = 0;
    CapturedPacket out_;
};

}  // namespace

base::Result<CapturedPacket, NoteKind> read_captured(const Record& record) {
    return Walk(record).run();
}

}  // namespace terminus::capture
