#include "tcp/syn_cookie.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tcp/bench.hpp"

// RFC 4987 3.6 and appendix A.
namespace terminus::tcp {
namespace {

using namespace terminus::test;

struct Cookies : test::World {
    const Secrets secrets = Secrets::from_seed(1);
    wire::FourTuple tuple = test::Bench::tuple();
    const std::uint32_t offset = timestamp_offset(secrets, tuple);

    [[nodiscard]] static wire::TcpSegment syn(std::optional<std::uint16_t> mss = 1460) {
        wire::TcpSegment result;
        result.seq = SeqNum(500'000);
        result.flags = {kSyn};
        result.options.mss = mss;
        return result;
    }
    [[nodiscard]] SeqNum sequence(const wire::TcpSegment& syn) const {
        return cookie_sequence(secrets, tuple, syn, now);
    }
    [[nodiscard]] static wire::TcpSegment ack(SeqNum iss) {
        wire::TcpSegment result;
        result.seq = SeqNum(500'001);
        result.ack = iss + 1;
        result.flags = {kAck};
        result.window = 999;
        return result;
    }
    [[nodiscard]] std::optional<wire::TcpSegment> read(const wire::TcpSegment& ack) {
        return syn_from_cookie(secrets, tuple, ack, env());
    }
    [[nodiscard]] std::uint16_t mss_of(std::optional<std::uint16_t> announced) {
        const auto syn = read(ack(sequence(Cookies::syn(announced))));
        REQUIRE(syn);
        REQUIRE(syn->seq == SeqNum(500'000));
        REQUIRE(syn->flags.bits == kSyn);
        REQUIRE(syn->window == 999);
        return *syn->options.mss;
    }
};

TEST_CASE("a cookie remembers the MSS, rounded down to one of eight") {
    Cookies cookies;
    CHECK(cookies.mss_of(1460) == 1460);
    CHECK(cookies.mss_of(1459) == 1440);
    CHECK(cookies.mss_of(65535) == 8960);
    CHECK(cookies.mss_of(537) == 536);
    CHECK(cookies.mss_of(535) == 48);
    CHECK(cookies.mss_of(0) == 48);  // HARDENING 4: min_snd_mss is the floor anyway
    CHECK(cookies.mss_of({}) == 536);
    cookies.tuple.remote.address =
        wire::IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    CHECK(cookies.mss_of(1440) == 1440);
    CHECK(cookies.mss_of(1439) == 1420);
    CHECK(cookies.mss_of(65535) == 8940);
    CHECK(cookies.mss_of({}) == 1220);
}

TEST_CASE("a cookie is refused with any bit of it wrong, for another 4-tuple or another number of the peer") {
    Cookies cookies;
    const SeqNum iss = cookies.sequence(Cookies::syn());
    REQUIRE(cookies.read(Cookies::ack(iss)));
    for (unsigned bit = 0; bit < 32; ++bit) {
        CAPTURE(bit);
        CHECK_FALSE(cookies.read(Cookies::ack(SeqNum(iss.value() ^ (1u << bit)))));
    }
    wire::TcpSegment other = Cookies::ack(iss);
    other.seq += 1;
    CHECK_FALSE(cookies.read(other));
    for (const int flags : {0, int{kSyn | kAck}, int{kRst | kAck}}) {
        other = Cookies::ack(iss);
        other.flags = {static_cast<std::uint8_t>(flags)};
        CHECK_FALSE(cookies.read(other));
    }
    ++cookies.tuple.remote.port;
    CHECK_FALSE(cookies.read(Cookies::ack(iss)));
    CHECK_FALSE(syn_from_cookie(Secrets::from_seed(2), Cookies().tuple, Cookies::ack(iss), cookies.env()));
}

TEST_CASE("a cookie is good until the second count of 64 s after its own begins") {
    Cookies cookies;
    const Instant count_begins(64s * 1000);
    cookies.now = count_begins + GENERATE(0s, 63s);
    const SeqNum iss = cookies.sequence(Cookies::syn());
    cookies.now = count_begins + kCookieLifetime - 1ns;
    CHECK(cookies.read(Cookies::ack(iss)));
    cookies.now = count_begins + kCookieLifetime;
    CHECK_FALSE(cookies.read(Cookies::ack(iss)));
    // Two bits of count come round after 256 s; the MAC has them all.
    cookies.now = count_begins + 256s;
    CHECK_FALSE(cookies.read(Cookies::ack(iss)));
    // A clock that has stepped back reads no cookie of the future.
    cookies.now = count_begins - 1ns;
    CHECK_FALSE(cookies.read(Cookies::ack(iss)));
}

TEST_CASE("cookies show no pattern in any of their bits") {
    // HARDENING 11.
    Cookies cookies;
    std::array<unsigned, 32> ones{};
    std::set<std::uint32_t> all;
    constexpr unsigned kCount = 4096;
    for (unsigned i = 0; i < kCount; ++i) {
        ++cookies.tuple.remote.port;
        const std::uint32_t value = cookies.sequence(Cookies::syn()).value();
        all.insert(value);
        for (unsigned bit = 0; bit < 32; ++bit)
            ones[bit] += (value >> bit) & 1;
    }
    CHECK(all.size() > kCount - 16);
    for (unsigned bit = 0; bit < 32; ++bit) {
        CAPTURE(bit);
        CHECK(ones[bit] > kCount / 2 - 200);  // six standard deviations
        CHECK(ones[bit] < kCount / 2 + 200);
    }
}

TEST_CASE("window scale and SACK come back by the timestamp that is echoed") {
    Cookies cookies;
    cookies.tunables.sack = true;
    const bool sack = GENERATE(false, true);
    // Also where the value that is sent has just wrapped.
    const std::chrono::milliseconds to_wrap(0u - cookies.offset);
    if (GENERATE(false, true)) cookies.now = Instant(to_wrap + 16ms);
    const auto scale = GENERATE(std::optional<std::uint8_t>(), 0, 7, 14, 200);
    wire::TcpOptions syn_ack;
    syn_ack.timestamps = {timestamp_value(cookies.now, cookies.offset), 1};
    syn_ack.sack_permitted = sack;
    if (scale) syn_ack.window_scale = 4;
    wire::TcpOptions syn;
    syn.window_scale = scale;
    const std::uint32_t before = syn_ack.timestamps->value;
    put_into_timestamp(syn_ack, syn, cookies.offset);
    // RFC 7323 5: what follows is not older, and it is not much older than the truth either.
    CHECK(before - syn_ack.timestamps->value < 32);
    wire::TcpSegment ack = Cookies::ack(cookies.sequence(Cookies::syn()));
    ack.options.timestamps = {77, syn_ack.timestamps->value};
    const auto read = cookies.read(ack);
    REQUIRE(read);
    CHECK(read->options.sack_permitted == sack);
    CHECK(read->options.window_scale.has_value() == scale.has_value());
    if (scale) CHECK(*read->options.window_scale == std::min<std::uint8_t>(*scale, 14));
    REQUIRE(read->options.timestamps);
    CHECK(read->options.timestamps->value == 77);
}

TEST_CASE("what a cookie's timestamp agrees to is refused when the tunables have been changed since") {
    Cookies cookies;
    cookies.tunables.sack = true;
    wire::TcpSegment ack = Cookies::ack(cookies.sequence(Cookies::syn()));
    ack.options.timestamps = {77, cookies.offset + 32 * 1000 + 0x10 + 7};
    REQUIRE(cookies.read(ack));
    SECTION("SACK") {
        cookies.tunables.sack = false;
    }
    SECTION("window scaling") {
        cookies.tunables.window_scaling = false;
    }
    SECTION("timestamps") {
        cookies.tunables.timestamps = false;
    }
    CHECK_FALSE(cookies.read(ack));
}

TEST_CASE("without timestamps only the MSS fits into a cookie") {
    Cookies cookies;
    wire::TcpSegment syn = Cookies::syn();
    syn.options.window_scale = 7;
    syn.options.sack_permitted = true;
    wire::TcpOptions only_mss;
    only_mss.mss = 1460;
    CHECK(within_cookie(syn, cookies.env()).options == only_mss);
    syn.options.timestamps = {1, 0};
    CHECK(within_cookie(syn, cookies.env()).options == syn.options);
    cookies.tunables.timestamps = false;
    CHECK(within_cookie(syn, cookies.env()).options == only_mss);
    wire::TcpOptions syn_ack = only_mss;
    put_into_timestamp(syn_ack, syn.options, cookies.offset);
    CHECK(syn_ack == only_mss);
}

}  // namespace
}  // namespace terminus::tcp
