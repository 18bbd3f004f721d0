#include "config/sysctl.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "config/keys.hpp"

using namespace terminus;
using namespace terminus::config;

TEST_CASE("every tunable is listed with its value and default") {
    Tcp tcp;
    REQUIRE(set_tunable(tcp, "fin_timeout", "30s").ok());
    const auto list = list_tunables(tcp);
    CHECK(list.size() == tcp_keys().size());
    const auto found = get_tunable(tcp, "fin_timeout");
    REQUIRE(found.ok());
    CHECK(found.value().value == "30s");
    CHECK(found.value().fresh == "60s");
    CHECK(found.value().range == "1s … 1h");
}

TEST_CASE("a tunable is found by each of Linux's spellings") {
    const Tcp tcp;
    for (const char* name :
         {"fin_timeout", "tcp_fin_timeout", "tcp.fin_timeout", "net.ipv4.tcp_fin_timeout"}) {
        const auto found = get_tunable(tcp, name);
        REQUIRE(found.ok());
        CHECK(found.value().name == "fin_timeout");
    }
}

TEST_CASE("an unknown tunable is answered by the likely one or by why it is not there") {
    const Tcp tcp;
    CHECK(get_tunable(tcp, "fin_timout").error() ==
          "there is no tunable `fin_timout`; did you mean `fin_timeout`?");
    CHECK(get_tunable(tcp, "fastopen").error() == "`fastopen` is not in this version");
    CHECK(get_tunable(tcp, "timewait").error().find("the length of TIME_WAIT is `tcp.time_wait`") !=
          std::string::npos);
}

TEST_CASE("a faulty value changes nothing") {
    Tcp tcp;
    CHECK(set_tunable(tcp, "fin_timeout", "30").error() ==
          "fin_timeout: `30` has no unit; did you mean `30s`?");
    CHECK_FALSE(set_tunable(tcp, "hop_limit", "256").ok());
    CHECK(set_tunable(tcp, "rto_min", "60s").ok());
    CHECK_FALSE(set_tunable(tcp, "rto_max", "50s").ok());
    Tcp expected;
    expected.rto_min = std::chrono::seconds(60);
    CHECK(tcp == expected);
}

TEST_CASE("tunables as numbers are in seconds, bytes and pieces") {
    Tcp tcp;
    tcp.rto_min = std::chrono::milliseconds(250);
    for (const TunableNumber& number : tunable_numbers(tcp)) {
        if (number.name == "rto_min") CHECK(number.value == 0.25);
        if (number.name == "rmem") CHECK(number.value == 1048576);
        if (number.name == "keepalive") CHECK(number.value == 1);
        if (number.name == "hop_limit") CHECK(number.value == 64);
    }
    // A word is no number.
    const auto is_word = [](const Key& key) { return key.type == Type::Choice; };
    const auto words = std::count_if(tcp_keys().begin(), tcp_keys().end(), is_word);
    CHECK(words == 1);
    CHECK(tunable_numbers(tcp).size() + static_cast<std::size_t>(words) == tcp_keys().size());
}
