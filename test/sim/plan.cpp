#include "plan.hpp"

#include <algorithm>

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kConnectionsMax = 4;
constexpr base::Duration kBusyFor = 120s;  // what upsets the world does so in its first minutes

std::uint32_t stream_bytes(Choices& choices) {
    return choices.one_in(6) ? 0 : choices.magnitude(1, 1u << 18);
}

ConnectionPlan make_connection(Choices& choices, bool is_gentle) {
    ConnectionPlan made;
    made.at = choices.one_in(3) ? base::Duration::zero() : choices.span(1us, 2s);
    made.opener = static_cast<std::uint8_t>(choices.below(2));
    made.is_v6 = choices.one_in(3);
    made.is_simultaneous = choices.one_in(8);
    make_ends(choices, is_gentle, made.ends);
    return made;
}

MachinePlan make_machine(Choices& choices, bool is_gentle) {
    MachinePlan made;
    made.seed = choices.next();
    made.tunables = make_tunables(choices, is_gentle);
    made.capabilities = sim::MemoryPort::of_kind(choices.below(sim::MemoryPort::kKinds));
    made.mtu = choices.any_of<std::uint16_t>({1500, 1500, 1280, 1400});
    // Anything from the age of a machine that just started to one that has been up for years: so clocks,
    // timestamps and, through them, initial sequence numbers wrap in some runs.
    made.clock_offset = std::chrono::milliseconds(choices.below(UINT32_MAX));
    if (!is_gentle && choices.one_in(4)) {
        made.reserve = choices.between(16, kPayloadBuffers - 64);
        made.sent_records_spare = choices.magnitude(64, 512);
        made.time_wait_max = choices.between(1, 4);
        made.tunables.max_tw_buckets = choices.below(4);
        made.connections_max = choices.between(1, kConnectionsMax);
        made.half_open_max = choices.between(1, kConnectionsMax);
    }
    return made;
}

/// One that begins, and the one that ends it.
void add_upset(Choices& choices, PairPlan& plan, bool has_v6) {
    Upset begin;
    begin.at = choices.span(1ms, kBusyFor);
    begin.machine = static_cast<std::uint8_t>(choices.below(2));
    Upset end = begin;
    end.at += choices.span(1ms, 30s);
    switch (choices.below(5)) {
        case 0:
            begin.kind = Upset::Kind::Wire;
            begin.wire[0] = make_wire(choices, plan.is_gentle, has_v6);
            begin.wire[1] = make_wire(choices, plan.is_gentle, has_v6);
            end.kind = Upset::Kind::Wire;
            end.wire[0] = plan.wire[0];
            end.wire[1] = plan.wire[1];
            break;
        case 1:
            begin.kind = end.kind = Upset::Kind::Tunables;
            begin.tunables = make_tunables(choices, false);
            end.tunables = make_tunables(choices, false);
            break;
        default:
            upset_alike(choices, begin, end);
            break;
    }
    plan.upsets.push_back(begin);
    plan.upsets.push_back(end);
}

}  // namespace

void upset_alike(Choices& choices, Upset& begin, Upset& end) {
    switch (choices.below(3)) {
        case 0:
            begin.kind = Upset::Kind::Cut;
            end.kind = Upset::Kind::Mend;
            return;
        case 1:
            begin.kind = Upset::Kind::Hoard;
            begin.pool = static_cast<std::uint8_t>(choices.below(3));
            begin.leave = choices.one_in(3) ? 0 : choices.below(300);
            end.kind = Upset::Kind::EndHoard;
            return;
        default:
            begin.kind = end.kind = Upset::Kind::ClockJump;
            begin.jump = choices.span(1ms, 1000s) * (choices.one_in(2) ? -1 : 1);
            // Now and then so far that timestamps wrap.
            end.jump = std::chrono::seconds(choices.magnitude(1, 4'000'000)) * (choices.one_in(8) ? 1 : 0);
            return;
    }
}

