#include <catch2/catch.hpp>

#include <algorithm>

#include "base/rng.hpp"
#include "wire/frames.hpp"
#include "wire/tcp.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::operator+;
using test::Octets;

namespace {

TcpOptions parsed(std::string_view text) {
    return parse_tcp_options(hex(text));
}

Octets written(const TcpOptions& options) {
    Octets out(tcp_options_length(options), 0xee);
    write_tcp_options(options, out);
    return out;
}

TcpOptions random_options(base::Rng& rng) {
    TcpOptions options;
    if (rng.below(2) == 1) options.mss = static_cast<std::uint16_t>(rng.next());
    if (rng.below(2) == 1) options.window_scale = static_cast<std::uint8_t>(rng.next());
    options.sack_permitted = rng.below(2) == 1;
    if (rng.below(2) == 1) {
        options.timestamps = TcpTimestamps{rng.below(0xffffffff), rng.below(0xffffffff)};
    }
    if (rng.below(2) == 1) {
        options.fast_open = FastOpenCookie{};
        options.fast_open->is_experimental = rng.below(2) == 1;
        const std::uint32_t words = rng.below(8);  // none, or 4 to 16 bytes
        if (words > 0) options.fast_open->length = static_cast<std::uint8_t>(2 + 2 * words);
        for (std::size_t i = 0; i < options.fast_open->length; ++i)
            options.fast_open->bytes[i] = static_cast<std::uint8_t>(rng.next());
    }
    options.sack_count = static_cast<std::uint8_t>(rng.below(5));
    for (std::size_t i = 0; i < options.sack_count; ++i) {
        options.sack[i] = {SeqNum(rng.below(0xffffffff)), SeqNum(rng.below(0xffffffff))};
    }
    return options;
}

const TcpOptions kNone{};

}  // namespace

// RFC 9293 3.1, MUST-4.
TEST_CASE("each option is read at its own length") {
    CHECK(parsed("0204 05b4").mss == 1460);
    CHECK(parsed("0303 0e").window_scale == 14);
    CHECK(parsed("0402").sack_permitted);
    CHECK(parsed("080a 00000001 00000002").timestamps == TcpTimestamps{1, 2});
    const auto sack = parsed("0512 00000001 00000002 00000003 00000004");
    REQUIRE(sack.sack_count == 2);
    CHECK(sack.sack[0] == SackBlock{SeqNum(1), SeqNum(2)});
    CHECK(sack.sack[1] == SackBlock{SeqNum(3), SeqNum(4)});
}

// RFC 9293 3.1, MUST-7.
TEST_CASE("HARDENING 3: a TCP option of length zero ends the list") {
    CHECK(parsed("0200 0402") == kNone);
    CHECK(parsed("0402 fe00 0303 07").sack_permitted);
    CHECK_FALSE(parsed("0402 fe00 0303 07").window_scale);
}

// RFC 9293 3.1, MUST-6 and MUST-7: by its length.
TEST_CASE("HARDENING 3: a TCP option of length one ends the list, one of length two is skipped") {
    CHECK(parsed("fe01 0402") == kNone);
    CHECK(parsed("fe02 0402").sack_permitted);
}

// RFC 9293 3.1, MUST-7: beyond what is there.
TEST_CASE("HARDENING 3: a TCP option that ends past the header ends the list, one that ends with it counts") {
    CHECK(parsed("0204 05") == kNone);
    CHECK(parsed("0204 05b4").mss == 1460);
    CHECK(parsed("02") == kNone);
    CHECK(parsed("01 08") == kNone);
    CHECK(parsed("080a 00000001 000000") == kNone);
    CHECK(parsed("feff 0402") == kNone);
}

