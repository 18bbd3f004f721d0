#include "config/diff.hpp"

#include <catch2/catch.hpp>

#include "config/support.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {
Lines changes(const std::string& before, const std::string& after) {
    Lines lines;
    for (const config::Change& change : config::diff(good(before), good(after)))
        lines.push_back(change.to_string());
    return lines;
}
}  // namespace

TEST_CASE("equal files have no differences") {
    CHECK(changes(kGoodFile, kGoodFile + "tcp: {fin_timeout: 60s}\n").empty());
    CHECK(good(kGoodFile) == good(kGoodFile));
}

TEST_CASE("a changed tunable is live and a changed worker needs a restart") {
    CHECK(changes(kGoodFile, kGoodFile + "tcp: {fin_timeout: 30s}\nworkers: {count: 2}\n") ==
          Lines{"workers.count: 1 → 2 (needs a restart)", "tcp.fin_timeout: 60s → 30s"});
}

TEST_CASE("entries are matched by name, whatever their order") {
    const std::string other = "  - {name: api, listen: [192.0.2.81:80], pool: web}\n";
    const std::string first = replaced(kGoodFile, "services:\n", "services:\n" + other);
    CHECK(changes(kGoodFile + other, first).empty());
    CHECK(changes(kGoodFile, kGoodFile + other) == Lines{"services[api]: added"});
    CHECK(changes(kGoodFile + other, kGoodFile) == Lines{"services[api]: removed"});
}

TEST_CASE("changes inside of entries name the entry") {
    CHECK(changes(kGoodFile, replaced(kGoodFile, "    backends:\n",
                                      "    retries: 5\n    backends:\n      - address: 192.0.2.11:80\n")) ==
          Lines{"pools[web].retries: 2 → 5", "pools[web].backends[192.0.2.11:80]: added"});
    CHECK(changes(kGoodFile, replaced(kGoodFile, "[192.0.2.80:80]", "[192.0.2.80:80, 192.0.2.80:81]")) ==
          Lines{"services[www].listen: [192.0.2.80:80] → [192.0.2.80:80, 192.0.2.80:81]"});
}

TEST_CASE("ports and routes need a restart") {
    CHECK(changes(kGoodFile, replaced(kGoodFile, "    device:", "    mtu: 1400\n    device:")) ==
          Lines{"ports[front].mtu: 1500 → 1400 (needs a restart)"});
    CHECK(changes(kGoodFile, kGoodFile + "routes: [{to: 0.0.0.0/0, via: 192.0.2.1}]\n") ==
          Lines{"routes[0.0.0.0/0]: added (needs a restart)"});
}

TEST_CASE("the live part takes what a reload can change and leaves the rest") {
    const config::Config running = good(kGoodFile);
    const config::Config wanted =
        good(replaced(kGoodFile, "192.0.2.10:8080", "192.0.2.11:8080") +
             "tcp: {fin_timeout: 30s, rto_min: 300ms}\nworkers: {count: 2}\nlog: {level: debug}\n"
             "drain: {delay: 1s}\nmetrics: {listen: 127.0.0.1:9999}\n");
    const config::Config live = config::live_part(running, wanted);
    CHECK(live.tcp == wanted.tcp);
    CHECK(live.pools == wanted.pools);
    CHECK(live.log == wanted.log);
    CHECK(live.drain == wanted.drain);
    CHECK(live.workers == running.workers);
    CHECK(live.metrics == running.metrics);
    for (const config::Change& left : config::diff(live, wanted)) {
        CAPTURE(left.path);
        CHECK(left.needs_restart);
    }
}