Behaviour make_behaviour(Choices& choices) {
    Behaviour made;
    made.send_bytes = stream_bytes(choices);
    if (choices.one_in(4)) made.write_max = choices.magnitude(1, 20'000);
    if (choices.one_in(4)) made.write_pause = choices.span(10us, 2s);
    // Neither so small pieces nor so long pauses that the run would only consist of them.
    made.write_max = std::max(made.write_max, made.send_bytes / 300 + 1);
    if (choices.one_in(4)) made.read_max = choices.magnitude(100, 50'000);
    if (choices.one_in(4)) made.read_pause = choices.span(10us, 1s);
    made.read_max = std::max(made.read_max, 2000u);
    if (choices.one_in(5)) {
        made.hold_at = choices.below(made.send_bytes + 1);
        made.hold_for = choices.span(10ms, 300s);
    }
    return made;
}

// Who speaks first and who ends: never both waiting for the other.
void make_ends(Choices& choices, bool is_gentle, Behaviour (&ends)[2]) {
    using End = Behaviour::End;
    for (Behaviour& behaviour : ends)
        behaviour = make_behaviour(choices);
    const std::uint32_t first = choices.below(2);
    Behaviour& speaks_first = ends[first];
    Behaviour& speaks_second = ends[1 - first];
    if (choices.one_in(2)) speaks_second.send_after = choices.below(speaks_first.send_bytes + 1);
    switch (choices.below(is_gentle ? 3 : 6)) {
        case 0:
            break;  // both end as soon as they have sent all
        case 1:
            speaks_first.end = End::WhenPeerFinished;
            break;
        case 2:
            speaks_second.end = End::WhenPeerFinished;
            break;
        case 3:
            speaks_first.end = End::Abort;
            speaks_first.abort_after = choices.below(speaks_second.send_bytes + 1);
            break;
        case 4:
            speaks_first.end = End::Abandon;
            break;
        default:
            speaks_second.end = End::Abandon;
            break;
    }
}

sim::LinkSettings make_wire(Choices& choices, bool is_gentle, bool has_v6) {
    sim::LinkSettings made;
    made.seed = choices.next();
    made.delay = choices.span(1us, 300ms);
    if (choices.one_in(2)) made.jitter = choices.span(1us, 20ms);
    if (choices.one_in(2)) {
        made.bits_per_second = std::uint64_t{choices.magnitude(50, 1'000'000)} * 1000;
        made.queue_max = choices.magnitude(4, 1000);
        // A queue of more than a second looks like a loss to everybody.
        const auto most = static_cast<std::uint32_t>(made.bits_per_second / 12'000) + 4;
        made.queue_max = std::min(made.queue_max, most);
    }
    if (choices.one_in(2)) made.loss_permille = choices.below(is_gentle ? 30 : 200);
    if (choices.one_in(3)) made.duplicate_permille = choices.below(100);
    if (choices.one_in(3)) {
        made.reorder_permille = choices.below(200);
        made.reorder_delay = choices.span(1us, 50ms);
    }
    if (choices.one_in(4)) made.corrupt_permille = choices.below(is_gentle ? 10 : 100);
    if (!is_gentle && choices.one_in(4)) {
        made.burst_permille = choices.below(20);
        made.burst_max = choices.magnitude(2, 30);
    }
    if (choices.one_in(6)) {
        made.path_mtu = has_v6 ? choices.any_of<std::uint16_t>({1280, 1400, 1492})
                               : choices.any_of<std::uint16_t>({576, 900, 1280, 1492});
        made.is_black_hole = !is_gentle && choices.one_in(4);
    }
    if (choices.one_in(3)) made.segment_bytes = static_cast<std::uint16_t>(choices.between(100, 1100));
    return made;
}

namespace {

tcp::BufferRange make_buffer(Choices& choices) {
    const std::uint32_t first = choices.magnitude(4096, 4u << 20);
    if (choices.one_in(3)) return first;
    return {choices.magnitude(4096, first), first, choices.magnitude(first, 8u << 20)};
}

}  // namespace

tcp::Tunables make_tunables(Choices& choices, bool is_gentle) {
    tcp::Tunables made;
    made.rmem = make_buffer(choices);
    made.wmem = make_buffer(choices);
    made.moderate_rcvbuf = !choices.one_in(8);
    made.mtu_probing = static_cast<std::uint8_t>(choices.below(3));
    if (choices.one_in(8)) made.notsent_lowat = choices.magnitude(1, 1u << 18);
    made.congestion_control = choices.any_of(
        {tcp::CongestionAlgorithm::Cubic, tcp::CongestionAlgorithm::Reno, tcp::CongestionAlgorithm::Bbr});
    made.timestamps = !choices.one_in(3);
    made.window_scaling = !choices.one_in(4);
    made.sack = !choices.one_in(3);
    made.dsack = !choices.one_in(3);
    made.ecn = static_cast<std::uint8_t>(choices.below(3));
    made.frto = !choices.one_in(4);
    made.early_retrans = !choices.one_in(4);
    made.slow_start_after_idle = !choices.one_in(4);
    made.nodelay = !choices.one_in(3);
    made.quickack = choices.any_of<std::uint32_t>({0, 1, 16});
    made.delack_segments = choices.any_of<std::uint32_t>({1, 2, 8});
    made.rto_min = choices.any_of<base::Duration>({200ms, 20ms, 1s});
    if (choices.one_in(3)) {
        made.out_of_order_segments = choices.magnitude(1, 64);
        made.out_of_order_holes = choices.magnitude(1, 16);
        made.out_of_order_bytes = choices.magnitude(1, 1u << 18);
    }
    if (choices.one_in(4)) made.max_out_of_order = choices.magnitude(1, 128);
    // Whoever waits for a peer that is gone finds out.
    made.keepalive_time = choices.span(20s, 300s);
    made.keepalive_intvl = choices.span(5s, 60s);
    if (is_gentle) return made;
    made.syncookies = static_cast<std::uint8_t>(choices.below(3));
    made.keepalive_probes = choices.between(1, 9);
    made.retries2 = choices.between(1, 15);
    made.orphan_retries = choices.below(9);
    made.max_orphans = choices.any_of<std::uint32_t>({0, 1, 65536});
    made.syn_retries = choices.between(1, 6);
    made.synack_retries = choices.between(1, 5);
    if (choices.one_in(3)) made.user_timeout = choices.span(1s, 120s);
    made.fin_timeout = choices.span(1s, 60s);
    made.time_wait = choices.span(1s, 120s);
    made.rfc1337 = !choices.one_in(4);
    made.challenge_ack_limit = choices.any_of<std::uint32_t>({10, 1, 1000});
    return made;
}

PairPlan make_pair_plan(Choices& choices) {
    return make_pair_plan(choices, choices.one_in(3));
}

PairPlan make_pair_plan(Choices& choices, bool is_gentle) {
    PairPlan plan;
    plan.is_gentle = is_gentle;
    for (MachinePlan& machine : plan.machines)
        machine = make_machine(choices, plan.is_gentle);
    const std::uint32_t connections = choices.between(1, kConnectionsMax);
    bool has_v6 = false;
    for (std::uint32_t i = 0; i < connections; ++i) {
        plan.connections.push_back(make_connection(choices, plan.is_gentle));
        has_v6 = has_v6 || plan.connections.back().is_v6;
    }
    for (sim::LinkSettings& wire : plan.wire)
        wire = make_wire(choices, plan.is_gentle, has_v6);
    if (plan.is_gentle) return plan;
    for (std::uint32_t upsets = choices.below(4); upsets > 0; --upsets)
        add_upset(choices, plan, has_v6);
    return plan;
}

}  // namespace terminus::simulation
