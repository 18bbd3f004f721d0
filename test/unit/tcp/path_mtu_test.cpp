// The path's MTU: what routers say of it (RFC 1191, 8201), and what probes find out (RFC 4821).
#include "tcp/path_mtu.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

using namespace terminus;
using namespace std::chrono_literals;
using base::Instant;
using tcp::MtuProbing;
using tcp::PathMtu;

namespace {

/// An Ethernet to a peer that takes as much, options not counted.
struct Path {
    explicit Path(MtuProbing probing = MtuProbing::Off, Instant start = Instant{1000h}) : now(start) {
        tunables.mtu_probing = static_cast<std::uint8_t>(probing);
    }
    void agree_on(std::uint16_t peer_mss = 1460, bool timestamps = false) {
        path.agree_on(peer_mss, timestamps, tunables, now);
    }
    [[nodiscard]] bool lower(std::uint16_t mtu, bool ipv6 = false) { return path.lower(mtu, ipv6, now); }
    [[nodiscard]] bool shrink() { return path.shrink(tunables, now); }
    void after(base::Duration span) {
        now += span;
        path.forget_old(tunables, now);
    }
    [[nodiscard]] std::uint16_t probe() const { return path.probe_text(tunables); }
    /// Probes on a path that carries `text`, until none is sent any more; their sizes.
    std::vector<std::uint16_t> search(std::uint16_t text) {
        std::vector<std::uint16_t> sizes;
        while (const std::uint16_t size = probe()) {
            sizes.push_back(size);
            REQUIRE(sizes.size() < 20);
            size <= text ? path.probe_arrived(size) : path.probe_lost(size);
        }
        return sizes;
    }

    tcp::Tunables tunables;
    Instant now;
    PathMtu path{1460};
};

using Sizes = std::vector<std::uint16_t>;

}  // namespace

// RFC 9293 3.7.1, MUST-16.
TEST_CASE("a segment holds what peer and way out allow, less the options") {
    Path path;
    path.agree_on(1400, true);
    CHECK(path.path.text_max() == 1388);
    Path narrow;
    narrow.agree_on(9000, false);
    CHECK(narrow.path.text_max() == 1460);
    Path tiny;
    tiny.agree_on(1, true);
    CHECK(tiny.path.text_max() == 8);  // CVE-2019-11479
}

// RFC 1191 3, RFC 8200 5, RFC 5927 7.2.
TEST_CASE("a router lowers and never raises, to the family's floor") {
    Path path;
    path.agree_on(1460, true);
    CHECK_FALSE(path.lower(1500));
    CHECK(path.lower(1499));
    CHECK(path.path.text_max() == 1499 - 40 - 12);
    CHECK_FALSE(path.lower(1499));
    CHECK_FALSE(path.lower(1500));
    CHECK(path.lower(0));
    CHECK(path.path.text_max() == 552 - 40 - 12);
    CHECK_FALSE(path.lower(551));
    Path v6;
    v6.agree_on(1440, false);
    CHECK(v6.lower(1279, true));
    CHECK(v6.path.text_max() == 1280 - 60);
}

TEST_CASE("what a router says before the handshake is complete counts in it") {
    Path path;
    CHECK(path.lower(1400));
    path.agree_on(1460, true);
    CHECK(path.path.text_max() == 1348);
    path.after(10min);
    CHECK(path.path.text_max() == 1448);
}

// RFC 1191 6.3, RFC 8201 4.
TEST_CASE("what a router said is forgotten mtu_expires after its last word, not before") {
    Path path;
    path.agree_on(1000);
    path.tunables.mtu_expires = 100s;
    CHECK(path.lower(800));
    path.after(60s);
    CHECK(path.lower(700));
    path.after(100s - 1ns);
    CHECK(path.path.text_max() == 660);
    path.after(1ns);
    CHECK(path.path.text_max() == 1000);
    CHECK(path.lower(800));
    CHECK(path.path.text_max() == 760);
}

// RFC 4821 7.7.
TEST_CASE("without probing, time-outs change nothing") {
    Path path;
    path.agree_on();
    CHECK_FALSE(path.shrink());
    CHECK(path.path.text_max() == 1460);
    CHECK(path.probe() == 0);
}

// RFC 4821 7.2, 7.7.
TEST_CASE("a black hole makes it base_mss, then one half each time, down to mtu_probe_floor") {
    Path path(MtuProbing::AfterBlackHole);
    path.agree_on(1460, true);
    CHECK(path.path.text_max() == 1448);
    CHECK(path.probe() == 0);
    for (const std::uint16_t text : Sizes{1024, 512, 256, 128, 64, 48}) {
        CHECK(path.shrink());
        CHECK(path.path.text_max() == text);
    }
    CHECK_FALSE(path.shrink());
    CHECK(path.path.text_max() == 48);
}

