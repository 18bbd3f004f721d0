#include <catch2/catch.hpp>

#include "load/rig.hpp"

namespace terminus::load {
namespace {

using namespace std::chrono_literals;

/// Lets the run end by itself, and checks that both sides have closed everything.
void finish(Pair& pair) {
    pair.client.stop();
    REQUIRE(pair.run_until(10s, [&] { return pair.client.is_done() && pair.backend.numbers().open == 0; }));
    const Numbers& client = pair.client.numbers();
    const Numbers& backend = pair.backend.numbers();
    CHECK(client.connections_ended == client.connections_established);
    CHECK(backend.connections_ended == backend.connections_established);
    CHECK(client.connections_established == backend.connections_established);
    CHECK(client.text_sent == backend.text_received);
    CHECK(backend.text_sent == client.text_received);
}

TEST_CASE("connections open, ask, are answered and close, client first or backend first, in both families") {
    const bool is_v4 = GENERATE(true, false);
    const ClosesFirst first = GENERATE(ClosesFirst::Client, ClosesFirst::Backend);
    const bool separate_acks = GENERATE(false, true);
    const std::uint32_t before = test::buffers_in_use();
    {
        ClientSettings client = client_settings(is_v4);
        BackendSettings backend = backend_settings(is_v4);
        client.closes_first = backend.closes_first = first;
        client.side.separate_acks = backend.side.separate_acks = separate_acks;
        client.concurrency = 4;
        client.request_bytes = backend.request_bytes = 100;
        client.response_bytes = backend.response_bytes = 3000;
        Pair pair(client, backend);
        pair.run(50ms);
        finish(pair);
        require_clean(pair);
        const Numbers& numbers = pair.client.numbers();
        // Two round trips of 200 us each at least, four at a time.
        CHECK(numbers.responses > 100);
        CHECK(numbers.responses <= 4 * 50ms / 400us + 4);
        CHECK(numbers.responses == pair.backend.numbers().responses);
        CHECK(numbers.text_received == numbers.responses * 3000);
        CHECK(pair.client.connect_latency().count() == numbers.connections_established);
        CHECK(pair.client.response_latency().count() == numbers.responses);
        CHECK(pair.client.connect_latency().min() >= 200'000);
        CHECK(pair.client.response_latency().min() >= 400'000);
    }
    REQUIRE(test::buffers_in_use() == before);
}

TEST_CASE("without a response a request is done when it is acknowledged, whoever closes first") {
    const ClosesFirst first = GENERATE(ClosesFirst::Client, ClosesFirst::Backend);
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.closes_first = backend.closes_first = first;
    client.response_bytes = backend.response_bytes = 0;
    client.request_bytes = backend.request_bytes = 5000;
    Pair pair(client, backend);
    pair.run(20ms);
    finish(pair);
    require_clean(pair);
    CHECK(pair.client.numbers().responses > 10);
    CHECK(pair.client.numbers().responses == pair.backend.numbers().responses);
}

TEST_CASE("nothing asked and nothing answered is a connection all the same") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.response_bytes = backend.response_bytes = client.request_bytes = backend.request_bytes = 0;
    Pair pair(client, backend);
    pair.run(20ms);
    finish(pair);
    require_clean(pair);
    CHECK(pair.client.numbers().connections_ended > 10);
}

TEST_CASE("a short connection takes seven frames, and ten where acknowledgements go alone") {
    const bool separate_acks = GENERATE(false, true);
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.side.separate_acks = backend.side.separate_acks = separate_acks;
    client.rate = 1;
    Pair pair(client, backend);
    pair.run(100ms);
    REQUIRE(pair.client.numbers().connections_ended == 1);
    CHECK(pair.watcher.seen.size() == (separate_acks ? 10 : 7));
    finish(pair);
    require_clean(pair);
}

TEST_CASE("a SYN offers MSS, SACK, timestamps and a window scale") {
    Pair pair(client_settings(), backend_settings());
    pair.run(1ms);
    for (std::size_t i = 0; i < 2; ++i) {
        const wire::TcpSegment& syn = pair.watcher.seen[i].segment;
        CHECK(syn.flags.syn());
        CHECK(syn.flags.ack() == (i == 1));
        CHECK(syn.options.mss == 1460);
        CHECK(syn.options.sack_permitted);
        CHECK(syn.options.window_scale == kWindowScale);
        CHECK(syn.options.timestamps.has_value());
    }
    CHECK(pair.watcher.seen[1].segment.options.timestamps->echo_reply ==
          pair.watcher.seen[0].segment.options.timestamps->value);
    CHECK(pair.watcher.seen[2].segment.options.timestamps.has_value());
}

TEST_CASE("requests on kept connections, as fast as answers come or by a schedule") {
    const std::uint64_t rate = GENERATE(0, 5000);
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.scenario = Scenario::Requests;
    client.exchanges = backend.exchanges = 0;
    client.concurrency = 8;
    client.rate = rate;
    Pair pair(client, backend);
    pair.run(100ms);
    finish(pair);
    require_clean(pair);
    const Numbers& numbers = pair.client.numbers();
    CHECK(numbers.connections_established == 8);
    if (rate == 0) {
        CHECK(numbers.responses > 3000);
    } else {
        CHECK(numbers.responses >= 490);
        CHECK(numbers.responses <= 501);
    }
    CHECK(pair.client.response_latency().quantile(500'000) >= 200'000);
    CHECK(pair.client.response_latency().quantile(500'000) < 300'000);
}

TEST_CASE("kept connections close after so many requests, and others take their place") {
    const ClosesFirst first = GENERATE(ClosesFirst::Client, ClosesFirst::Backend);
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.scenario = Scenario::Requests;
    client.closes_first = backend.closes_first = first;
    client.exchanges = backend.exchanges = 5;
    client.rate = GENERATE(0, 2000);
    Pair pair(client, backend);
    pair.run(50ms);
    finish(pair);
    require_clean(pair);
    const Numbers& numbers = pair.client.numbers();
    CHECK(numbers.connections_established > 2);
    CHECK(numbers.responses > 5 * (numbers.connections_established - 2));
}

TEST_CASE("bulk text goes up, down or both ways until the client stops") {
    const bool is_v4 = GENERATE(true, false);
    const bool goes_up = GENERATE(true, false);
    const bool goes_down = GENERATE(true, false);
    if (!goes_up && !goes_down) return;
    ClientSettings client = client_settings(is_v4);
    BackendSettings backend = backend_settings(is_v4);
    client.scenario = Scenario::Bulk;
    client.exchanges = backend.exchanges = 0;
    client.request_bytes = backend.request_bytes = goes_up ? kEndless : 10;
    client.response_bytes = backend.response_bytes = goes_down ? kEndless : 0;
    client.concurrency = 3;
    client.side.in_flight_max = backend.side.in_flight_max = 64 * 1024;
    Pair pair(client, backend);
    pair.run(5ms);
    const std::uint64_t up = pair.backend.numbers().text_received;
    const std::uint64_t down = pair.client.numbers().text_received;
    CHECK((up > 1'000'000) == goes_up);
    CHECK((down > 1'000'000) == goes_down);
    finish(pair);
    require_clean(pair);
}

TEST_CASE("idle connections are opened at a rate, kept without a frame, and closed at the end") {
    ClientSettings client = client_settings();
    client.scenario = Scenario::Idle;
    client.concurrency = 16;
    client.rate = 1000;
    Pair pair(client, backend_settings());
    pair.run(10ms);
    CHECK(pair.client.numbers().open == 10);
    pair.run(50ms);
    CHECK(pair.client.numbers().open == 16);
    CHECK(pair.backend.numbers().open == 16);
    const std::size_t frames = pair.watcher.seen.size();
    CHECK(frames == 16 * 3);
    pair.run(5s, 1ms);
    CHECK(pair.watcher.seen.size() == frames);
    finish(pair);
    require_clean(pair);
}

TEST_CASE("a stall shows in the latency of all that it held up") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.scenario = Scenario::Requests;
    client.exchanges = backend.exchanges = 0;
    client.concurrency = 1;
    client.rate = 1000;
    Pair pair(client, backend);
    pair.run(500ms);
    // The backend's answers take 300 ms for once: requests that were due meanwhile count from then on.
    pair.wire.configure(sim::Direction::BToA, {.delay = 300ms});
    pair.run(1ms);
    pair.wire.configure(sim::Direction::BToA, {});
    pair.run(700ms);
    finish(pair);
    require_clean(pair);
    const stats::Histogram& latency = pair.client.response_latency();
    CHECK(latency.count() >= 1195);
    CHECK(latency.quantile(500'000) < 1'000'000);
    CHECK(latency.quantile(950'000) > 100'000'000);  // and not only the one request that waited
    CHECK(latency.max() >= 300'000'000);
}

TEST_CASE("loss, duplicates and disorder are mended and counted, and are no failures") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.side.resend_after = backend.side.resend_after = 5ms;
    client.side.resends_max = backend.side.resends_max = 100;
    client.side.local_ports = backend.side.remote_ports = {1024, 1024};  // none is used a second time
    client.concurrency = 8;
    client.request_bytes = backend.request_bytes = 20'000;
    client.response_bytes = backend.response_bytes = 20'000;
    Pair pair(client, backend,
              {.loss_permille = 20, .duplicate_permille = 20, .reorder_permille = 20, .seed = 7});
    pair.run(1s);
    finish(pair);
    const Numbers& numbers = pair.client.numbers();
    CHECK(numbers.responses > 100);
    CHECK(numbers.retransmissions > 10);
    CHECK(pair.backend.numbers().out_of_order > 10);
    CHECK(numbers.duplicates > 10);
    CHECK(failures(numbers) == 0);
    CHECK(failures(pair.backend.numbers()) == 0);
}

TEST_CASE("a number of connections is exactly that many, and then all are closed") {
    const std::uint64_t rate = GENERATE(0, 100'000);
    ClientSettings client = client_settings();
    client.concurrency = 4;
    client.count = 37;
    client.rate = rate;
    Pair pair(client, backend_settings());
    REQUIRE(pair.run_until(1s, [&] { return pair.client.has_done_all(); }));
    CHECK(pair.client.numbers().connections_ended == 37);
    pair.run(10ms);
    CHECK(pair.client.numbers().connections_begun == 37);
    finish(pair);
    require_clean(pair);
}

TEST_CASE("a number of requests is exactly that many") {
    const std::uint64_t rate = GENERATE(0, 100'000);
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.scenario = Scenario::Requests;
    client.exchanges = backend.exchanges = 0;
    client.concurrency = 4;
    client.count = 37;
    client.rate = rate;
    Pair pair(client, backend);
    REQUIRE(pair.run_until(1s, [&] { return pair.client.has_done_all(); }));
    pair.run(10ms);
    CHECK(pair.client.numbers().responses == 37);
    CHECK(pair.backend.numbers().responses == 37);
    CHECK(pair.client.numbers().open == 4);
    finish(pair);
    require_clean(pair);
}

TEST_CASE("idle connections and bulk text are done when there are as many as were to be") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.exchanges = backend.exchanges = 0;
    client.concurrency = 5;
    SECTION("idle") {
        client.scenario = Scenario::Idle;
        client.count = 5;
        Pair pair(client, backend);
        REQUIRE(pair.run_until(1s, [&] { return pair.client.has_done_all(); }));
        CHECK(pair.client.numbers().connections_established == 5);
        finish(pair);
    }
    SECTION("bulk") {
        client.scenario = Scenario::Bulk;
        client.request_bytes = backend.request_bytes = kEndless;
        client.response_bytes = backend.response_bytes = 0;
        client.count = 2;
        Pair pair(client, backend);
        REQUIRE(pair.run_until(1s, [&] { return pair.client.has_done_all(); }));
        CHECK(pair.client.numbers().text_sent >= 2'000'000);
        CHECK(pair.client.numbers().text_sent < 3'000'000);
        finish(pair);
    }
}

TEST_CASE("corruption is found by checksums") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.side.resend_after = backend.side.resend_after = 5ms;
    client.side.resends_max = backend.side.resends_max = 100;
    client.request_bytes = backend.request_bytes = 20'000;
    Pair pair(client, backend, {.corrupt_permille = 20, .seed = 3});
    pair.run(1s);
    CHECK(pair.backend.numbers().failed(Failure::BadChecksum) > 5);
    CHECK(pair.client.numbers().failed(Failure::WrongText) == 0);
    CHECK(pair.backend.numbers().failed(Failure::WrongText) == 0);
}

TEST_CASE("where nobody answers, connections fail after all retransmissions, and are tried again") {
    ClientSettings client = client_settings();
    client.side.resend_after = 10ms;
    client.side.resends_max = 2;
    Pair pair(client, backend_settings());
    pair.run(1ms);
    pair.wire.set_cut(true);
    pair.run(500ms);
    const Numbers& numbers = pair.client.numbers();
    CHECK(numbers.failed(Failure::ConnectTimeout) > 5);
    // The connections that were open when the wire was cut fail by what they waited for.
    CHECK(numbers.failed(Failure::ResponseTimeout) + numbers.failed(Failure::CloseTimeout) <= 1);
    CHECK(numbers.retransmissions >= 2 * numbers.failed(Failure::ConnectTimeout));
    pair.client.stop();
    CHECK(pair.run_until(1s, [&] { return pair.client.is_done(); }));
}

TEST_CASE("a response that does not come is a failure of its own") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    client.side.resend_after = 10ms;
    backend.request_bytes = client.request_bytes + 1;  // it waits for more
    Pair pair(client, backend);
    pair.run(70ms);
    CHECK(pair.client.numbers().failed(Failure::ResponseTimeout) >= 1);
    CHECK(pair.client.numbers().retransmissions == 0);
    CHECK(pair.backend.numbers().failed(Failure::Reset) >= 1);
}

TEST_CASE("a backend that closes early is a failure") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    backend.closes_first = ClosesFirst::Backend;
    backend.response_bytes = client.response_bytes - 1;
    Pair pair(client, backend);
    pair.run(10ms);
    CHECK(pair.client.numbers().failed(Failure::EarlyClose) > 1);
}

TEST_CASE("a backend that says more than was asked for is a failure") {
    ClientSettings client = client_settings();
    BackendSettings backend = backend_settings();
    backend.response_bytes = client.response_bytes + 1;
    Pair pair(client, backend);
    pair.run(10ms);
    CHECK(pair.client.numbers().failed(Failure::UnexpectedText) > 1);
}

TEST_CASE("what is still open when a run is given up is unfinished") {
    ClientSettings client = client_settings();
    client.scenario = Scenario::Idle;
    client.concurrency = 5;
    Pair pair(client, backend_settings());
    pair.run(10ms);
    pair.wire.set_cut(true);
    pair.client.stop();
    pair.run(1ms);
    pair.client.give_up();
    CHECK_FALSE(pair.client.is_done());
    CHECK(pair.client.numbers().failed(Failure::Unfinished) == 5);
}

}  // namespace
}  // namespace terminus::load
