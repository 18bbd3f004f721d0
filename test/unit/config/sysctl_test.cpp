#include "config/sysctl.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

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
    CHECK(get_tunable(tcp, "fack").error() == "`fack` is not in this version");
    CHECK(get_tunable(tcp, "timewait").error().find("the length of TIME_WAIT is `tcp.time_wait`") !=
          std::string::npos);
}

TEST_CASE("a Fast Open key is written as Linux writes it, and its faults don't repeat it") {
    Tcp tcp;
    CHECK(get_tunable(tcp, "tcp_fastopen_key").value().value == "own");
    const std::string one = "01234567-89abcdef-00112233-44556677";
    const std::string two = one + ",00000000-00000000-00000000-00000001";
    for (const std::string& key : {one, two, std::string("own")}) {
        CHECK(set_tunable(tcp, "fastopen_key", key).ok());
        CHECK(get_tunable(tcp, "fastopen_key").value().value == key);
    }
    for (const std::string& bad : {std::string("zz"), one + ",", one + "," + one.substr(1),
                                   std::string("0123456789abcdef0011223344556677"),
                                   std::string("0123456x-89abcdef-00112233-44556677"), one + "0"}) {
        const auto set = set_tunable(tcp, "fastopen_key", bad);
        CHECK(set.error().find("is not a key as") != std::string::npos);
        CHECK(set.error().find(bad) == std::string::npos);
    }
}

TEST_CASE("fastopen takes Linux's bits and no others") {
    Tcp tcp;
    for (const char* good : {"0", "2", "514", "1026"})
        CHECK(set_tunable(tcp, "fastopen", good).ok());
    for (const char* bad : {"8", "256", "2048", "0x2"})
        CHECK_FALSE(set_tunable(tcp, "fastopen", bad).ok());
}

TEST_CASE("a buffer is one size or three in order, as Linux or the file writes them") {
    Tcp tcp;
    const auto set = [&](const char* text) { return set_tunable(tcp, "rmem", text).ok(); };
    CHECK(set("4096 131072 6291456"));
    CHECK(tcp.rmem == BufferSizes{4096, 131072, 6291456});
    CHECK(get_tunable(tcp, "rmem").value().value == "[4k, 128k, 6M]");
    CHECK(set("[8k, 128k, 6M]"));  // as it is shown
    CHECK(tcp.rmem == BufferSizes{8192, 131072, 6291456});
    CHECK(set("1M"));
    CHECK(tcp.rmem == BufferSizes{4096, 1 << 20, 1 << 20});
    CHECK(get_tunable(tcp, "rmem").value().value == "1M");
    for (const char* bad : {"", "4k 128k", "4k 128k 6M 7M", "128k 4k 6M", "4k 6M 128k", "4k 128k 6q",
                            "1k 2k 3k", "4k 128k 2G", "[]"}) {
        CAPTURE(bad);
        CHECK_FALSE(set(bad));
    }
    CHECK(tcp.rmem == BufferSizes{4096, 1 << 20, 1 << 20});
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
        if (number.name == "rmem_default") CHECK(number.value == 131072);
        if (number.name == "rmem_max") CHECK(number.value == 6291456);
        if (number.name == "notsent_lowat") CHECK(std::isinf(number.value));
        if (number.name == "keepalive") CHECK(number.value == 1);
        if (number.name == "hop_limit") CHECK(number.value == 64);
    }
    // A word is no number, and a key nobody's business.
    const auto is_word = [](const Key& key) { return key.type == Type::Choice || key.type == Type::Text; };
    const auto words = std::count_if(tcp_keys().begin(), tcp_keys().end(), is_word);
    CHECK(words == 2);
    const auto is_buffer = [](const Key& key) { return key.type == Type::Buffer; };
    const auto buffers = std::count_if(tcp_keys().begin(), tcp_keys().end(), is_buffer);
    CHECK(buffers == 2);  // of three numbers each
    CHECK(tunable_numbers(tcp).size() + static_cast<std::size_t>(words) ==
          tcp_keys().size() + 2 * static_cast<std::size_t>(buffers));
}

TEST_CASE("several tunables are set as if at once") {
    Tcp tcp;
    REQUIRE(set_tunable(tcp, "rto_max", "2s").ok());
    CHECK_FALSE(set_tunable(tcp, "rto_min", "3s").ok());
    REQUIRE(set_tunables(tcp, {{"rto_min", "3s"}, {"rto_initial", "3s"}, {"rto_max", "4s"}}).ok());
    CHECK(tcp.rto_min == std::chrono::seconds(3));
    CHECK(tcp.rto_max == std::chrono::seconds(4));
    const Tcp before = tcp;
    const auto refused = set_tunables(tcp, {{"fin_timeout", "30s"}, {"rto_max", "2s"}});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == "`rto_min` and `rto_initial` can't be longer than `rto_max`");
    CHECK(tcp == before);
}
