#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "capture/client_player.hpp"
#include "capture/note.hpp"
#include "foreign.hpp"

namespace terminus::app {

/// What became of one port's capture of another server.
struct ForeignAccount {
    struct Bytes {
        std::uint64_t recorded = 0;
        std::uint64_t reached = 0;
    };
    using Packets = std::vector<std::uint64_t>;  ///< numbers in the capture, ascending

    std::uint64_t accounted_for = 0;  ///< conversations whose every byte reached the other end
    std::vector<const replay::PlayedConversation*> unaccounted;
    std::vector<const replay::UnplayedConversation*> unplayed;
    Bytes request;   ///< of what is played
    Bytes response;  ///< of what is played
    capture::ClientPlayer::Counters played;
    std::map<capture::NoteKind, Packets> notes;  ///< of the capture and the conversations that are played
    std::map<capture::DivergenceKind, Packets> divergences;
};

[[nodiscard]] ForeignAccount account_of(const Foreign& foreign, std::uint16_t port);

/// Nothing of such a packet is played.
[[nodiscard]] constexpr bool is_unmapped(capture::NoteKind kind) {
    return kind <= capture::NoteKind::ImpossibleAddress;
}

}  // namespace terminus::app
