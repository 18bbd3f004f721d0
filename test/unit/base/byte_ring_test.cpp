#include "base/byte_ring.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <thread>

namespace terminus::base {
namespace {

Bytes bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string take_all(ByteRing& ring) {
    std::string all;
    for (const Bytes piece : ring.readable())
        all.append(piece.begin(), piece.end());
    ring.consume(all.size());
    return all;
}

TEST_CASE("what was put is seen when it is committed, and not before") {
    ByteRing ring(8);
    REQUIRE(ring.put(bytes("abc")));
    REQUIRE(take_all(ring).empty());
    ring.commit();
    REQUIRE(take_all(ring) == "abc");
}

TEST_CASE("all of the capacity is usable, over its end too; what does not fit changes nothing") {
    ByteRing ring(8);
    for (int turn = 0; turn < 20; ++turn) {
        REQUIRE(ring.put(bytes("abcde")));
        REQUIRE_FALSE(ring.put(bytes("1234")));
        REQUIRE(ring.put(bytes("fgh")));
        REQUIRE_FALSE(ring.put(bytes("i")));
        ring.commit();
        REQUIRE(take_all(ring) == "abcdefgh");
        REQUIRE(ring.put(bytes("xyz")));  // so that the next turn begins elsewhere
        ring.commit();
        REQUIRE(take_all(ring) == "xyz");
    }
}

TEST_CASE("what is not committed can be written over and taken back") {
    ByteRing ring(8);
    REQUIRE(ring.put(bytes("abcdef")));
    ring.commit();
    REQUIRE(take_all(ring) == "abcdef");
    const std::size_t mark = ring.mark();
    REQUIRE(ring.put(bytes("1234")));  // over the end
    const std::size_t behind = ring.mark();
    REQUIRE(ring.put(bytes("5678")));
    ring.overwrite(mark, bytes("abc"));
    ring.cut(behind);
    ring.commit();
    REQUIRE(take_all(ring) == "abc4");
    ring.cut(ring.mark());
    ring.commit();
    REQUIRE(take_all(ring).empty());
}

TEST_CASE("two threads hand over every byte in its order") {
    constexpr std::uint32_t kCount = 200'000;
    ByteRing ring(4096);
    std::thread producer([&ring] {
        for (std::uint32_t i = 0; i < kCount;) {
            const std::uint8_t pair[] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
            if (!ring.put(pair)) {
                std::this_thread::yield();
                continue;
            }
            ring.commit();
            ++i;
        }
    });
    std::uint64_t count = 0, wrong = 0;
    while (count < 2 * kCount) {
        std::size_t taken = 0;
        for (const Bytes piece : ring.readable()) {
            for (const std::uint8_t byte : piece) {
                const std::uint64_t i = count / 2;
                if (byte != static_cast<std::uint8_t>(count % 2 == 0 ? i : i >> 8)) ++wrong;
                ++count;
            }
            taken += piece.size();
        }
        if (taken == 0) std::this_thread::yield();
        ring.consume(taken);
    }
    producer.join();
    REQUIRE(wrong == 0);
}

}  // namespace
}  // namespace terminus::base
