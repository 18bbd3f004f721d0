#include "hostile.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "base/assert.hpp"
#include "hostile_plan.hpp"
#include "hostile_session.hpp"
#include "pair_world.hpp"
#include "sim/frame_copy.hpp"
#include "sim/gateway.hpp"
#include "tcp/sequence_space.hpp"
#include "wire/frame.hpp"

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kNetwork = 1;  // the hostile side's
constexpr std::size_t kPort = 1;      // the victim's port there
constexpr std::uint8_t kVictim = 1, kFirstPeer = 10;
constexpr std::uint16_t kVictimPort = 3000, kPeersPort = 4000;
constexpr std::uint64_t kFirstPattern = 1000;     // beyond those of the honest pair
constexpr std::uint64_t kPatternsOfPeer = 3;      // the victim's, the peer's, and what the peer says instead
constexpr std::uint64_t kInitialWindow = 14'600;  // RFC 6928, of any MSS
constexpr std::uint64_t kShareOfTold = 3;

/// Peers who know their connections' numbers and keep to no rule, on a wire of their own.
class HostileWorld final : public PairWorld, public Outlet {
 public:
    HostileWorld(HostileWorldPlan&& plan, Choices& choices, bool traces);

    void send(const std::vector<std::uint8_t>& packet) override;

 private:
    struct Peer {
        HostilePlan plan;
        Flow flow;  ///< the victim's end
        HostileSession session;
        std::uint64_t told = 0;  ///< bytes that were acknowledged or reported to have arrived, at most
    };
    /// For a peer, from the victim.
    struct UnderWay {
        Peer* to;
        wire::TcpSegment segment;
    };

    [[nodiscard]] sim::MemoryPort& port() { return machine(0).port(kPort); }
    void turn() override;
    [[nodiscard]] base::Instant next_turn() override;
    [[nodiscard]] bool is_quiet() override {
        return PairWorld::is_quiet() && next_of_peers() == base::kNever;
    }
    [[nodiscard]] std::uint64_t segments() const override {
        return PairWorld::segments() + watch_.segments();
    }
    [[nodiscard]] std::string story() override;
    void add_peer(const HostilePlan& plan, Choices& choices);
    void peers_act();
    [[nodiscard]] base::Instant next_of_peers();
    void check_what_was_sent();
    void collect();
    void hear(base::Bytes packet);
    void arrive(base::Bytes frame);

    WireWatch watch_;
    std::deque<Peer> peers_;
    std::multimap<base::Instant, UnderWay> under_way_;
    std::uint64_t frames_ = 0;
};

HostileWorld::HostileWorld(HostileWorldPlan&& plan, Choices& choices, bool traces)
    : PairWorld(std::move(plan.honest), traces), watch_(verdict()) {
    watch_.set_tracing(traces);
    const bool has_cookies = machine(0).plan().tunables.syncookies != 0;
    watch_.distrust(sim::Direction::BToA, has_cookies ? tcp::kScaleMax : std::uint8_t{0});
    for (const HostilePlan& peer : plan.peers)
        add_peer(peer, choices);
}

void HostileWorld::add_peer(const HostilePlan& plan, Choices& choices) {
    const std::size_t index = peers_.size();
    const wire::Endpoint own{address_of(static_cast<std::uint8_t>(kFirstPeer + index), plan.is_v6, kNetwork),
                             static_cast<std::uint16_t>(kPeersPort + index)};
    const wire::Endpoint victim{address_of(kVictim, plan.is_v6, kNetwork),
                                static_cast<std::uint16_t>(kVictimPort + index)};
    Flow flow;
    flow.behaviour = plan.victim;
    flow.sends = kFirstPattern + kPatternsOfPeer * index;
    flow.receives = flow.sends + 1;
    flow.receives_instead = flow.sends + 2;
    watch_.expect(victim, own, flow.sends, plan.victim.send_bytes);
    peers_.push_back({plan, flow,
                      HostileSession(plan, {own, victim}, flow.receives, flow.receives_instead,
                                     kStart + plan.at, choices, *this)});
    if (!plan.victim_opens) return machine(0).app().listen(victim.port, flow);
    schedule(plan.at, [this, own, victim, flow] { (void)machine(0).connect({victim, own}, flow, now()); });
}

void HostileWorld::send(const std::vector<std::uint8_t>& packet) {
    const auto frame = sim::Gateway::frame(packet, mac_of(kVictim, kNetwork));
    if (frame) arrive(*frame);  // a bit may have made it one of no family
}

