#include <algorithm>

#include "base/rng.hpp"
#include "bench.hpp"
#include "block_count.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

/// A receiver that has agreed on SACK and acknowledges everything at once, so that both kinds of segment cost
/// an answer.
struct Receiver : Bench {
    Receiver() {
        tunables.sack = true;
        tunables.quickack = UINT8_MAX;
        tunables.delack_segments = 1;
        tunables.rmem = 1u << 20;
        tunables.window_scaling = true;
        peer_scale = 7;
        accept(sack_syn());
    }
    /// The blocks that a segment of one byte at `seq` costs, with the answer.
    std::uint64_t cost_at(std::uint32_t seq) {
        const wire::TcpSegment header = segment(kAck, seq, 1, "x");
        packet::Slice text = make_slice("x");
        const tcp::Environment now_env = env();
        const std::uint64_t before = blocks_entered();
        (void)c().segment_arrives(header, std::move(text), now_env);
        while (c().poll_transmit(now_env))
            ++answers;
        return blocks_entered() - before;
    }
    std::uint64_t answers = 0;
};

constexpr std::uint32_t kSegments = 4000;

std::uint64_t cost_in_order() {
    Receiver receiver;
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < kSegments; ++i) {
        sum += receiver.cost_at(1 + i);
        if (i % 64 == 63) (void)receiver.read();
    }
    REQUIRE(receiver.answers >= kSegments / 2);
    return sum / kSegments;
}

/// Every second byte from 1'001 on, in the orders that an attacker may choose.
std::uint32_t place(int order, std::uint32_t i, base::Rng& rng) {
    switch (order) {
        case 0:
            return i;
        case 1:
            return kSegments - 1 - i;
        case 2:  // from the middle to both ends
            return i % 2 == 0 ? kSegments / 2 + i / 2 : kSegments / 2 - 1 - i / 2;
        default:
            return rng.below(kSegments);
    }
}

}  // namespace

TEST_CASE("HARDENING 20: a tiny segment ahead of a gap costs at most twice what one in order does") {
    const std::uint64_t in_order = cost_in_order();
    REQUIRE(in_order > 20);  // the count is built in
    const int order = GENERATE(0, 1, 2, 3);
    // Within the default limits, where most are refused in the end, and with room for all of them.
    const bool all_held = GENERATE(false, true);
    Receiver receiver;
    if (all_held) receiver.tunables.out_of_order_holes = receiver.tunables.out_of_order_segments = 10'000;
    base::Rng rng(20);
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < kSegments; ++i)
        sum += receiver.cost_at(1'001 + 2 * place(order, i, rng));
    CAPTURE(order, all_held, in_order, sum / kSegments);
    CHECK(receiver.c().buffer_count() > 200);
    CHECK(sum / kSegments <= 2 * in_order);
}
