// A peer that sends anything at any time: whatever it does is its fault, never an assertion of ours, and
// costs bounded memory and one reply a segment (HARDENING, preface and rows 5, 10 to 15, 20 to 25).
#include "base/rng.hpp"
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

const State kStarts[] = {State::SynSent,  State::SynReceived, State::Established,
                         State::FinWait1, State::FinWait2,    State::CloseWait,
                         State::Closing,  State::LastAck,     State::TimeWait};

struct Attack : Bench {
    explicit Attack(std::uint64_t seed)
        : Bench(SeqNum(static_cast<std::uint32_t>(base::Rng(seed).next())), SeqNum(0u - 3000u)),
          rng(seed * 31) {
        tunables.timestamps = rng.below(2) == 0;
        tunables.window_scaling = rng.below(2) == 0;
        const auto first = 1 + rng.below(20'000);
        tunables.rmem = {1 + rng.below(first), first, first + rng.below(100'000)};
        tunables.wmem = 1 + rng.below(20'000);
        tunables.nodelay = rng.below(2) == 0;
        tunables.out_of_order_segments = rng.below(20);
        tunables.user_timeout = rng.below(4) == 0 ? Duration(30s) : Duration(0s);
        tunables.retries2 = 1 + rng.below(10);
        tunables.rfc1337 = rng.below(2) == 0;
        tunables.quickack = rng.below(5);
        peer_mss = static_cast<std::uint16_t>(rng.below(3) == 0 ? rng.below(100) : rng.below(65536));
        if (rng.below(2) == 0) peer_scale = static_cast<std::uint8_t>(rng.below(256));
        if (rng.below(2) == 0) peer_timestamp = static_cast<std::uint32_t>(rng.next());
        peer_window = static_cast<std::uint16_t>(rng.below(2) == 0 ? 50'000 : 1 + rng.below(3000));
        bring_to(kStarts[rng.below(std::size(kStarts))]);
    }

    /// Near one of the numbers that matter, or anywhere.
    SeqNum near(SeqNum first, SeqNum second, SeqNum third) {
        const SeqNum anchors[] = {first, second, third};
        if (rng.below(20) == 0) return SeqNum(static_cast<std::uint32_t>(rng.next()));
        const SeqNum anchor = anchors[rng.below(3)];
        switch (rng.below(4)) {
            case 0:
                return anchor;
            case 1:
                return anchor + rng.below(4);
            case 2:
                return anchor - rng.below(4);
            default:
                return anchor + rng.below(4000) - 2000u;
        }
    }

    void attack() {
        const auto& rcv = c().receive_space();
        const auto& snd = c().send_space();
        std::uint8_t flags = kAck;
        if (rng.below(5) == 0) flags = static_cast<std::uint8_t>(rng.below(256));
        if (rng.below(12) == 0) flags |= kFin;
        if (rng.below(200) != 0) flags = static_cast<std::uint8_t>(flags & ~kRst);
        const std::string text(rng.below(2) == 0 ? 0 : rng.below(rng.below(2) == 0 ? 4 : 2000), 'h');
        auto header = segment(flags, 0, 0, text);
        header.seq = near(rcv.nxt, rcv.adv, rcv.acked);
        header.ack = near(snd.una, snd.nxt, snd.una + snd.wnd);
        header.window = static_cast<std::uint16_t>(rng.below(3) == 0 ? 0 : rng.below(65536));
        header.urgent_pointer = static_cast<std::uint16_t>(rng.below(65536));
        if (rng.below(3) == 0) {
            header.options.timestamps = {c().recent_timestamp().value_or(0) + rng.below(5) - 1,
                                         c().own_timestamp(env()) - rng.below(200)};
        }
        (void)receive(header, text);
    }

    void own_wish() {
        switch (rng.below(8)) {
            case 0:
            case 1:
            case 2:
                if (const auto room = c().send_room(env()); room > 0)
                    send(std::string(1 + rng.below(room), 's'));
                break;
            case 3:
            case 4:
                (void)read(1 + rng.below(5000));
                break;
            case 5:
                if (rng.below(10) == 0) c().finish(env());
                break;
            case 6:
                if (rng.below(30) == 0) c().abandon(env());
                break;
            case 7:
                if (rng.below(100) == 0) c().abort(CloseReason::IdleTimeout, env());
                break;
        }
    }

    void check_invariants() {
        const auto& snd = c().send_space();
        REQUIRE(snd.una.at_or_before(snd.nxt));
        REQUIRE(snd.una.at_or_before(snd.nxt));
        REQUIRE(c().receive_space().nxt.at_or_before(c().receive_space().adv));
        REQUIRE(c().buffer_count() < 200);
        REQUIRE(c().readable_bytes() <= tunables.rmem.max + tunables.rmem.max / 16 + 65536);
        REQUIRE((c().state() == State::Closed || c().state() == State::TimeWait) ==
                c().close_reason().has_value());
        if (c().state() == State::Closed) REQUIRE(c().next_deadline() == base::kNever);
    }

    /// Whoever waits for something has a timer that ends the wait (HARDENING 23).
    void check_that_no_wait_is_endless() {
        if (c().state() == State::Closed) return;
        const auto& snd = c().send_space();
        const bool waits = snd.flight() > 0 || c().snapshot().send_queue_bytes > 0;
        if (waits) REQUIRE(c().next_deadline() <= now + tunables.rto_max);
    }

    base::Rng rng;
};

}  // namespace

TEST_CASE("HARDENING 5, 10: any segments in any state, between any wishes of ours, keep every promise") {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        INFO("seed " << seed);
        Attack bench(seed);
        for (int step = 0; step < 150; ++step) {
            bench.may_keep_payload = bench.rng.below(20) != 0;
            switch (bench.rng.below(6)) {
                case 0:
                    bench.own_wish();
                    break;
                case 1:
                    bench.advance(1us * bench.rng.below(bench.rng.below(10) == 0 ? 10'000'000 : 100'000));
                    if (bench.c().next_deadline() <= bench.now) bench.c().timers_expired(bench.env());
                    break;
                case 2:
                    (void)bench.c().icmp_error_arrives(static_cast<tcp::IcmpError>(bench.rng.below(3)),
                                                       bench.c().send_space().una + bench.rng.below(3),
                                                       static_cast<std::uint16_t>(bench.rng.below(1500)),
                                                       bench.env());
                    break;
                default:
                    bench.attack();
                    break;
            }
            bench.check_invariants();
            if (bench.rng.below(3) != 0) {
                for (const auto& out : bench.poll_all()) {
                    REQUIRE(out.payload_offset + out.payload_length <= bench.c().send_queue().size_bytes());
                    REQUIRE(out.payload_length <= bench.c().snapshot().send_mss);
                }
                bench.check_invariants();
                bench.check_that_no_wait_is_endless();
            }
        }
        // Left alone after the attack, an orphan comes to an end (HARDENING 23).
        bench.c().abandon(bench.env());
        for (int i = 0; i < 2000 && bench.c().state() != State::Closed; ++i) {
            (void)bench.poll_all();
            REQUIRE(bench.c().next_deadline() != base::kNever);
            bench.now = std::max(bench.now, bench.c().next_deadline());
            bench.c().timers_expired(bench.env());
        }
        REQUIRE(bench.c().state() == State::Closed);
        std::uint64_t closes = 0;
        for (const auto& leg : bench.stats.legs) {
            for (std::size_t i = 0; i < std::size(stats::kCloseReasons); ++i) {
                closes += leg.closes[static_cast<CloseReason>(i)].value();
            }
        }
        REQUIRE(closes == 1);
    }
}
