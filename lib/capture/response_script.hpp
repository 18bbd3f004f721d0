#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "capture/recorded_conversations.hpp"

namespace terminus::capture {

/// Makes the steps of a server's application from what its TCP was seen to send.
class ResponseScript {
 public:
    /// When something of the server's was first seen, and what led to it.
    struct Sent {
        std::uint64_t packet = 0;
        base::Duration stamp{};
        std::uint64_t received = 0;  ///< the client's numbers end there that the server had
        base::Duration cause{};      ///< when those came
        bool is_clocked = false;     ///< an ACK without text came just before: TCP sent what had waited
    };

    /// Text that is new, of the response from `begin` on.
    void text(std::uint64_t begin, std::uint64_t length, const Sent& sent);
    void fin(const Sent& sent);
    void reset(const Sent& sent);

    /// `client_fin` is the FIN's number, if the client sent one. No step waits for more than the request, and
    /// what lies behind the response (the server's FIN) is none of it.
    [[nodiscard]] std::vector<ResponseStep> finish(std::optional<std::uint64_t> client_fin,
                                                   std::uint64_t request_length,
                                                   std::uint64_t response_length) &&;

 private:
    void add(ResponseStep::Kind kind, const Sent& sent);

    std::vector<ResponseStep> steps_;  // after_received: the client's numbers, so far
    base::Duration last_step_{};
    base::Duration last_text_{};
    bool has_ended_ = false;
};

}  // namespace terminus::capture
