#include "tcp/fast_open_cache.hpp"

#include <catch2/catch.hpp>

// RFC 7413 4.1.3: what a client keeps.
namespace terminus::tcp {
namespace {

using namespace std::chrono_literals;

const wire::IpAddress kPeer = wire::IpAddress::v4(192, 0, 2, 7);

wire::FastOpenCookie cookie_of(std::uint8_t byte) {
    wire::FastOpenCookie cookie;
    cookie.length = 8;
    cookie.bytes[0] = byte;
    return cookie;
}

TEST_CASE("of a peer that nothing is known of a cookie may be asked") {
    const FastOpenCache cache(8, base::SipKey::from_seed(1));
    const auto offer = cache.offer(kPeer, base::Instant{1h});
    REQUIRE(offer);
    CHECK(offer->cookie.length == 0);
    CHECK(offer->mss == 0);
}

TEST_CASE("the newest cookie and MSS of a peer are kept, and an MSS alone only with a cookie") {
    FastOpenCache cache(8, base::SipKey::from_seed(1));
    const base::Instant now{1h};
    cache.learned(kPeer, std::nullopt, 900, now);
    CHECK(cache.offer(kPeer, now)->mss == 0);
    cache.learned(kPeer, cookie_of(1), 1000, now);
    cache.learned(kPeer, cookie_of(2), 1400, now);
    CHECK(cache.offer(kPeer, now)->cookie == cookie_of(2));
    cache.learned(kPeer, std::nullopt, 1300, now);
    CHECK(cache.offer(kPeer, now)->cookie == cookie_of(2));
    CHECK(cache.offer(kPeer, now)->mss == 1300);
}

TEST_CASE(
    "HARDENING 26: cookies of more peers than there is room for take the places of those not asked for") {
    FastOpenCache cache(4, base::SipKey::from_seed(1));
    base::Instant now{1h};
    const auto peer = [](std::uint8_t last) { return wire::IpAddress::v4(192, 0, 2, last); };
    for (std::uint8_t i = 0; i < 4; ++i) {
        cache.learned(peer(i), cookie_of(i), 1000, now);
        now += 1s;
    }
    cache.used(peer(0), now);
    cache.learned(peer(4), cookie_of(4), 1000, now + 1s);
    CHECK(cache.offer(peer(0), now)->cookie == cookie_of(0));
    CHECK(cache.offer(peer(1), now)->cookie.length == 0);
    for (const std::uint8_t i : {2, 3, 4})
        CHECK(cache.offer(peer(i), now)->cookie == cookie_of(i));
}

TEST_CASE("a peer whose SYN was lost is left alone, twice as long each time, until one works") {
    // RFC 7413 4.1.3.1.
    FastOpenCache cache(4, base::SipKey::from_seed(1));
    base::Instant now{1h};
    cache.learned(kPeer, cookie_of(1), 1000, now);
    base::Duration span = 1min;
    for (int losses = 0; losses < 10; ++losses) {
        cache.lost(kPeer, 1min, now);
        CHECK_FALSE(cache.offer(kPeer, now + span - 1ns));
        now += span;
        CHECK(cache.offer(kPeer, now)->cookie == cookie_of(1));
        if (span < 64min) span *= 2;
    }
    cache.worked(kPeer);
    cache.lost(kPeer, 1min, now);
    CHECK(cache.offer(kPeer, now + 1min));
}

TEST_CASE("a cache that is cleared knows neither cookies nor losses") {
    FastOpenCache cache(8, base::SipKey::from_seed(1));
    const base::Instant now{1h};
    const wire::IpAddress other = wire::IpAddress::v4(192, 0, 2, 8);
    cache.learned(kPeer, cookie_of(1), 1000, now);
    cache.lost(other, 1min, now);
    REQUIRE(cache.offer(kPeer, now)->cookie == cookie_of(1));
    REQUIRE_FALSE(cache.offer(other, now));
    cache.clear();
    for (const wire::IpAddress& peer : {kPeer, other}) {
        REQUIRE(cache.offer(peer, now));
        CHECK(cache.offer(peer, now)->cookie.length == 0);
        CHECK(cache.offer(peer, now)->mss == 0);
    }
}

}  // namespace
}  // namespace terminus::tcp
