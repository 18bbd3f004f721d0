// What a peer can keep up for days and years: no counter of ours runs over.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

// RFC 9293 3.8.6.1, MUST-37; RFC 6429 3.
TEST_CASE("HARDENING 25: a window that is closed for days and answers a thousand probes opens in the end") {
    Bench bench;
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    bench.send("patience");
    (void)bench.poll_all();
    const Instant start = bench.now;
    for (int i = 0; i < 1000; ++i) {  // more than eight bits count, and most of them rto_max apart
        bench.run_to_deadline();
        REQUIRE(bench.seq_of(bench.poll_one()) == 0);
        (void)bench.receive(kAck, 1, 1);
    }
    CHECK(bench.now - start > 32h);
    CHECK(bench.now + bench.tunables.rto_max >= bench.c().next_deadline());
    CHECK(bench.leg().zero_window_probes_sent.value() == 1000);
    bench.peer_window = 50'000;
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.poll_one().payload_length == 8);
}

TEST_CASE("HARDENING 25: a connection that is kept alive for years counts nothing over") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 1;
    bench.establish();
    for (int i = 0; i < 10'000; ++i) {  // over two years, and our timestamps wrap sixteen times
        bench.run_to_deadline();
        REQUIRE(bench.seq_of(bench.poll_one()) == 0);
        *bench.peer_timestamp += 7'200'000;
        (void)bench.receive(kAck, 1, 1);
    }
    bench.send("x");
    const auto out = bench.poll_one();
    bench.advance(40ms);
    bench.peer_echo = out.options.timestamps->value;
    *bench.peer_timestamp += 40;
    CHECK(bench.receive(kAck, 1, 2) == Disposition::Accepted);
    CHECK(bench.c().snapshot().send_queue_bytes == 0);
    CHECK(bench.c().state() == State::Established);
}
