#include "config/value.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using namespace terminus::config;
using namespace std::chrono_literals;

TEST_CASE("durations are read with each unit") {
    CHECK(parse_duration("100us").value() == 100us);
    CHECK(parse_duration("200ms").value() == 200ms);
    CHECK(parse_duration("60s").value() == 60s);
    CHECK(parse_duration("5m").value() == 5min);
    CHECK(parse_duration("2h").value() == 2h);
    CHECK(parse_duration("1d").value() == 24h);
    CHECK(parse_duration("0").value() == 0s);
}

TEST_CASE("a duration without unit is refused with the likely one") {
    CHECK(parse_duration("60").error() == "`60` has no unit; did you mean `60s`?");
}

TEST_CASE("what is no duration is refused") {
    for (const char* text : {"", "s", "-5s", "1.5s", "5 s", "5sec", "5S", "0x5s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).ok());
    }
}

TEST_CASE("the longest duration fits 64-bit nanoseconds and one more does not") {
    CHECK(parse_duration("9223372036s").ok());
    CHECK_FALSE(parse_duration("9223372037s").ok());
    CHECK_FALSE(parse_duration("99999999999999999999s").ok());
}

TEST_CASE("durations are written by the largest unit that leaves them whole") {
    CHECK(format_duration(0s) == "0s");
    CHECK(format_duration(100us) == "100us");
    CHECK(format_duration(1500ms) == "1500ms");
    CHECK(format_duration(60s) == "60s");
    CHECK(format_duration(120s) == "120s");
    CHECK(format_duration(3min) == "3m");
    CHECK(format_duration(2h) == "2h");
    CHECK(format_duration(48h) == "48h");
}

TEST_CASE("sizes are powers of 1024") {
    CHECK(parse_size("512").value() == 512);
    CHECK(parse_size("64k").value() == 65536);
    CHECK(parse_size("64K").value() == 65536);
    CHECK(parse_size("1M").value() == 1048576);
    CHECK(parse_size("2G").value() == 2147483648u);
    CHECK(format_size(1048576) == "1M");
    CHECK(format_size(1536) == "1536");
    CHECK(format_size(2048) == "2k");
    CHECK(format_size(0) == "0");
}

TEST_CASE("a size that could mean thousandths or overflows is refused") {
    for (const char* text : {"1m", "1g", "1kB", "k", "-1k", "99999999999G", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text).ok());
    }
}

TEST_CASE("counts are whole decimal numbers") {
    CHECK(parse_count("0").value() == 0);
    CHECK(parse_count("65536").value() == 65536);
    for (const char* text : {"", "-1", "+1", "1.0", "1e3", "0x10", "1 ", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_count(text).ok());
    }
}

TEST_CASE("bools have the words of YAML and the digits of sysctl") {
    for (const char* text : {"true", "yes", "on", "1", "TRUE"})
        CHECK(parse_bool(text).value());
    for (const char* text : {"false", "no", "off", "0", "False"})
        CHECK_FALSE(parse_bool(text).value());
    CHECK(parse_bool("2").error() == "`2` is neither true nor false");
}

TEST_CASE("file modes are three or four octal digits") {
    CHECK(parse_mode("0660").value() == 0660);
    CHECK(parse_mode("600").value() == 0600);
    CHECK(format_mode(0660) == "0660");
    for (const char* text : {"66", "0668", "rw-rw----", "00660"})
        CHECK_FALSE(parse_mode(text).ok());
}

TEST_CASE("endpoints of both families are read") {
    CHECK(parse_endpoint("192.0.2.1:80").value() == wire::Endpoint{wire::IpAddress::v4(192, 0, 2, 1), 80});
    const auto v6 = parse_endpoint("[2001:db8::1]:443");
    REQUIRE(v6.ok());
    CHECK(v6.value().to_string() == "[2001:db8::1]:443");
    CHECK(parse_endpoint("192.0.2.1:0").ok());
    CHECK(parse_endpoint("192.0.2.1:65535").ok());
}

TEST_CASE("a faulty endpoint is told what it lacks") {
    CHECK(parse_endpoint("192.0.2.1").error() == "`192.0.2.1` has no port; it is written `192.0.2.1:80`");
    CHECK(parse_endpoint("2001:db8::1").error() ==
          "`2001:db8::1` has no port; it is written `[2001:db8::1]:80`");
    CHECK(parse_endpoint("[192.0.2.1]:80").error() == "`[192.0.2.1]:80` has an IPv4 address in brackets");
    CHECK(parse_endpoint("192.0.2.1:65536").error() == "`192.0.2.1:65536` has no port between 0 and 65535");
    CHECK_FALSE(parse_endpoint("localhost:80").ok());
    CHECK_FALSE(parse_endpoint("").ok());
    CHECK_FALSE(parse_endpoint(":80").ok());
}

TEST_CASE("an address and a prefix are told apart") {
    CHECK(parse_address("192.0.2.1/24").error() == "`192.0.2.1/24` has a prefix length; an address has none");
    CHECK(parse_prefix("192.0.2.1").error() ==
          "`192.0.2.1` has no prefix length; did you mean `192.0.2.1/24`?");
    CHECK(parse_prefix("192.0.2.1/24").ok());
    CHECK_FALSE(parse_prefix("192.0.2.1/33").ok());
}

TEST_CASE("quoted text is cut and has no control characters") {
    CHECK(quoted("abc") == "`abc`");
    CHECK(quoted("a\x1b[2J") == "`a?[2J`");
    CHECK(quoted(std::string(61, 'x')) == "`" + std::string(60, 'x') + "…`");
    CHECK(quoted(std::string(60, 'x')) == "`" + std::string(60, 'x') + "`");
}

TEST_CASE("the edit distance counts inserted, missing, changed and swapped letters") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("mtu", "mtu") == 0);
    CHECK(edit_distance("mtu", "mtus") == 1);
    CHECK(edit_distance("mtu", "mut") == 1);
    CHECK(edit_distance("fin_timout", "fin_timeout") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is found and a far one is not") {
    const std::vector<std::string> words{"fin_timeout", "time_wait", "rmem"};
    CHECK(nearest("fin_timeuot", words) == "fin_timeout");
    CHECK(nearest("wmem", words) == "rmem");
    CHECK_FALSE(nearest("colour", words).has_value());
}
