#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

struct pcap;

namespace terminus::capture {

/// A frame of a capture.
struct Record {
    std::uint64_t number = 0;     ///< from 1, as other tools count them
    base::Duration stamp{};       ///< since 1970, never less than the record's before it
    base::Bytes frame;            ///< from the Ethernet header on; stays until the next record is read
    std::uint32_t cut_bytes = 0;  ///< that were on the wire and that the snap length left out
};

/// A capture in pcap or pcapng, with the precision of a nanosecond. Link types are Ethernet, and raw IP,
/// whose packets get an Ethernet header.
class Reader {
 public:
    /// For packets that were recorded without one.
    struct LinkAddresses {
        wire::MacAddress destination;
        wire::MacAddress source;
    };

    struct Counters {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;      ///< of what next() gave
        std::uint64_t cut = 0;        ///< records that the snap length cut
        std::uint64_t backwards = 0;  ///< stamps before the one before, which took that one's place
    };

    /// The error names the file and what is wrong with it: not there, no capture, another link type.
    [[nodiscard]] static base::Result<Reader, std::string> open(const std::string& path,
                                                                const LinkAddresses& for_raw_ip);
    /// The same of a stream that is open and becomes the Reader's; `name` is for the errors.
    [[nodiscard]] static base::Result<Reader, std::string> from_stream(std::FILE* stream,
                                                                       const std::string& name,
                                                                       const LinkAddresses& for_raw_ip);

    /// The next record, or nothing at the end of the file. An error, after which there is no next one, names
    /// the file, the packet and the offset in bytes at which the one before it ended.
    [[nodiscard]] base::Result<std::optional<Record>, std::string> next();

    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const std::string& name() const { return name_; }

 private:
    struct Close {
        void operator()(struct pcap* handle) const;
    };
    Reader(struct pcap* handle, std::FILE* stream, std::string name, bool is_raw_ip,
           const LinkAddresses& for_raw_ip);
    [[nodiscard]] std::string fault(long offset, const std::string& what) const;
    [[nodiscard]] base::Bytes with_ethernet(base::Bytes packet);

    std::unique_ptr<struct pcap, Close> handle_;
    std::FILE* stream_;  // the handle's
    std::string name_;
    bool is_raw_ip_;
    LinkAddresses for_raw_ip_;
    Counters counters_;
    base::Duration last_stamp_{};
    std::vector<std::uint8_t> framed_;
};

}  // namespace terminus::capture
