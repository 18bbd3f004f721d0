#include "config/load.hpp"

#include <catch2/catch.hpp>

#include "config/support.hpp"

using namespace terminus;
using namespace terminus::test;

TEST_CASE("a small file is read and the rest has its defaults") {
    const config::Config c = good(kGoodFile + "tcp: {fin_timeout: 30s}\n");
    REQUIRE(c.ports.size() == 1);
    CHECK(c.ports[0].device == "net_tap0,iface=front");
    REQUIRE(c.ports[0].addresses.size() == 2);
    CHECK(c.ports[0].addresses[1].to_string() == "2001:db8::2/64");
    CHECK(c.ports[0].mtu == 1500);
    CHECK_FALSE(c.ports[0].queues.has_value());
    REQUIRE(c.services.size() == 1);
    CHECK(c.services[0].listen[0].to_string() == "192.0.2.80:80");
    CHECK(c.tcp.fin_timeout == std::chrono::seconds(30));
    CHECK(c.tcp.time_wait == std::chrono::seconds(60));
    CHECK(c.drain == config::Drain{});
}

TEST_CASE("a backend without name is called by its address") {
    CHECK(good(kGoodFile).pools[0].backends[0].name == "192.0.2.10:8080");
}

TEST_CASE("an unknown key is reported with its place and the likely one") {
    CHECK(errors_of(kGoodFile + "tcp:\n  fin_timout: 60s\n") ==
          Lines{"t.yaml:14:3: unknown key `tcp.fin_timout`; did you mean `fin_timeout`?"});
    CHECK(errors_of(kGoodFile + "servces: []\n") ==
          Lines{"t.yaml:13:1: unknown key `servces`; did you mean `services`?"});
}

TEST_CASE("a key in the wrong place is sent to the right one") {
    CHECK(errors_of(kGoodFile + "fin_timeout: 60s\n") ==
          Lines{"t.yaml:13:1: unknown key `fin_timeout`; did you mean `tcp.fin_timeout`?"});
}

TEST_CASE("a duplicate key is reported with the line of the first") {
    CHECK(errors_of(kGoodFile + "drain:\n  delay: 1s\n  delay: 2s\n") ==
          Lines{"t.yaml:15:3: duplicate key `drain.delay`, first given on line 14"});
    CHECK(errors_of(kGoodFile + "ports: []\n") ==
          Lines{"t.yaml:13:1: duplicate key `ports`, first given on line 1"});
}

TEST_CASE("Linux's full spelling is an alias, and both together are a duplicate") {
    CHECK(good(kGoodFile + "tcp: {tcp_fin_timeout: 30s}\n").tcp.fin_timeout == std::chrono::seconds(30));
    CHECK(errors_of(kGoodFile + "tcp:\n  fin_timeout: 30s\n  tcp_fin_timeout: 20s\n") ==
          Lines{"t.yaml:15:3: duplicate key `tcp.fin_timeout`, first given on line 14"});
}

TEST_CASE("a value of the wrong kind is reported with the offending text") {
    CHECK(errors_of(kGoodFile + "tcp: 5\n") ==
          Lines{"t.yaml:13:6: tcp: expected a mapping of keys, found one value `5`"});
    CHECK(errors_of(kGoodFile + "log: {level: [info]}\n") ==
          Lines{"t.yaml:13:14: log.level: expected word, found a list"});
    CHECK(errors_of(kGoodFile + "routes: none\n") ==
          Lines{"t.yaml:13:9: routes: expected a list, found one value `none`"});
    CHECK(errors_of(kGoodFile + "eal: --no-huge\n") ==
          Lines{"t.yaml:13:6: eal: expected list of text (`[a, b]`), found one value `--no-huge`"});
    CHECK(errors_of(kGoodFile + "log: {level: }\n") ==
          Lines{"t.yaml:13:14: log.level: expected word, found nothing"});
}

TEST_CASE("a word that is not in its list is reported with the likely one") {
    CHECK(errors_of(kGoodFile + "log: {level: inof}\n") ==
          Lines{"t.yaml:13:14: log.level: `inof` is not one of `trace`, `debug`, `info`, `warning`, `error`; "
                "did you mean `info`?"});
}

