#include "capture/reader.hpp"

#include <pcap/pcap.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "wire/ethernet.hpp"
#include "wire/protocol.hpp"

namespace terminus::capture {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
// The year 2096. A file that says more is broken; and a pcap file's 32 bits hold what is written after it.
constexpr std::int64_t kSecondsMax = 4'000'000'000;

std::string link_type_text(int type) {
    const char* const name = pcap_datalink_val_to_name(type);
    const char* const description = pcap_datalink_val_to_description(type);
    if (name == nullptr) return std::to_string(type);
    return std::string(name) + (description == nullptr ? "" : std::string(" (") + description + ")");
}

}  // namespace

void Reader::Close::operator()(struct pcap* handle) const {
    pcap_close(handle);
}

Reader::Reader(struct pcap* handle, std::FILE* stream, std::string name, bool is_raw_ip,
               const LinkAddresses& for_raw_ip)
    : handle_(handle),
      stream_(stream),
      name_(std::move(name)),
      is_raw_ip_(is_raw_ip),
      for_raw_ip_(for_raw_ip) {}

base::Result<Reader, std::string> Reader::open(const std::string& path, const LinkAddresses& for_raw_ip) {
    std::FILE* const stream = std::fopen(path.c_str(), "rbe");
    if (stream == nullptr) return base::Failure{path + ": " + std::strerror(errno)};
    return from_stream(stream, path, for_raw_ip);
}

base::Result<Reader, std::string> Reader::from_stream(std::FILE* stream, const std::string& name,
                                                      const LinkAddresses& for_raw_ip) {
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* const handle =
        pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
    if (handle == nullptr) {
        std::fclose(stream);  // libpcap takes it with the handle, and there is none
        return base::Failure{name + ": no capture that can be read: " + error};
    }
    const int type = pcap_datalink(handle);
    const bool is_raw_ip = type == DLT_RAW || type == DLT_IPV4 || type == DLT_IPV6;
    Reader reader(handle, stream, name, is_raw_ip, for_raw_ip);
    if (type != DLT_EN10MB && !is_raw_ip) {
        return base::Failure{name + ": the link type is " + link_type_text(type) +
                             "; what can be replayed is Ethernet and raw IP"};
    }
    return reader;
}

base::Result<std::optional<Record>, std::string> Reader::next() {
    const long offset = std::ftell(stream_);
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int result = pcap_next_ex(handle_.get(), &header, &data);
    if (result == PCAP_ERROR_BREAK) return std::optional<Record>{};
    if (result != 1) return base::Failure{fault(offset, pcap_geterr(handle_.get()))};

    // libpcap takes the 32 bits of a pcap file for a signed number.
    const std::int64_t seconds = header->ts.tv_sec + (header->ts.tv_sec < 0 ? std::int64_t{1} << 32 : 0);
    const std::int64_t nanoseconds = header->ts.tv_usec;  // by the precision that was asked for
    if (seconds < 0 || seconds > kSecondsMax || nanoseconds < 0 || nanoseconds >= kNanosecondsPerSecond) {
        return base::Failure{fault(offset, "the time " + std::to_string(seconds) + " s and " +
                                               std::to_string(nanoseconds) + " ns is none")};
    }
    if (header->len < header->caplen) {
        return base::Failure{fault(offset, std::to_string(header->caplen) + " bytes were captured of " +
                                               std::to_string(header->len))};
    }
    Record record;
    record.number = ++counters_.records;
    record.stamp = base::Duration(seconds * kNanosecondsPerSecond + nanoseconds);
    if (record.stamp < last_stamp_) {
        ++counters_.backwards;
        record.stamp = last_stamp_;
    }
    last_stamp_ = record.stamp;
    record.frame = base::Bytes(data, header->caplen);
    if (is_raw_ip_) record.frame = with_ethernet(record.frame);
    record.cut_bytes = header->len - header->caplen;
    if (record.cut_bytes > 0) ++counters_.cut;
    counters_.bytes += record.frame.size();
    return std::optional<Record>(record);
}

std::string Reader::fault(long offset, const std::string& what) const {
    const std::string where = offset < 0 ? "" : " at byte " + std::to_string(offset);  // a pipe has none
    return name_ + ": packet " + std::to_string(counters_.records + 1) + where + ": " + what;
}

// Whatever is not IPv6 by its first four bits goes on as IPv4: to refuse it is the stack's to do, and to
// count.
base::Bytes Reader::with_ethernet(base::Bytes packet) {
    const bool is_v6 = !packet.empty() && packet[0] >> 4 == 6;
    framed_.resize(wire::kEthernetHeader + packet.size());
    wire::write_ethernet({.destination = for_raw_ip_.destination,
                          .source = for_raw_ip_.source,
                          .ether_type = is_v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4},
                         framed_);
    std::copy(packet.begin(), packet.end(), framed_.begin() + wire::kEthernetHeader);
    return framed_;
}

}  // namespace terminus::capture
