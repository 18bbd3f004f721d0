#include <catch2/catch.hpp>

#include "config/support.hpp"

// What no single key can tell.
using namespace terminus;
using namespace terminus::test;

TEST_CASE("a service's pool must exist") {
    CHECK(errors_of(replaced(kGoodFile, "pool: web", "pool: wbe")) ==
          Lines{"t.yaml:12:11: services[0].pool: there is no pool `wbe`; did you mean `web`?"});
}

TEST_CASE("names are unique within their list") {
    CHECK(errors_of(kGoodFile + "  - {name: www, listen: [192.0.2.81:80], pool: web}\n") ==
          Lines{"t.yaml:13:12: services[1].name: `www` is used before, by services[0]"});
}

TEST_CASE("an endpoint is listened on once") {
    CHECK(errors_of(kGoodFile + "  - {name: w2, listen: [192.0.2.80:80], pool: web}\n") ==
          Lines{"t.yaml:13:25: services[1].listen[0]: `192.0.2.80:80` is listened on before, by "
                "services[0].listen[0]"});
    CHECK(errors_of(kGoodFile + "  - {name: w2, listen: [192.0.2.80:81], pool: web}\n").empty());
}

TEST_CASE("a backend is none of our own addresses") {
    CHECK(errors_of(replaced(kGoodFile, "192.0.2.10:8080", "192.0.2.80:8080")) ==
          Lines{"t.yaml:8:18: pools[0].backends[0].address: `192.0.2.80:8080` is our own address, by "
                "services[0].listen[0]"});
    CHECK(errors_of(replaced(kGoodFile, "192.0.2.10:8080", "192.0.2.2:8080")).size() == 1);
}

TEST_CASE("a backend must be reachable by a port's network or a route") {
    const std::string far = replaced(kGoodFile, "192.0.2.10:8080", "198.51.100.1:8080");
    CHECK(errors_of(far) ==
          Lines{"t.yaml:8:18: pools[0].backends[0].address: no port's network and no route leads "
                "to `198.51.100.1`"});
    CHECK(errors_of(far + "routes: [{to: 198.51.100.0/24, via: 192.0.2.1}]\n").empty());
}

TEST_CASE("an IPv6 backend needs an IPv6 address to be reached from") {
    const std::string only_v4 = replaced(kGoodFile, ", \"2001:db8::2/64\"", "");
    const std::string text = replaced(only_v4, "192.0.2.10:8080", "\"[2001:db8:1::1]:80\"") +
                             "routes: [{to: \"2001:db8:1::/64\", port: front}]\n";
    CHECK(errors_of(text) ==
          Lines{"t.yaml:8:18: pools[0].backends[0].address: `[2001:db8:1::1]:80` needs an IPv6 "
                "address to be reached from: none in `source_addresses`, none on a port"});
    CHECK(errors_of(replaced(text, "    backends:", "    source_addresses: [\"2001:db8::7\"]\n    backends:"))
              .empty());
}

TEST_CASE("at least one port is needed") {
    CHECK(errors_of("ports: 5\n") == Lines{"t.yaml:1:8: ports: expected a list, found one value `5`"});
    CHECK(errors_of("log: {level: info}\n") == Lines{"t.yaml:1:1: ports: at least one port is needed"});
}

TEST_CASE("addresses that no machine can have are refused") {
    const auto with = [](const std::string& address) {
        return errors_of(replaced(kGoodFile, "192.0.2.80:80", address));
    };
    CHECK(with("224.0.0.1:80") ==
          Lines{"t.yaml:11:14: services[0].listen[0]: `224.0.0.1` is a multicast address"});
    CHECK(with("0.0.0.0:80").size() == 1);
    CHECK(with("127.0.0.1:80").size() == 1);
    CHECK(with("255.255.255.255:80").size() == 1);
    CHECK(with("\"[ff02::1]:80\"").size() == 1);
    CHECK(with("\"[fe80::1]:80\"").size() == 1);
    CHECK(with("192.0.2.80:0").size() == 1);
    CHECK(with("192.0.2.80:65535").empty());
    // RFC 9293 3.9.1.1, MUST-46: nothing is ever opened to an address of many.
    for (const std::string many : {"224.0.0.1:80", "255.255.255.255:80", "\"[ff02::1]:80\""})
        CHECK(errors_of(replaced(kGoodFile, "192.0.2.10:8080", many)).size() == 1);
}

TEST_CASE("a port's address is a machine's within its network") {
    const auto with = [](const std::string& address) {
        return errors_of(replaced(kGoodFile, "192.0.2.2/24", address));
    };
    CHECK(with("192.0.2.0/24") ==
          Lines{"t.yaml:4:17: ports[0].addresses[0]: `192.0.2.0/24` is the network's own "
                "address; one of its machines' is needed"});
    CHECK(with("192.0.2.255/24").size() == 1);
    CHECK(with("192.0.2.2/0").size() >= 1);
    CHECK(with("192.0.2.254/24").empty());
    CHECK(with("192.0.2.2/31") ==
          Lines{"t.yaml:8:18: pools[0].backends[0].address: no port's network and no route "
                "leads to `192.0.2.10`"});
}