TEST_CASE("a range is inclusive at both ends") {
    const auto with = [](const std::string& value) {
        return errors_of(kGoodFile + "tcp: {hop_limit: " + value + "}\n");
    };
    CHECK(with("1").empty());
    CHECK(with("255").empty());
    CHECK(with("0") == Lines{"t.yaml:13:18: tcp.hop_limit: `0` is out of range 1 … 255"});
    CHECK(with("256") == Lines{"t.yaml:13:18: tcp.hop_limit: `256` is out of range 1 … 255"});
    CHECK(with("18446744073709551615").size() == 1);
    CHECK(with("-1") == Lines{"t.yaml:13:18: tcp.hop_limit: `-1` is not a whole number"});
}

TEST_CASE("fin_timeout out of range says which key is the length of TIME_WAIT") {
    const Lines errors = errors_of(kGoodFile + "tcp: {fin_timeout: 2h}\n");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0] ==
          "t.yaml:13:20: tcp.fin_timeout: `2h` is out of range 1s … 1h (it limits an orphaned "
          "FIN_WAIT_2; the length of TIME_WAIT is `tcp.time_wait`)");
}

TEST_CASE("invented names for the length of TIME_WAIT lead to time_wait and say what fin_timeout is") {
    for (const char* name : {"tw_timeout", "timewait_len", "msl", "tcp_timewait"}) {
        const Lines errors = errors_of(kGoodFile + "tcp: {" + name + ": 60s}\n");
        REQUIRE(errors.size() == 1);
        CAPTURE(errors[0]);
        CHECK(errors[0].find(
                  "is no key: the length of TIME_WAIT is `tcp.time_wait`, 2 MSL; `tcp.fin_timeout` is") !=
              std::string::npos);
    }
}

TEST_CASE("a feature that is not there yet is refused, not ignored") {
    CHECK(errors_of(kGoodFile + "tcp:\n  fack: 1\n  tcp_thin_linear_timeouts: 1\n") ==
          Lines{"t.yaml:14:3: `tcp.fack` is not in this version",
                "t.yaml:15:3: `tcp.thin_linear_timeouts` is not in this version"});
}

TEST_CASE("a congestion control is chosen for all, and for each leg of a service") {
    const config::Config none = good(kGoodFile);
    CHECK(none.tcp.congestion_control == config::CongestionControl::Cubic);
    CHECK(none.services[0].client.congestion_control == std::nullopt);
    const config::Config chosen = good(replaced(kGoodFile, "    pool: web\n",
                                                "    pool: web\n    client: {congestion_control: bbr}\n"
                                                "    backend: {congestion_control: tcp}\n") +
                                       "tcp:\n  tcp_congestion_control: reno\n");
    CHECK(chosen.tcp.congestion_control == config::CongestionControl::Reno);
    CHECK(chosen.services[0].client.congestion_control == config::CongestionControl::Bbr);
    CHECK(chosen.services[0].backend.congestion_control == std::nullopt);
    CHECK(errors_of(kGoodFile + "tcp:\n  congestion_control: vegas\n").size() == 1);
}

TEST_CASE("a traffic class is chosen for all, and for each leg of a service") {
    const config::Config none = good(kGoodFile);
    CHECK(none.services[0].client.traffic_class == std::nullopt);
    const config::Config chosen = good(
        replaced(kGoodFile, "    pool: web\n",
                 "    pool: web\n    client: {traffic_class: 184}\n    backend: {traffic_class: tcp}\n") +
        "tcp:\n  traffic_class: 32\n");
    CHECK(chosen.tcp.traffic_class == 32);
    CHECK(chosen.services[0].client.traffic_class == 184);
    CHECK(chosen.services[0].backend.traffic_class == std::nullopt);
    CHECK(
        errors_of(replaced(kGoodFile, "    pool: web\n", "    pool: web\n    client: {traffic_class: 256}\n"))
            .size() == 1);
}

TEST_CASE("flow labels are chosen for all, and for each leg of a service") {
    CHECK(good(kGoodFile).tcp.auto_flowlabels);
    CHECK(good(kGoodFile).services[0].client.auto_flowlabels == std::nullopt);
    const config::Config chosen = good(
        replaced(
            kGoodFile, "    pool: web\n",
            "    pool: web\n    client: {auto_flowlabels: true}\n    backend: {auto_flowlabels: tcp}\n") +
        "tcp:\n  auto_flowlabels: false\n");
    CHECK_FALSE(chosen.tcp.auto_flowlabels);
    CHECK(chosen.services[0].client.auto_flowlabels == true);
    CHECK(chosen.services[0].backend.auto_flowlabels == std::nullopt);
}

TEST_CASE("a required key that is missing is reported at its mapping") {
    CHECK(errors_of(replaced(kGoodFile, "    pool: web\n", "")) ==
          Lines{"t.yaml:10:5: `pool` is missing in `services[0]`"});
}

