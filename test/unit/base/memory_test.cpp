#include "base/memory.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>

using terminus::base::Memory;

TEST_CASE("memory is zero, writable to its last byte, and aligned to a page") {
    const Memory memory(3 * 4096 + 5);
    REQUIRE(memory.data() != nullptr);
    CHECK(memory.size() == 3 * 4096 + 5);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 4096 == 0);
    auto* bytes = static_cast<std::uint8_t*>(memory.data());
    for (std::size_t i = 0; i < memory.size(); ++i)
        REQUIRE(bytes[i] == 0);
    bytes[memory.size() - 1] = 7;
    CHECK(bytes[memory.size() - 1] == 7);
}

TEST_CASE("memory as long as a huge page begins where one does") {
    const Memory memory(Memory::kHugePageBytes + 5);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % Memory::kHugePageBytes == 0);
    auto* bytes = static_cast<std::uint8_t*>(memory.data());
    bytes[0] = bytes[memory.size() - 1] = 7;
    CHECK(bytes[memory.size() - 1] == 7);
}

TEST_CASE("memory that was discarded is zero, and what lies beside it is as it was") {
    Memory memory(3 * 4096 + 5);
    auto* bytes = static_cast<std::uint8_t*>(memory.data());
    std::fill_n(bytes, memory.size(), std::uint8_t{7});
    REQUIRE(memory.discard(4096, 4096));
    for (std::size_t i = 0; i < memory.size(); ++i)
        REQUIRE(bytes[i] == (i / 4096 == 1 ? 0 : 7));
    REQUIRE(memory.discard(3 * 4096, 5));
    CHECK(bytes[3 * 4096] == 0);
}

TEST_CASE("no memory is asked for nothing") {
    const Memory none;
    CHECK(none.data() == nullptr);
    const Memory zero(0);
    CHECK(zero.data() == nullptr);
    CHECK(zero.size() == 0);
}

TEST_CASE("memory moves without changing its address") {
    Memory first(4096);
    void* const address = first.data();
    Memory second(std::move(first));
    CHECK(second.data() == address);
    CHECK(first.data() == nullptr);
    Memory third(8192);
    third = std::move(second);
    CHECK(third.data() == address);
    CHECK(third.size() == 4096);
}

TEST_CASE("memory far larger than the machine's is granted, since only what is touched is committed") {
    const Memory memory(std::size_t{1} << 38);
    static_cast<std::uint8_t*>(memory.data())[memory.size() - 1] = 1;
    CHECK(static_cast<std::uint8_t*>(memory.data())[memory.size() - 1] == 1);
}
