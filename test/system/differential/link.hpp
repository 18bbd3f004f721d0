#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "packet_socket.hpp"

namespace terminus::differential {

/// Real time since 1970, the clock of a link's stamps.
[[nodiscard]] base::Instant clock_now();

/// An interface on which frames are sent and heard, each remembered with its time.
class Link {
 public:
    struct Heard {
        base::Instant at{};  ///< when the kernel had it: it may have waited for us
        std::vector<std::uint8_t> frame;
    };

    /// Throws std::system_error.
    explicit Link(const std::string& interface);

    [[nodiscard]] int descriptor() const { return socket_.descriptor(); }
    [[nodiscard]] std::optional<Heard> receive();
    void send(base::Bytes frame);
    /// All frames of both directions by their time, as a capture; throws std::runtime_error.
    void write(const std::string& path) const;

 private:
    relay::PacketSocket socket_;
    std::multimap<base::Instant, std::vector<std::uint8_t>> frames_;
};

}  // namespace terminus::differential
