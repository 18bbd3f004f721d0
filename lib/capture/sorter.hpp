#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "capture/captured_packet.hpp"
#include "capture/raw_conversation.hpp"

namespace terminus::capture {

/// Sorts a capture's TCP packets into conversations, in the order of their first packets. Another one begins
/// with the first packet between two endpoints, and with a SYN that is not the first one's.
class Sorter {
 public:
    /// The payload is in place for as long as the conversations are.
    void add(const CapturedPacket& captured);

    /// `services`: endpoints that are servers, for conversations without any SYN. Those that answered one
    /// elsewhere in the capture are, too; else it is the end with the lower port.
    [[nodiscard]] std::vector<RawConversation> finish(const std::vector<wire::Endpoint>& services) &&;

 private:
    struct Live {
        std::optional<std::size_t> index;
        std::optional<wire::SeqNum> client_syn;
        std::optional<wire::SeqNum> server_syn;
        bool server_has_sent = false;
    };
    using Ends = std::pair<wire::Endpoint, wire::Endpoint>;  // the lesser first

    Live& live_for(const CapturedPacket& captured);
    [[nodiscard]] bool goes_on(const Live& live, const CapturedPacket& captured) const;
    void orient(RawConversation& raw) const;

    std::vector<RawConversation> conversations_;
    std::vector<std::size_t> guessed_;  // indices of those whose client is only who was seen first
    std::map<Ends, Live> live_;
    std::set<wire::Endpoint> servers_;
};

}  // namespace terminus::capture
