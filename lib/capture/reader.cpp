#include "capture/reader.hpp"

#include <pcap/pcap.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace terminus::capture {
namespace {

constexpr std::size_t kEtherType = 12;  // where Ethernet's addresses end
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
// The year 2096. A file that says more is broken; and a pcap file's 32 bits hold what is written after it.
constexpr std::int64_t kSecondsMax = 4'000'000'000;
constexpr std::size_t kBufferBytes = 1u << 18;  // few system calls, and it stays in the second-level cache

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

/// A record as the file has it.
struct Reader::Raw {
    base::Bytes bytes;
    base::Duration stamp{};
    std::uint32_t length = 0;  ///< on the wire
    long offset = 0;           ///< where it begins
};

/// And what becomes of it.
struct Reader::Framed {
    base::Bytes frame;  ///< from the Ethernet header on
    std::optional<SeenAt> seen_at;
    ChecksumRepair checksums = ChecksumRepair::Right;
};

Reader::Reader(struct pcap* handle, std::FILE* stream, std::unique_ptr<char[]> buffer, std::string name,
               LinkType link_type, const Settings& settings)
    : buffer_(std::move(buffer)),
      handle_(handle),
      stream_(stream),
      name_(std::move(name)),
      link_type_(link_type),
      settings_(settings) {}

base::Result<Reader, std::string> Reader::open(const std::string& path, const Settings& settings) {
    std::FILE* const stream = std::fopen(path.c_str(), "rbe");
    if (stream == nullptr) return base::Failure{path + ": " + std::strerror(errno)};
    return from_stream(stream, path, settings);
}

base::Result<Reader, std::string> Reader::from_stream(std::FILE* stream, const std::string& name,
                                                      const Settings& settings) {
    auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
    std::setvbuf(stream, buffer.get(), _IOFBF, kBufferBytes);
    // From here on glibc knows where it is, and ftell() needs no system call. A pipe is nowhere.
    static_cast<void>(std::fseek(stream, 0, SEEK_CUR));
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* const handle =
        pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
    if (handle == nullptr) {
        std::fclose(stream);  // libpcap takes it with the handle, and there is none
        return base::Failure{name + ": no capture that can be read: " + error};
    }
    const int number = pcap_datalink(handle);
    const std::optional<LinkType> type = link_type_of(number);
    Reader reader(handle, stream, std::move(buffer), name, type.value_or(LinkType::Ethernet), settings);
    if (!type) {
        return base::Failure{
            name + ": the link type is " + link_type_text(number) +
            "; what can be replayed is Ethernet, raw IP, LINUX_SLL, LINUX_SLL2, NULL and LOOP"};
    }
    return reader;
}

base::Result<std::optional<Record>, std::string> Reader::next() {
    for (;;) {
        const auto read = read_raw();
        if (!read) return base::Failure{read.error()};
        if (!read.value()) return std::optional<Record>{};
        const Raw& raw = *read.value();
        const auto framed = framed_of(raw);
        if (!framed) return base::Failure{fault(raw.offset, "it ends within the link type's header")};
        Record record;
        record.number = ++counters_.records;
        record.stamp = in_order(raw.stamp);
        record.frame = framed->frame;
        record.cut_bytes = raw.length - static_cast<std::uint32_t>(raw.bytes.size());
        // After the repair: a bridge's copy may be unfinished, and its port's finished for a device that
        // can't.
        if (framed->seen_at && duplicates_.is_copy(record.frame.subspan(kEtherType), raw.length,
                                                   *framed->seen_at, record.stamp)) {
            ++counters_.duplicates;
            continue;
        }
        count(record, framed->checksums);
        return std::optional<Record>(record);
    }
}

base::Result<std::optional<Reader::Raw>, std::string> Reader::read_raw() {
    const long offset = std::ftell(stream_);
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int result = pcap_next_ex(handle_.get(), &header, &data);
    if (result == PCAP_ERROR_BREAK) return std::optional<Raw>{};
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
    return std::optional<Raw>({.bytes = base::Bytes(data, header->caplen),
                               .stamp = base::Duration(seconds * kNanosecondsPerSecond + nanoseconds),
                               .length = header->len,
                               .offset = offset});
}

/// Nothing for a record that ends within its link type's header.
std::optional<Reader::Framed> Reader::framed_of(const Raw& raw) {
    Framed framed{.frame = raw.bytes};
    if (link_type_ != LinkType::Ethernet) {
        const auto recorded = read_link_header(link_type_, raw.bytes, settings_.addresses);
        if (!recorded) return std::nullopt;
        write_as_ethernet(*recorded, frame_);
        framed.frame = frame_;
        framed.seen_at = recorded->seen_at;
    } else if (settings_.repair_checksums) {
        frame_.assign(raw.bytes.begin(), raw.bytes.end());
        framed.frame = frame_;
    }
    if (settings_.repair_checksums) framed.checksums = capture::repair_checksums(frame_);
    return framed;
}

base::Duration Reader::in_order(base::Duration stamp) {
    if (stamp < last_stamp_) ++counters_.backwards;
    last_stamp_ = std::max(last_stamp_, stamp);
    return last_stamp_;
}

void Reader::count(const Record& record, ChecksumRepair checksums) {
    counters_.bytes += record.frame.size();
    if (record.cut_bytes > 0) ++counters_.cut;
    if (was_repaired(checksums)) ++counters_.repaired;
    if (checksums == ChecksumRepair::Unfinished) ++counters_.unfinished;
    if (checksums == ChecksumRepair::Fragment || checksums == ChecksumRepair::Cut) ++counters_.unrepaired;
}

std::string Reader::fault(long offset, const std::string& what) const {
    const std::string where = offset < 0 ? "" : " at byte " + std::to_string(offset);  // a pipe has none
    return name_ + ": packet " + std::to_string(counters_.records + 1) + where + ": " + what;
}

}  // namespace terminus::capture
