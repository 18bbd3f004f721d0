#include "tcp/fast_open.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "tcp/bench.hpp"

// RFC 7413.
namespace terminus::tcp {
namespace {

using namespace terminus::test;

struct Judge {
    const Secrets secrets = Secrets::from_seed(1);
    Tunables tunables;
    wire::FourTuple tuple = test::Bench::tuple();
    Instant now{1000 * Tunables{}.fastopen_key_lifetime};

    [[nodiscard]] FastOpenVerdict verdict(std::optional<wire::FastOpenCookie> cookie) const {
        wire::TcpSegment syn;
        syn.flags = {kSyn};
        syn.options.fast_open = cookie;
        return judge_fast_open(keys(), tuple, syn, tunables);
    }
    [[nodiscard]] FastOpenKeys keys() const { return fast_open_keys(secrets, tunables, now); }
    [[nodiscard]] wire::FastOpenCookie cookie() const { return fast_open_cookie(keys().primary, tuple); }
};

TEST_CASE("a Fast Open cookie is good for its address and any port, and for nobody else") {
    Judge judge;
    const wire::FastOpenCookie cookie = judge.cookie();
    CHECK(cookie.length == 8);
    CHECK(judge.verdict(cookie) == FastOpenVerdict::Accept);
    judge.tuple.remote.port += 1;
    CHECK(judge.verdict(cookie) == FastOpenVerdict::Accept);
    CHECK(judge.verdict({}) == FastOpenVerdict::None);
    CHECK(judge.verdict(wire::FastOpenCookie{}) == FastOpenVerdict::Request);
    for (std::size_t i = 0; i < cookie.length; ++i) {
        wire::FastOpenCookie wrong = cookie;
        wrong.bytes[i] ^= 1;
        CHECK(judge.verdict(wrong) == FastOpenVerdict::Request);
    }
    wire::FastOpenCookie longer = cookie;
    longer.length = 10;
    CHECK(judge.verdict(longer) == FastOpenVerdict::Request);
    judge.tuple.remote.address = wire::IpAddress::v4(198, 51, 100, 8);
    CHECK(judge.verdict(cookie) == FastOpenVerdict::Request);
}

TEST_CASE("a Fast Open cookie is replaced when its key has changed, and refused when the next one is") {
    // RFC 7413 4.1.2.
    Judge judge;
    const Instant began = judge.now;
    const wire::FastOpenCookie cookie = judge.cookie();
    judge.now = began + judge.tunables.fastopen_key_lifetime - 1ns;
    CHECK(judge.verdict(cookie) == FastOpenVerdict::Accept);
    CHECK(judge.cookie() == cookie);
    judge.now = began + judge.tunables.fastopen_key_lifetime;
    CHECK(judge.verdict(cookie) == FastOpenVerdict::AcceptOld);
    CHECK_FALSE(judge.cookie() == cookie);
    judge.now = began + 2 * judge.tunables.fastopen_key_lifetime - 1ns;
    CHECK(judge.verdict(cookie) == FastOpenVerdict::AcceptOld);
    judge.now = began + 2 * judge.tunables.fastopen_key_lifetime;
    CHECK(judge.verdict(cookie) == FastOpenVerdict::Request);
}

TEST_CASE("a Fast Open cookie is Linux's for the same key and addresses") {
    Judge judge;
    judge.tunables.fastopen_key.count = 1;
    for (std::size_t i = 0; i < 16; ++i)
        judge.tunables.fastopen_key.keys[0].bytes[i] = static_cast<std::uint8_t>(0xa1 + 0x11 * (i / 4));
    judge.tuple.remote.address = wire::IpAddress::v4(192, 0, 2, 1);
    judge.tuple.local.address = wire::IpAddress::v4(192, 168, 0, 1);
    // What a kernel answers there, as public test suites for it have it.
    const std::array<std::uint8_t, 8> known{0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb};
    const wire::FastOpenCookie cookie = judge.cookie();
    CHECK(std::equal(known.begin(), known.end(), cookie.bytes.begin()));
    SECTION("a key that is set doesn't change with time") {
        judge.now += 1000h;
        CHECK(judge.verdict(cookie) == FastOpenVerdict::Accept);
    }
    SECTION("the second key's are taken, and replaced") {
        judge.tunables.fastopen_key.count = 2;
        judge.tunables.fastopen_key.keys[1] = judge.tunables.fastopen_key.keys[0];
        judge.tunables.fastopen_key.keys[0].bytes[3] ^= 1;
        CHECK(judge.verdict(cookie) == FastOpenVerdict::AcceptOld);
        judge.tunables.fastopen_key.count = 1;
        CHECK(judge.verdict(cookie) == FastOpenVerdict::Request);
    }
}

TEST_CASE("with tcp.fastopen 512 data needs no cookie, and nothing to ask for one") {
    Judge judge;
    judge.tunables.fastopen = kFastOpenServer | kFastOpenServerWithoutCookie;
    CHECK(judge.verdict(wire::FastOpenCookie{}) == FastOpenVerdict::Accept);
    CHECK(judge.verdict({}) == FastOpenVerdict::None);
    wire::TcpSegment syn;
    syn.payload_length = 1;
    CHECK(judge_fast_open(judge.keys(), judge.tuple, syn, judge.tunables) == FastOpenVerdict::Accept);
}

TEST_CASE("a Fast Open that its peer resets counts against the limit for a minute at least") {
    // RFC 7413 5.1.
    Instant now{100h};
    FastOpenQueue queue;
    CHECK_FALSE(queue.has_room(0, now));
    CHECK(queue.has_room(1, now));
    queue.opened();
    CHECK_FALSE(queue.has_room(1, now));
    SECTION("its handshake completed") {
        queue.ended(false, now);
        CHECK(queue.has_room(1, now));
    }
    SECTION("reset at the end of a span") {
        now += 59s;
        queue.ended(true, now);
        now += 60s;
        CHECK_FALSE(queue.has_room(1, now));
        now += 1min;
        CHECK(queue.has_room(1, now));
    }
    SECTION("long ago") {
        queue.ended(true, now);
        now += 24h;
        CHECK(queue.has_room(1, now));
    }
}

}  // namespace
}  // namespace terminus::tcp
