#include "control/runtime.hpp"

#include <catch2/catch.hpp>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;

namespace {
struct Setup {
    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    control::Runtime runtime{mailroom, config_of(config_text("/run"))};
    void turn() {
        workers.serve();
        mailroom.pump();
    }
};
}  // namespace

TEST_CASE("the start is over when every worker has tunables and services") {
    Setup s;
    bool ready = false;
    s.runtime.start([&] { ready = true; });
    s.workers.serve(0);
    s.mailroom.pump();
    CHECK_FALSE(ready);
    s.turn();
    CHECK(ready);
    CHECK(s.workers.services[0] == &s.runtime.services());
    CHECK(s.workers.services[1] == &s.runtime.services());
    CHECK(s.workers.tunables[1].max_tw_buckets == 131072);
}

TEST_CASE("a tunable is set in every worker before the answer") {
    Setup s;
    std::string value;
    s.runtime.set_tunable("tcp_fin_timeout", "30s",
                          [&](const auto& result) { value = result.value().value; });
    CHECK(value.empty());
    s.workers.serve(0);
    s.mailroom.pump();
    CHECK(value.empty());
    s.turn();
    CHECK(value == "30s");
    CHECK(s.workers.tunables[0].fin_timeout == 30s);
    CHECK(s.workers.tunables[1].fin_timeout == 30s);
    CHECK(s.runtime.config().tcp.fin_timeout == 30s);
}

TEST_CASE("a faulty tunable is answered at once and reaches no worker") {
    Setup s;
    std::string error;
    s.runtime.set_tunable("fin_timeout", "soon", [&](const auto& result) { error = result.error(); });
    CHECK(error.find("`soon` is not a duration") != std::string::npos);
    s.runtime.set_tunable("fin_timout", "30s", [&](const auto& result) { error = result.error(); });
    CHECK(error.find("did you mean `fin_timeout`?") != std::string::npos);
    CHECK(s.mailroom.outstanding() == 0);
    CHECK(s.runtime.config().tcp.fin_timeout == 60s);
}

TEST_CASE("a reload applies tunables and services and leaves what needs a restart") {
    Setup s;
    config::Config wanted =
        config_of(config_text("/run", "tcp: {fin_timeout: 20s}\nlimits: {connections: 100}\n"));
    wanted.services[0].name = "other";
    bool done = false;
    REQUIRE(s.runtime.apply(wanted, [&] { done = true; }).ok());
    s.turn();
    CHECK(done);
    CHECK(s.workers.tunables[1].fin_timeout == 20s);
    CHECK(s.workers.services[0]->services()[0].name == "other");
    CHECK(s.runtime.config().limits.connections == 65536);
    CHECK(s.runtime.config().tcp.fin_timeout == 20s);
}

TEST_CASE("a reload takes the place of what sysctl had set") {
    Setup s;
    s.runtime.set_tunable("fin_timeout", "30s", [](const auto&) {});
    s.turn();
    REQUIRE(s.runtime.apply(config_of(config_text("/run")), [] {}).ok());
    s.turn();
    CHECK(s.workers.tunables[0].fin_timeout == 60s);
}

TEST_CASE("an old snapshot lives until every worker has a newer one") {
    Setup s;
    s.runtime.start([] {});
    s.turn();
    const proxy::ServiceTable* old = s.workers.services[1];
    const std::uint64_t old_version = old->version();
    REQUIRE(s.runtime.apply(config_of(config_text("/run")), [] {}).ok());
    s.workers.serve(0);
    s.mailroom.pump();
    CHECK(s.workers.services[1] == old);
    CHECK(old->version() == old_version);  // AddressSanitizer would see a snapshot freed too early
    s.turn();
    CHECK(s.workers.services[1]->version() > old_version);
}

TEST_CASE("the past is the file read last, what was set after it, and how many changes there were") {
    Setup s;
    const auto past = [&] { return s.runtime.past(base::instant_from_ns(77)); };
    CHECK(past().began == 77);
    CHECK(past().config.empty());
    CHECK(past().directory.version == 1);
    s.runtime.set_tunable("fin_timeout", "20s", [](const auto&) {});
    s.runtime.set_tunable("tcp_fin_timeout", "30s", [](const auto&) {});
    CHECK(past().tunables == std::vector{record::Revision{"fin_timeout", "30s"}});
    CHECK(past().revision_count == 2);
    const std::string text = config_text("/run") + "tcp: {sack: false}\n";
    REQUIRE(s.runtime
                .apply(
                    config_of(text), [] {}, text)
                .ok());
    s.runtime.set_tunable("retries2", "8", [](const auto&) {});
    CHECK(past().config == text);
    CHECK(past().tunables == std::vector{record::Revision{"retries2", "8"}});
    CHECK(past().revision_count == 4);
    CHECK(past().directory == s.runtime.directory().past());
    CHECK(past().directory.version == 2);
}
