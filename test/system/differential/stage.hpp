#pragma once

#include <deque>
#include <map>
#include <vector>

#include "capture/client_player.hpp"
#include "link.hpp"

namespace terminus::differential {

/// Plays the clients of captures on a link, all at once.
class Stage {
 public:
    struct Settings {
        wire::MacAddress service_mac;
        /// How long a client's packet is waited for that what is heard doesn't let go.
        base::Duration patience{};
        bool repair_checksums = false;  ///< wrong ones are otherwise played wrong
    };

    /// The captures outlive it, and begin together at `starts`.
    Stage(Link& link, const std::vector<capture::RecordedConversations>& captures, base::Instant starts,
          const Settings& settings);

    /// What came and what is due by `now`.
    void turn(base::Instant now);
    /// When turn() has something to do if nothing is heard before.
    [[nodiscard]] base::Instant next_at() const;
    /// Every client has played all that it will, and when the last one did.
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] base::Instant last_played() const { return last_played_; }
    /// Packets of the captures that weren't played as recorded, a line each, on the standard output.
    void report() const;

 private:
    struct Part {
        capture::ClientPlayer player;
        base::Instant ends{};  ///< by the capture's times
    };
    using Ends = std::pair<wire::Endpoint, wire::Endpoint>;  // client, server

    void hear(const Link::Heard& heard);
    void play(Part& part, base::Instant now);
    [[nodiscard]] base::Instant given_up_at(const Part& part) const;

    Link* link_;
    Settings settings_;
    std::map<Ends, std::deque<Part>> parts_;  // the conversations of two endpoints one after the other
    std::vector<Part> played_;
    base::Instant last_played_{};
};

}  // namespace terminus::differential