// Into the victim's own descriptors, as far as it has some.
void HostileWorld::arrive(base::Bytes frame) {
    packet::Buffer copy = sim::copy_bytes(frame, machine(0).pools().payload.get(), 0);
    if (!copy) return;
    ++frames_;
    watch_.sent(sim::Direction::BToA, copy, now());
    port().arrive(std::move(copy));
}

void HostileWorld::turn() {
    peers_act();
    PairWorld::turn();
    check_what_was_sent();
}

void HostileWorld::peers_act() {
    collect();
    while (!under_way_.empty() && under_way_.begin()->first <= now()) {
        const UnderWay next = under_way_.begin()->second;
        under_way_.erase(under_way_.begin());
        next.to->session.hears(next.segment, now());
    }
    for (Peer& peer : peers_) {
        if (peer.session.next_at() <= now()) peer.session.acts(now());
    }
}

void HostileWorld::collect() {
    while (const std::optional<packet::Buffer> frame = port().take_transmitted()) {
        watch_.sent(sim::Direction::AToB, *frame, now());
        const packet::Buffer finished = sim::copy_frame(*frame, World::get().wire().get(), 0);
        TERMINUS_ASSERT(finished, "the wire's pool holds more than a turn can send");
        const sim::Gateway::Heard heard = sim::Gateway::hear(finished);
        if (!heard.answer.empty()) arrive(heard.answer);
        if (!heard.packet.empty()) hear(finished.bytes());
    }
}

void HostileWorld::hear(base::Bytes frame) {
    const auto parsed = wire::parse_frame(frame, static_cast<std::uint32_t>(frame.size()));
    if (!parsed || parsed.value().protocol != wire::kProtocolTcp) return;
    const wire::Frame& header = parsed.value();
    const auto segment = wire::parse_tcp(frame.subspan(header.l4_offset), header.l4_length);
    if (!segment) return;
    const wire::Endpoint to{header.destination, segment.value().destination_port};
    for (Peer& peer : peers_) {
        if (peer.session.tuple().local == to)
            under_way_.emplace(now() + peer.plan.delay, UnderWay{&peer, segment.value()});
    }
}

base::Instant HostileWorld::next_of_peers() {
    if (port().waiting_to_transmit() > 0) return now();
    base::Instant next = under_way_.empty() ? base::kNever : under_way_.begin()->first;
    for (const Peer& peer : peers_)
        next = std::min(next, peer.session.next_at());
    return next;
}

base::Instant HostileWorld::next_turn() {
    return std::min(PairWorld::next_turn(), next_of_peers());
}

// HARDENING 24: what is sent follows from what was acknowledged or reported, whatever that looks like. A
// window at the start, two bytes for each one told of (slow start; without SACK a duplicate ACK tells of a
// segment), and as much again of what is taken for lost; a time-out sends what is outstanding once more.
void HostileWorld::check_what_was_sent() {
    const stats::CoreStats& stats = machine(0).stats();
    std::uint64_t timeouts = 0;
    for (const stats::LegStats& leg : stats.legs)
        timeouts += leg.timer_expirations[stats::Timer::Retransmission].value();
    for (const Flow& flow : machine(0).app().flows()) {
        const tcp::Connection* const connection = machine(0).stack().find(flow.id);
        if (flow.sends < kFirstPattern || connection == nullptr) continue;
        const tcp::SendSpace& snd = connection->send_space();
        const wire::FourTuple named = machine(0).stack().tuple(flow.id);
        Peer& peer = peers_[(flow.sends - kFirstPattern) / kPatternsOfPeer];
        const std::uint64_t told = std::uint64_t{snd.una - snd.iss} + connection->recovery().sacked_bytes();
        peer.told = std::max(peer.told, told);
        const std::uint64_t base = kInitialWindow + peer.told;
        if (watch_.text_sent(named.local, named.remote, snd.iss) > (kShareOfTold + timeouts) * base)
            verdict().fail("more was sent than a receiver that got it could have asked for");
    }
}

std::string HostileWorld::story() {
    std::string text = PairWorld::story() + "hostile peers sent " + std::to_string(frames_) + " frames\n";
    for (const Peer& peer : peers_) {
        text += "  " + peer.session.tuple().local.to_string() + " honest in " +
                std::to_string(peer.plan.honesty) + " %, moves";
        for (const Move move : peer.plan.habits)
            text += " " + std::to_string(static_cast<int>(move));
        text += "\n";
    }
    return text;
}

}  // namespace

Outcome run_hostile(Choices& choices, bool traces) {
    HostileWorldPlan plan = make_hostile_plan(choices);
    return HostileWorld(std::move(plan), choices, traces).run();
}

Outcome run_hostile(std::uint64_t seed, bool traces) {
    Choices choices(seed);
    return run_hostile(choices, traces);
}

}  // namespace terminus::simulation
