#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "wire/address.hpp"

namespace terminus::flow {

/// The hash that devices spread flows with (Toeplitz, as Microsoft's RSS specification gives it), by one
/// table of 256 words for each byte of input: a load and an XOR a byte.
///
/// It is linear: hash(a ^ b) = hash(a) ^ hash(b). Source ports are chosen by that.
class Toeplitz {
 public:
    static constexpr std::size_t kInputBytesMax = 36;  ///< IPv6: two addresses and two ports
    static constexpr std::size_t kKeyBytesMin = kInputBytesMax + 4;

    /// At least 40 bytes; what is beyond (a device's 52) has no part in hashing a TCP tuple.
    explicit Toeplitz(base::Bytes key);

    /// As a device sees a packet received: remote is its source, local its destination.
    [[nodiscard]] std::uint32_t hash(const wire::FourTuple& tuple) const;

    /// What the local port adds to the hash of a tuple whose local port is 0.
    [[nodiscard]] std::uint32_t port_contribution(bool is_v4, std::uint16_t local_port) const {
        const std::size_t at = is_v4 ? 10 : 34;
        return tables_[at][local_port >> 8] ^ tables_[at + 1][local_port & 255];
    }

 private:
    std::vector<std::array<std::uint32_t, 256>> tables_;  // by position of the byte
};

/// How one device spreads: what the driver was told, or what it told us.
struct RssConfig {
    std::vector<std::uint8_t> key;    ///< at least 40 bytes; empty: a well-known one
    std::vector<std::uint16_t> reta;  ///< queue by entry, a power of two of them; empty: no RSS
    std::uint16_t queues = 1;
};

/// Which worker a flow of one device belongs to. A device with several queues has decided it by its RSS; for
/// one with a single queue it is decided here, by the same kind of hash over a table of our own.
class Steering {
 public:
    static constexpr std::uint32_t kSoftwareEntries = 128;

    /// Everything belongs to worker 0.
    Steering() : Steering(RssConfig{}, {}, 1) {}
    /// `worker_of_queue` names each queue's worker when the device has RSS and is not read otherwise.
    Steering(const RssConfig& rss, const std::vector<std::uint16_t>& worker_of_queue, std::uint16_t workers);

    [[nodiscard]] std::uint16_t owner(const wire::FourTuple& tuple) const { return owners_[index(tuple)]; }

    /// The redirection table's entry for a tuple, and whose an entry is.
    [[nodiscard]] std::uint32_t index(const wire::FourTuple& tuple) const {
        return toeplitz_.hash(tuple) & mask();
    }
    [[nodiscard]] std::uint16_t owner_of_index(std::uint32_t index) const { return owners_[index]; }
    [[nodiscard]] std::uint32_t entries() const { return static_cast<std::uint32_t>(owners_.size()); }
    [[nodiscard]] std::uint32_t mask() const { return entries() - 1; }
    [[nodiscard]] const Toeplitz& toeplitz() const { return toeplitz_; }

 private:
    Toeplitz toeplitz_;
    std::vector<std::uint16_t> owners_;  // worker by entry
};

/// The key of Microsoft's verification suite, which most drivers have as default. Anybody knows it: on a
/// device that strangers reach, configure another.
[[nodiscard]] base::Bytes default_rss_key();

}  // namespace terminus::flow
