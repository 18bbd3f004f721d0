#pragma once

#include <cstdint>

#include "load/client_side.hpp"
#include "load/connection_set.hpp"
#include "load/settings.hpp"

namespace terminus::load {

/// What a backend does; the sizes are those that its clients have.
struct BackendSettings {
    SideSettings side;  ///< `remote` and `remote_ports` are all that may connect
    ClosesFirst closes_first = ClosesFirst::Client;
    std::uint32_t request_bytes = 64;   ///< that it takes before it answers; kEndless: never; 0: at once
    std::uint32_t response_bytes = 64;  ///< kEndless: until the client closes
    std::uint32_t exchanges = 1;        ///< after which it closes, when it closes first; 0: never
};

/// Plays backends: accepts whatever connects, answers each request, and takes text without end.
class BackendSide {
 public:
    explicit BackendSide(const BackendSettings& settings);

    /// Takes all frames of a burst.
    void receive(packet::Batch& frames, base::Instant now);
    /// Appends frames as far as there is room. A full `out` means that there may be more.
    void run(base::Instant now, packet::Batch& out);
    [[nodiscard]] const Numbers& numbers() const { return set_.numbers(); }

 private:
    void happened(std::uint32_t index, const Outcome& outcome);
    void established(std::uint32_t index);
    void text_arrived(std::uint32_t index, std::uint32_t bytes);
    void answer(std::uint32_t index);
    void client_finished(std::uint32_t index);

    BackendSettings settings_;
    ConnectionSet set_;
};

}  // namespace terminus::load