TEST_CASE("all errors of a file come at once and in its order") {
    const Lines errors =
        errors_of(replaced(kGoodFile, "net_tap0,", "net_tap,") +
                  "tcp:\n  rmem: 64q\n  keepalive: maybe\n  nodelya: true\nlog: {level: 5}\n");
    REQUIRE(errors.size() == 5);
    CHECK(errors[0].starts_with("t.yaml:3:13: ports[0].device: `net_tap,iface=front` has no number"));
    CHECK(errors[1].starts_with("t.yaml:14:9: tcp.rmem: `64q` is not a size"));
    CHECK(errors[2].starts_with("t.yaml:15:14: tcp.keepalive: `maybe` is neither"));
    CHECK(errors[3].starts_with("t.yaml:16:3: unknown key `tcp.nodelya`; did you mean `nodelay`?"));
    CHECK(errors[4].starts_with("t.yaml:17:14: log.level: `5` is not one of"));
}

TEST_CASE("a file with more than a hundred errors ends with how many there are") {
    std::string text = kGoodFile + "eal:\n";
    for (int i = 0; i < 64; ++i)
        text += "  - [x]\n";
    text += "workers: {lcores: [";
    for (int i = 0; i < 60; ++i)
        text += "2000, ";
    const Lines errors = errors_of(text + "2000]}\n");
    REQUIRE(errors.size() == 101);
    CHECK(errors.back().starts_with("t.yaml: and "));
}

TEST_CASE("queues are a number or auto") {
    const auto with = [](const std::string& value) {
        return replaced(kGoodFile, "    device:", "    queues: " + value + "\n    device:");
    };
    CHECK(good(with("4")).ports[0].queues == 4);
    CHECK_FALSE(good(with("auto")).ports[0].queues.has_value());
    CHECK(errors_of(with("many")) == Lines{"t.yaml:3:13: ports[0].queues: `many` is not a whole number"});
    CHECK(errors_of(with("0")) == Lines{"t.yaml:3:13: ports[0].queues: `0` is out of range 1 … 64"});
}

TEST_CASE("the source port range is two ports in order, at least 1024 of them") {
    CHECK(good(kGoodFile + "source_port_range: [10000, 11023]\n").source_port_range ==
          config::PortRange{10000, 11023});
    CHECK(errors_of(kGoodFile + "source_port_range: [10000, 11022]\n").size() == 1);
    CHECK(errors_of(kGoodFile + "source_port_range: [20000, 10000]\n").size() == 1);
    CHECK(errors_of(kGoodFile + "source_port_range: [0, 65535]\n").size() == 1);
    CHECK(errors_of(kGoodFile + "source_port_range: [1024, 65536]\n").size() == 1);
    CHECK(errors_of(kGoodFile + "source_port_range: 1024-65535\n").size() == 1);
    CHECK(errors_of(kGoodFile + "source_port_range: [1, 2, 3]\n").size() == 1);
}

TEST_CASE("a buffer in the file is a size or a list of three") {
    const auto tcp_with = [](const std::string& rmem) { return kGoodFile + "tcp: {rmem: " + rmem + "}\n"; };
    CHECK(good(tcp_with("[8k, 64k, 2M]")).tcp.rmem == config::BufferSizes{8192, 65536, 2 << 20});
    CHECK(good(tcp_with("64k")).tcp.rmem == config::BufferSizes{4096, 65536, 65536});
    CHECK(errors_of(tcp_with("[8k, 2M]")).size() == 1);
    CHECK(errors_of(tcp_with("[8k, 64k, [2M]]")).size() == 1);
    CHECK(errors_of(tcp_with("{max: 2M}")).size() == 1);
    CHECK(errors_of(tcp_with("[2M, 64k, 8k]")).size() == 1);
}

TEST_CASE("the admin socket's mode never opens it to others") {
    const auto with = [](const std::string& mode) {
        return errors_of(kGoodFile + "admin: {mode: \"" + mode + "\"}\n");
    };
    CHECK(with("0660").empty());
    CHECK(with("0600").empty());
    CHECK(with("0666").size() == 1);
    CHECK(with("0640").empty());
    CHECK(with("0060").size() == 1);
    CHECK(with("0770").size() == 1);
}

TEST_CASE("a section without entries is allowed") {
    CHECK(good(kGoodFile + "tcp:\nroutes:\n") == good(kGoodFile));
}
