#include "drill/shell_commands.hpp"

#include <catch2/catch.hpp>

namespace terminus::drill {
namespace {

base::Result<tcp::Tunables, std::string> any_tunable(const Assignments&) {
    return tcp::Tunables{};
}
base::Result<tcp::Tunables, std::string> all_but_sack(const Assignments& all) {
    for (const auto& [name, value] : all)
        if (name == "sack") return base::Failure{"there is no " + name};
    return tcp::Tunables{};
}

struct Ran {
    base::Result<CommandsEffect, Fault> result;
    Assignments set;
};
Ran run(std::string_view text, Moment moment = Moment::OnTheWay, TunablesOf tunables_of = any_tunable) {
    Assignments set;
    auto result = run_commands(text, 5, moment, tunables_of, set);
    return {std::move(result), std::move(set)};
}

TEST_CASE("a command after || runs only when the one before was refused") {
    const Ran first = run("sysctl -q net.ipv4.tcp_timestamps=1 || sysctl -q net.ipv4.tcp_dsack=1");
    CHECK(first.result);
    CHECK(first.set == Assignments{{"timestamps", "true"}});
    const Ran second = run("sysctl -q net.ipv4.tcp_sack=1 || sysctl -q net.ipv4.tcp_dsack=1",
                           Moment::OnTheWay, all_but_sack);
    CHECK(second.result);
    CHECK(second.set == Assignments{{"dsack", "true"}});
    const Ran refused = run("\nsysctl net.ipv4.tcp_sack=1", Moment::OnTheWay, all_but_sack);
    REQUIRE_FALSE(refused.result);
    CHECK(refused.result.error().line == 6);
}

TEST_CASE("the public scripts' baseline sets all of it, and fails with what can't be set") {
    const Ran all = run("../../common/defaults.sh");
    REQUIRE(all.result);
    const Assignments expected{{"rmem", "4096 540000 15728640"},
                               {"wmem", "4096 262144 4194304"},
                               {"timestamps", "true"},
                               {"syn_retries", "5"},
                               {"synack_retries", "5"},
                               {"frto", "true"},
                               {"sack", "true"},
                               {"dsack", "true"},
                               {"congestion_control", "cubic"},
                               {"slow_start_after_idle", "0"},
                               {"early_retrans", "true"},
                               {"ecn", "0"},
                               {"notsent_lowat", "4294967295"},
                               {"fastopen", "1027"},
                               {"fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
                               {"syncookies", "1"}};
    CHECK(all.set == expected);
    CHECK(all.result.value().forgets_peers);
    const Ran some = run("common/defaults.sh", Moment::AtTheStart, all_but_sack);
    REQUIRE_FALSE(some.result);
    CHECK(some.result.error().message == "tcp_sack=1: there is no sack");
    CHECK_FALSE(run("./defaults.sh").result);
}

TEST_CASE("`ip tcp_metrics flush all` is for the machine, and any other `ip` is refused") {
    const Ran flush = run("ip tcp_metrics flush all > /dev/null 2>&1");
    REQUIRE(flush.result);
    CHECK(flush.result.value().forgets_peers);
    CHECK_FALSE(run("sysctl -q net.ipv4.tcp_sack=1").result.value().forgets_peers);
    for (const char* other :
         {"ip tcp_metrics flush", "ip tcp_metrics flush 192.0.2.1", "ip tcp_metrics show all",
          "ip tcp_metrics flush all all", "ip route flush cache"}) {
        const Ran refused = run(other);
        REQUIRE_FALSE(refused.result);
        CHECK(refused.result.error().is_skipped);
    }
}

TEST_CASE("sysctls are restored at the end only, when the machine is gone") {
    CHECK(run("/tmp/sysctl_restore_${PPID}.sh", Moment::AtTheEnd).result);
    for (const Moment moment : {Moment::AtTheStart, Moment::OnTheWay}) {
        const Ran refused = run("/tmp/sysctl_restore_${PPID}.sh", moment);
        REQUIRE_FALSE(refused.result);
        CHECK_FALSE(refused.result.error().is_skipped);
    }
}

}  // namespace
}  // namespace terminus::drill