TEST_CASE("IPv6 needs an MTU of 1280") {
    const auto with = [](const std::string& mtu) {
        return errors_of(replaced(kGoodFile, "    device:", "    mtu: " + mtu + "\n    device:"));
    };
    CHECK(with("1280").empty());
    CHECK(with("1279") == Lines{"t.yaml:3:10: ports[0].mtu: `1279` is too small for IPv6, which needs 1280"});
}

TEST_CASE("two ports can't have one device or one address") {
    const std::string second =
        "  - {name: back, device: \"net_tap0,iface=b\", addresses: [192.0.2.2/24]}\npools:\n";
    const Lines errors = errors_of(replaced(kGoodFile, "pools:\n", second));
    REQUIRE(errors.size() == 2);
    CHECK(errors[0] == "t.yaml:5:26: ports[1].device: `net_tap0` is used before, by ports[0]");
    CHECK(errors[1] == "t.yaml:5:58: ports[1].addresses[0]: `192.0.2.2` is listed twice");
}

TEST_CASE("a route's port is derived from its gateway") {
    const config::Config c = good(kGoodFile + "routes: [{to: 0.0.0.0/0, via: 192.0.2.1}]\n");
    CHECK(c.routes.at(0).port == "front");
}

TEST_CASE("a route that leads nowhere is refused") {
    const auto with = [](const std::string& route) {
        return errors_of(kGoodFile + "routes: [{" + route + "}]\n");
    };
    CHECK(with("to: 0.0.0.0/0, via: 198.51.100.1") ==
          Lines{"t.yaml:13:31: routes[0].via: gateway `198.51.100.1` lies in no port's network"});
    CHECK(with("to: 0.0.0.0/0") == Lines{"t.yaml:13:10: routes[0]: needs `via`, `port` or both"});
    CHECK(with("to: 0.0.0.0/0, port: frnot") ==
          Lines{"t.yaml:13:32: routes[0].port: there is no port `frnot`; did you mean `front`?"});
    CHECK(with("to: 0.0.0.0/0, via: \"2001:db8::1\"") ==
          Lines{"t.yaml:13:31: routes[0].via: `2001:db8::1` is not of the family of `0.0.0.0/0`"});
    CHECK(with("to: \"::/0\", via: \"fe80::1\"").size() == 1);
    CHECK(with("to: \"::/0\", via: \"fe80::1\", port: front").empty());
}

TEST_CASE("a route's network has no bits beyond its length") {
    CHECK(errors_of(kGoodFile + "routes: [{to: 10.1.2.3/8, port: front}]\n") ==
          Lines{"t.yaml:13:15: routes[0].to: `10.1.2.3/8` has bits beyond its prefix length; did you mean "
                "`10.0.0.0/8`?"});
}

TEST_CASE("workers are given by CPUs or by number") {
    CHECK(good(kGoodFile + "workers: {lcores: [2, 3]}\n").workers.total() == 2);
    CHECK(good(kGoodFile + "workers: {count: 3}\n").workers.total() == 3);
    CHECK(errors_of(kGoodFile + "workers: {lcores: [2, 3], count: 2}\n") ==
          Lines{"t.yaml:13:34: workers.count: give either `lcores` or `count`, not both"});
    CHECK(errors_of(kGoodFile + "workers: {lcores: [2, 2]}\n") ==
          Lines{"t.yaml:13:23: workers.lcores[1]: CPU 2 is listed twice"});
}

TEST_CASE("an idle worker sleeps for moments, polls on, or waits for an interrupt") {
    CHECK(good(kGoodFile).workers.idle == config::Idle::Sleep);
    CHECK(good(kGoodFile + "workers: {idle: sleep}\n").workers.idle == config::Idle::Sleep);
    CHECK(good(kGoodFile + "workers: {idle: poll}\n").workers.idle == config::Idle::Poll);
    CHECK(good(kGoodFile + "workers: {idle: interrupt}\n").workers.idle == config::Idle::Interrupt);
    CHECK(errors_of(kGoodFile + "workers: {idle: interrupts}\n").size() == 1);
}

TEST_CASE("bounds that belong together are in order") {
    CHECK(errors_of(kGoodFile + "tcp: {rto_min: 3s, rto_max: 2s}\n") ==
          Lines{"t.yaml:13:16: tcp.rto_min: `rto_min` (3s) is longer than `rto_max` (2s)"});
    CHECK(errors_of(kGoodFile + "tcp: {rto_min: 2s, rto_max: 2s}\n").empty());
    CHECK(errors_of(kGoodFile + "tcp: {delack_max: 20ms}\n").size() == 1);
    CHECK(errors_of(kGoodFile + "tcp: {delack_max: 499ms}\n").empty());  // RFC 9293 3.8.6.3, MUST-40
    CHECK(errors_of(kGoodFile + "tcp: {delack_max: 500ms}\n").size() == 1);
}

TEST_CASE("the admin socket's path is absolute") {
    CHECK(errors_of(kGoodFile + "admin: {socket: admin.sock}\n") ==
          Lines{"t.yaml:13:17: admin.socket: `admin.sock` is not an absolute path"});
}
