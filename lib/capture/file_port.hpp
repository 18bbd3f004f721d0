#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "capture/reader.hpp"
#include "capture/timeline.hpp"
#include "capture/writer.hpp"
#include "packet/port.hpp"
#include "wire/address.hpp"

namespace terminus::capture {

/// A port whose frames are those of a capture, each at its time, and which writes what is sent to another:
/// net_pcap in virtual time. Either file may be missing.
class FilePort final : public packet::Port {
 public:
    struct Settings {
        wire::MacAddress mac;
        std::uint16_t mtu = 1500;
        rte_mempool* pool = nullptr;  ///< what frames are received into
    };
    struct Counters {
        std::uint64_t received = 0;
        std::uint64_t received_bytes = 0;
        std::uint64_t no_buffer = 0;  ///< frames that were due and found the pool empty: lost
        std::uint64_t too_long = 0;   ///< frames that no packet of IP can have filled: lost
        std::uint64_t sent = 0;
        std::uint64_t sent_bytes = 0;
    };

    /// The longest frame: an IP packet behind an Ethernet header with a VLAN tag.
    static constexpr std::uint32_t kFrameMax = 65535 + 18;

    /// Reads the first record, whose time recorded() then tells; an error of it is reported by fault().
    FilePort(const Settings& settings, std::optional<Reader> from, std::optional<Writer> to);

    /// The time of the first record, if there is one.
    [[nodiscard]] std::optional<base::Duration> recorded() const;
    /// Once, before anything is received.
    void start(const Timeline& timeline) { timeline_ = timeline; }
    /// What receive() and transmit() take for now; never earlier than before.
    void set_time(base::Instant now) { now_ = now; }
    /// When the next frame is due; kNever at the end of the capture.
    [[nodiscard]] base::Instant next_arrival() const;

    // ---- packet::Port

    /// The frames that are due at the time that was set.
    void receive(packet::Batch& into) override;
    /// Takes all of them.
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override { return true; }

    /// What ended the capture before its end, see Reader::next().
    [[nodiscard]] const std::optional<std::string>& fault() const { return fault_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    /// Of the capture that is read; all 0 without one.
    [[nodiscard]] Reader::Counters reader_counters() const;
    /// Ends the file that is written; see Writer::close().
    [[nodiscard]] base::Result<void, std::string> close();

 private:
    void read_ahead();
    [[nodiscard]] packet::Buffer copy(base::Bytes frame);

    rte_mempool* pool_;
    std::optional<Reader> from_;
    std::optional<Writer> to_;
    std::optional<Record> next_;
    std::optional<std::string> fault_;
    Timeline timeline_;
    base::Instant now_{};
    Counters counters_;
};

}  // namespace terminus::capture
