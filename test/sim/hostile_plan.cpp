#include "hostile_plan.hpp"

#include <algorithm>

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPeersMax = 4;
constexpr std::uint32_t kHabitsMax = 5;
constexpr std::uint32_t kMovesMax = 300;

HostilePlan make_peer(Choices& choices, bool may_flood) {
    HostilePlan made;
    made.at = choices.one_in(2) ? base::Duration::zero() : choices.span(1us, 2s);
    made.is_v6 = choices.one_in(3);
    made.victim_opens = choices.one_in(3);
    made.victim = make_behaviour(choices);
    made.victim.end = choices.any_of({Behaviour::End::WhenSent, Behaviour::End::WhenSent,
                                      Behaviour::End::WhenPeerFinished, Behaviour::End::Abandon});
    for (std::uint32_t habits = choices.between(1, kHabitsMax); habits > 0; --habits) {
        const auto habit = static_cast<Move>(choices.below(kMoves));
        if (habit != Move::Flood || may_flood) made.habits.push_back(habit);
    }
    if (made.habits.empty()) made.habits.push_back(Move::DivideAck);
    made.honesty = choices.any_of<std::uint32_t>({50, 0, 80, 95});
    made.moves = choices.magnitude(10, kMovesMax);
    made.delay = choices.span(1us, 200ms);
    made.pause = choices.span(100us, 2s);
    made.asks_sack = !choices.one_in(3);
    made.asks_timestamps = !choices.one_in(3);
    made.asks_ecn = static_cast<std::uint8_t>(choices.below(4));
    made.mss = choices.any_of<std::uint16_t>({1460, 1460, 0, 1, 48, 88, 536, 65535});
    if (!choices.one_in(3))
        made.scale = choices.any_of<std::uint8_t>({7, 0, 14, static_cast<std::uint8_t>(choices.below(256))});
    made.window = static_cast<std::uint16_t>(choices.magnitude(1, 65535));
    return made;
}

// The honest connection has nothing to fear from its own wire, nor from its own settings.
PairPlan make_honest(Choices& choices) {
    PairPlan plan = make_pair_plan(choices, true);
    plan.connections.resize(std::min<std::size_t>(plan.connections.size(), 2));
    MachinePlan& victim = plan.machines[0];
    victim.networks = {0, 1};
    victim.connections_max = 32;
    victim.half_open_max = 64;
    victim.time_wait_max = choices.between(16, 64);
    victim.reserve = choices.magnitude(64, 2048);
    tcp::Tunables& tunables = victim.tunables;
    tunables.syncookies = static_cast<std::uint8_t>(choices.below(3));
    // A cookie is proven by the segment that follows the SYN, so the first to come must be that one.
    if (tunables.syncookies != 0) {
        for (sim::LinkSettings& wire : plan.wire)
            wire = {.delay = wire.delay, .segment_bytes = wire.segment_bytes, .seed = wire.seed};
    }
    tunables.challenge_ack_limit = choices.any_of<std::uint32_t>({10, 1, 1000});
    tunables.rfc1337 = !choices.one_in(4);
    tunables.fin_timeout = choices.span(1s, 60s);
    tunables.time_wait = choices.span(60s, 120s);
    tunables.fastopen = choices.any_of<std::uint16_t>({0, 2, 3});
    return plan;
}

}  // namespace

HostileWorldPlan make_hostile_plan(Choices& choices) {
    HostileWorldPlan plan;
    plan.honest = make_honest(choices);
    const bool may_flood = plan.honest.machines[0].tunables.syncookies != 0;
    for (std::uint32_t peers = choices.between(1, kPeersMax); peers > 0; --peers)
        plan.peers.push_back(make_peer(choices, may_flood));
    return plan;
}

}  // namespace terminus::simulation