TEST_CASE(
    "HARDENING 3: an option with a length that is wrong for its kind is left out, what follows it counts") {
    CHECK_FALSE(parsed("0203 05 0402").mss);
    CHECK(parsed("0203 05 0402").sack_permitted);
    CHECK_FALSE(parsed("0205 05b4 00 0402").mss);
    CHECK_FALSE(parsed("0302 0402").window_scale);
    CHECK_FALSE(parsed("0304 0707 0402").window_scale);
    CHECK_FALSE(parsed("0403 00 0303 07").sack_permitted);
    CHECK(parsed("0403 00 0303 07").window_scale == 7);
    CHECK_FALSE(parsed("0809 00000001 000000 0402").timestamps);
    CHECK_FALSE(parsed("080b 00000001 00000002 00 0402").timestamps);
    CHECK(parsed("0502 0402").sack_count == 0);
    CHECK(parsed("0509 00000001 000000 0402").sack_count == 0);
    CHECK(parsed("050b 00000001 00000002 00 0402").sack_count == 0);
    CHECK(parsed("050a 00000001 00000002 0402").sack_count == 1);
    CHECK(parsed("050a 00000001 00000002 0402").sack_permitted);
}

TEST_CASE("HARDENING 3: an early end hides what comes after it") {
    CHECK_FALSE(parsed("0402 00 0303 07").window_scale);
    CHECK(parsed("0402 01 0303 07").window_scale == 7);
}

TEST_CASE("HARDENING 3: of two options of one kind the first counts") {
    CHECK(parsed("0204 05b4 0204 0001").mss == 1460);
    CHECK(parsed("0303 01 0303 02").window_scale == 1);
    const auto sack = parsed("050a 00000001 00000002 050a 00000003 00000004");
    CHECK(sack.sack_count == 1);
    CHECK(sack.sack[0].left == SeqNum(1));
}

TEST_CASE("HARDENING 4: of two timestamps the first counts") {
    CHECK(parsed("080a 00000001 00000002 080a 00000003 00000004").timestamps == TcpTimestamps{1, 2});
}

TEST_CASE("HARDENING 4: option values are handed on as sent, whatever they are") {
    CHECK(parsed("0204 0000").mss == 0);
    CHECK(parsed("0204 ffff").mss == 65535);
    CHECK(parsed("0303 ff").window_scale == 255);
    CHECK(parsed("050a 00000002 00000001").sack_count == 1);  // inverted: the scoreboard refuses it
}

TEST_CASE("HARDENING 3: forty bytes of junk are read in bounded work and nothing outside them is") {
    base::Rng rng(3);
    for (int round = 0; round < 20000; ++round) {
        Octets junk(rng.below(41));
        for (auto& octet : junk)
            octet = static_cast<std::uint8_t>(rng.below(4) == 0 ? rng.next() : rng.below(12));
        const TcpOptions options = parse_tcp_options(junk);  // AddressSanitizer watches the heap block's end
        REQUIRE(options.sack_count <= TcpOptions::kSackBlocksMax);
        REQUIRE(tcp_options_length(options) <= kTcpOptionsMax);
    }
    Octets too_long = Octets(40, 1) + hex("0402");
    CHECK(parse_tcp_options(too_long) == kNone);
}

// RFC 9293 3.1, MUST-68.
TEST_CASE("options are written in Linux's order with the padding where Linux has it") {
    TcpOptions options;
    CHECK(written(options).empty());
    options.timestamps = TcpTimestamps{1, 2};
    CHECK(written(options) == hex("0101 080a 00000001 00000002"));
    options.sack[0] = {SeqNum(3), SeqNum(4)};
    options.sack_count = 1;
    CHECK(written(options) == hex("0101 080a 00000001 00000002 0101 050a 00000003 00000004"));
    options = {};
    options.mss = 536;
    options.sack_permitted = true;
    options.window_scale = 9;
    CHECK(written(options) == hex("0204 0218 0101 0402 0103 0309"));
}

