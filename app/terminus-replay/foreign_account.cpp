#include "foreign_account.hpp"

#include <algorithm>

namespace terminus::app {
namespace {

void add(capture::ClientPlayer::Counters& sum, const capture::ClientPlayer::Counters& more) {
    sum.recorded += more.recorded;
    sum.frames += more.frames;
    sum.split += more.split;
    sum.made_up += more.made_up;
    sum.inserted += more.inserted;
    sum.repaired += more.repaired;
    sum.filled_bytes += more.filled_bytes;
    sum.waited += more.waited;
}

void add(ForeignAccount& account, const replay::PlayedConversation& one) {
    if (one.is_accounted_for()) {
        ++account.accounted_for;
    } else {
        account.unaccounted.push_back(&one);
    }
    account.request.recorded += one.recorded().request.length();
    account.request.reached += one.server.request.reached();
    account.response.recorded += one.recorded().response.length();
    account.response.reached += one.response.reached();
    add(account.played, one.player.counters());
    for (const capture::Note& note : one.recorded().notes)
        account.notes[note.what].push_back(note.packet);
    for (const capture::Divergence& divergence : one.player.divergences())
        account.divergences[divergence.what].push_back(divergence.packet);
}

}  // namespace

ForeignAccount account_of(const Foreign& foreign, std::uint16_t port) {
    ForeignAccount account;
    const replay::Cast& cast = foreign.stage().cast();
    for (const replay::PlayedConversation& one : cast.played()) {
        if (one.port == port) add(account, one);
    }
    for (const replay::UnplayedConversation& one : cast.unplayed()) {
        if (one.port == port) account.unplayed.push_back(&one);
    }
    if (foreign.recorded(port) != nullptr) {
        for (const capture::Note& note : foreign.recorded(port)->notes())
            account.notes[note.what].push_back(note.packet);
    }
    for (auto& [kind, packets] : account.notes)
        std::sort(packets.begin(), packets.end());
    for (auto& [kind, packets] : account.divergences)
        std::sort(packets.begin(), packets.end());
    return account;
}

}  // namespace terminus::app
