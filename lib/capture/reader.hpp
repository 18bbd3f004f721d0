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
#include "capture/checksum_repair.hpp"
#include "capture/duplicates.hpp"
#include "capture/link_layer.hpp"

struct pcap;

namespace terminus::capture {

/// A frame of a capture.
struct Record {
    std::uint64_t number = 0;     ///< from 1, as other tools count them
    base::Duration stamp{};       ///< since 1970, never less than the record's before it
    base::Bytes frame;            ///< from the Ethernet header on; stays until the next record is read
    std::uint32_t cut_bytes = 0;  ///< that were on the wire and that the snap length left out
};

/// A capture in pcap or pcapng, with the precision of a nanosecond. Link types are Ethernet, and those of
/// link_layer.hpp, whose packets get an Ethernet header. Of a packet that a host's capture of all interfaces
/// has several times, the first is given (duplicates.hpp).
class Reader {
 public:
    struct Settings {
        LinkAddresses addresses;  ///< of packets that were recorded without them
        bool repair_checksums = false;
    };

    struct Counters {
        std::uint64_t records =
            0;  ///< that were read, duplicates among them; the others count what was given
        std::uint64_t bytes = 0;
        std::uint64_t cut = 0;         ///< records that the snap length cut
        std::uint64_t backwards = 0;   ///< stamps before the one before, which took that one's place
        std::uint64_t duplicates = 0;  ///< left out
        std::uint64_t repaired = 0;    ///< records with a checksum that was wrong
        std::uint64_t unfinished = 0;  ///< of these, those that were only left to the sender's device
        std::uint64_t unrepaired = 0;  ///< fragments and what was cut, which repair leaves as they are
    };

    /// The error names the file and what is wrong with it: not there, no capture, another link type.
    [[nodiscard]] static base::Result<Reader, std::string> open(const std::string& path,
                                                                const Settings& settings);
    /// The same of a stream that is open and becomes the Reader's; `name` is for the errors.
    [[nodiscard]] static base::Result<Reader, std::string> from_stream(std::FILE* stream,
                                                                       const std::string& name,
                                                                       const Settings& settings);

    /// The next record, or nothing at the end of the file. An error, after which there is no next one, names
    /// the file, the packet and the offset in bytes at which the one before it ended.
    [[nodiscard]] base::Result<std::optional<Record>, std::string> next();

    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const std::string& name() const { return name_; }

 private:
    struct Close {
        void operator()(struct pcap* handle) const;
    };
    struct Raw;
    struct Framed;
    Reader(struct pcap* handle, std::FILE* stream, std::unique_ptr<char[]> buffer, std::string name,
           LinkType link_type, const Settings& settings);
    [[nodiscard]] base::Result<std::optional<Raw>, std::string> read_raw();
    [[nodiscard]] std::optional<Framed> framed_of(const Raw& raw);
    [[nodiscard]] base::Duration in_order(base::Duration stamp);
    void count(const Record& record, ChecksumRepair checksums);
    [[nodiscard]] std::string fault(long offset, const std::string& what) const;

    std::unique_ptr<char[]> buffer_;  // the stream's, which is closed before
    std::unique_ptr<struct pcap, Close> handle_;
    std::FILE* stream_;  // the handle's
    std::string name_;
    LinkType link_type_;
    Settings settings_;
    Counters counters_;
    base::Duration last_stamp_{};
    Duplicates duplicates_;
    std::vector<std::uint8_t> frame_;  // where it isn't what libpcap holds
};

}  // namespace terminus::capture