TEST_CASE("a Fast Open cookie has no byte or an even number from 4 to 16, or isn't there") {
    // RFC 7413 4.1.1.
    const TcpOptions request = parsed("2202");
    REQUIRE(request.fast_open);
    CHECK(request.fast_open->length == 0);
    for (const std::size_t length : {4, 6, 8, 16}) {
        Octets bytes{34, static_cast<std::uint8_t>(2 + length)};
        for (std::size_t i = 0; i < length; ++i)
            bytes.push_back(static_cast<std::uint8_t>(0xa0 + i));
        const TcpOptions options = parse_tcp_options(bytes);
        REQUIRE(options.fast_open);
        CHECK(options.fast_open->length == length);
        CHECK(options.fast_open->bytes[length - 1] == 0xa0 + length - 1);
    }
    for (const std::size_t length : {1, 2, 3, 5, 7, 17, 18}) {
        Octets bytes{34, static_cast<std::uint8_t>(2 + length)};
        bytes.resize(2 + length);
        CHECK(parse_tcp_options(bytes) == TcpOptions{});
    }
    CHECK(parsed("2206 01020304 2202").fast_open->length == 4);  // the first counts
}

TEST_CASE("a Fast Open cookie is written behind the rest and padded by NOPs") {
    TcpOptions options;
    options.window_scale = 9;
    options.fast_open = FastOpenCookie{};
    CHECK(written(options) == hex("01030309 2202 0101"));
    options.fast_open->length = 8;
    for (std::uint8_t i = 0; i < 8; ++i)
        options.fast_open->bytes[i] = i;
    CHECK(written(options) == hex("01030309 220a 0001020304050607 0101"));
    options.fast_open->length = 6;
    options.fast_open->bytes[6] = options.fast_open->bytes[7] = 0;
    CHECK(written(options) == hex("01030309 2208 000102030405"));
    options.fast_open->length = 16;
    options.mss = 1;
    options.timestamps = TcpTimestamps{1, 2};
    options.sack_permitted = true;
    CHECK(tcp_options_length(options) == 40);
    CHECK(parse_tcp_options(written(options)) == options);
}

TEST_CASE("a Fast Open cookie in the experimental option is known by its magic number") {
    // RFC 6994 3.
    const TcpOptions options = parsed("fe08 f989 01020304 0204 0218");
    REQUIRE(options.fast_open);
    CHECK(options.fast_open->is_experimental);
    CHECK(options.fast_open->length == 4);
    CHECK(parsed("fe04 f989").fast_open->length == 0);
    CHECK_FALSE(parsed("fe08 f988 01020304").fast_open);
    CHECK_FALSE(parsed("fe07 f989 010203").fast_open);
    CHECK_FALSE(parsed("fe03 f9").fast_open);
    TcpOptions one;
    one.fast_open = FastOpenCookie{};
    one.fast_open->is_experimental = true;
    CHECK(written(one) == hex("fe04 f989"));
    one.fast_open->length = 6;
    CHECK(written(one) == hex("fe0a f989 000000000000 0101"));
}

TEST_CASE("SACK blocks that don't fit beside the other options are left out") {
    TcpOptions options;
    options.sack_count = 4;
    CHECK(tcp_options_length(options) == 36);
    options.timestamps = TcpTimestamps{1, 2};
    CHECK(tcp_options_length(options) == 40);
    CHECK(parse_tcp_options(written(options)).sack_count == 3);
    options.mss = 1;
    options.window_scale = 1;
    options.sack_permitted = true;
    CHECK(tcp_options_length(options) == 40);
    CHECK(parse_tcp_options(written(options)).sack_count == 2);
}

// RFC 9293 3.1, MUST-68, MUST-69: no byte of the header is left as it was.
TEST_CASE("what is written is read back, whatever the options") {
    base::Rng rng(4);
    for (int round = 0; round < 5000; ++round) {
        TcpOptions options = random_options(rng);
        const Octets bytes = written(options);
        REQUIRE(bytes.size() % 4 == 0);
        REQUIRE(bytes.size() <= kTcpOptionsMax);
        const TcpOptions read = parse_tcp_options(bytes);
        REQUIRE(read.sack_count <= options.sack_count);
        for (std::size_t i = read.sack_count; i < options.sack.size(); ++i)
            options.sack[i] = {};
        options.sack_count = read.sack_count;
        REQUIRE(read == options);
    }
}