TEST_CASE("min_snd_mss is a floor too, and a path already below base_mss is not raised to it") {
    Path path(MtuProbing::AfterBlackHole);
    path.agree_on(700);
    path.tunables.min_snd_mss = 300;
    CHECK_FALSE(path.shrink());
    CHECK(path.path.text_max() == 700);
    CHECK(path.shrink());
    CHECK(path.path.text_max() == 350);
    CHECK(path.shrink());
    CHECK(path.path.text_max() == 300);
    CHECK_FALSE(path.shrink());
    // Nor one below the floor.
    Path narrow(MtuProbing::AfterBlackHole);
    narrow.agree_on(40);
    CHECK_FALSE(narrow.shrink());
    CHECK_FALSE(narrow.shrink());
    CHECK(narrow.path.text_max() == 40);
}

// RFC 4821 7.3, 7.6.1, 7.6.2.
TEST_CASE("the search halves what is unknown until less than probe_threshold is left") {
    Path path(MtuProbing::Always);
    path.agree_on();
    CHECK(path.path.text_max() == 1024);
    CHECK(path.search(1460) == Sizes{1242, 1351, 1405, 1432, 1446, 1453});
    CHECK(path.path.text_max() == 1453);
    Path tunnel(MtuProbing::Always);
    tunnel.agree_on();
    CHECK(tunnel.search(1360) == Sizes{1242, 1351, 1405, 1377, 1363, 1356});
    CHECK(tunnel.path.text_max() == 1356);
}

TEST_CASE("both sides of probe_threshold") {
    for (const auto& [threshold, probe] : {std::pair{436, 1242}, {437, 0}}) {
        Path path(MtuProbing::Always);
        path.agree_on();  // 1024 to 1460
        path.tunables.probe_threshold = static_cast<std::uint16_t>(threshold);
        CHECK(path.probe() == probe);
    }
    Path path(MtuProbing::Always);
    path.tunables.probe_threshold = 1;
    path.agree_on();
    CHECK(path.search(1455).size() < 12);  // it ends, and within a byte
    CHECK(path.path.text_max() >= 1454);
    CHECK(path.path.text_max() <= 1455);
}

TEST_CASE("options take their room from probes as from text") {
    Path path(MtuProbing::Always);
    path.agree_on(1460, true);
    CHECK(path.path.text_max() == 1024);
    CHECK(path.probe() == (1024 + 1448) / 2);
    path.search(1448);
    CHECK(path.path.text_max() >= 1448 - 7);
    CHECK(path.path.text_max() <= 1448);
}

// RFC 4821 7.3: Linux's tcp_probe_interval.
TEST_CASE("a search that is over begins anew after probe_interval, from what gets through") {
    Path path(MtuProbing::Always);
    path.agree_on();
    path.search(1200);
    const std::uint16_t found = path.path.text_max();
    CHECK(found > 1200 - 8);
    path.after(600s - 1ns);
    CHECK(path.probe() == 0);
    path.after(1ns);
    CHECK(path.path.text_max() == found);
    CHECK(path.probe() == (found + 1460) / 2);
    path.search(1460);
    CHECK(path.path.text_max() > 1460 - 8);
}

TEST_CASE("a search that is not over is not begun anew") {
    Path path(MtuProbing::Always);
    path.agree_on();
    path.path.probe_lost(1242);
    path.after(600s);
    CHECK(path.probe() == (1024 + 1241) / 2);
}

TEST_CASE("a search goes on when probing is turned off, lest its connection stay small") {
    Path path(MtuProbing::AfterBlackHole);
    path.agree_on();
    CHECK(path.shrink());
    path.tunables.mtu_probing = 0;
    CHECK_FALSE(path.shrink());
    CHECK(path.path.text_max() == 1024);
    path.search(1460);
    CHECK(path.path.text_max() > 1460 - 8);
}

// RFC 4821 7: a router's word bounds the search.
TEST_CASE("the search stays below what a router says, and goes beyond it when that is forgotten") {
    Path path(MtuProbing::Always);
    path.agree_on();
    CHECK(path.path.is_too_big(1461));
    CHECK_FALSE(path.path.is_too_big(1460));
    CHECK(path.lower(1300));
    CHECK(path.path.text_max() == 1024);  // which gets through
    CHECK(path.path.is_too_big(1261));
    for (const std::uint16_t size : path.search(1460))
        CHECK(size <= 1260);
    path.path.probe_arrived(1400);  // what was on the way when the router spoke
    CHECK(path.path.text_max() <= 1260);
    CHECK(path.lower(700));
    CHECK(path.path.text_max() == 660);
    CHECK(path.probe() == 0);
    path.after(10min);
    CHECK(path.path.text_max() == 660);
    path.search(1460);
    CHECK(path.path.text_max() > 1460 - 8);
}

TEST_CASE("ages are reckoned from any hour on") {
    for (const Instant start : {Instant{}, Instant{1ns}, base::kNever - 2400h}) {
        Path path(MtuProbing::Always, start);
        path.agree_on();
        path.search(1200);
        CHECK(path.lower(1000));
        path.after(600s - 1ns);
        CHECK(path.probe() == 0);
        path.after(1ns);
        CHECK(path.probe() > 1000);
    }
}
