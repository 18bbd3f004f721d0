#include "base/blocks.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <set>
#include <vector>

#include "base/rng.hpp"

using namespace terminus;

namespace {

struct Block {
    std::uint32_t name = 0;
    std::size_t bytes = 0;
    std::uint8_t fill = 0;
};

bool is_intact(const base::Blocks& blocks, const Block& block) {
    for (std::size_t i = 0; i < block.bytes; ++i) {
        if (blocks.at(block.name)[i] != block.fill) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("blocks of all sizes lie beside each other and keep their bytes") {
    base::Blocks blocks(1u << 20);
    base::Rng rng(1);
    std::vector<Block> held;
    for (int step = 0; step < 20'000; ++step) {
        if (held.size() < 500 || rng.below(2) == 0) {
            const std::size_t bytes = 1 + rng.below(base::Blocks::kBytesMax);
            const std::uint32_t name = blocks.allocate(bytes);
            if (name == base::Blocks::kNone) continue;
            held.push_back({name, bytes, static_cast<std::uint8_t>(step)});
            std::memset(blocks.at(name), held.back().fill, bytes);
        } else {
            std::swap(held[rng.below(static_cast<std::uint32_t>(held.size()))], held.back());
            REQUIRE(is_intact(blocks, held.back()));
            blocks.release(held.back().name, held.back().bytes);
            held.pop_back();
        }
    }
    for (const Block& block : held) {
        REQUIRE(is_intact(blocks, block));
        blocks.release(block.name, block.bytes);
    }
    REQUIRE(blocks.used_bytes() == 0);
}

TEST_CASE("what is there is used up to the last block, and again after a release") {
    base::Blocks blocks(base::Blocks::kChunk);
    std::set<std::uint32_t> names;
    for (std::uint32_t name; (name = blocks.allocate(100)) != base::Blocks::kNone;)
        REQUIRE(names.insert(name).second);
    REQUIRE(names.size() == base::Blocks::kChunk / 104);
    REQUIRE(blocks.used_bytes() == names.size() * 104);
    REQUIRE(blocks.allocate(8) == base::Blocks::kNone);  // the memory is the other size's
    blocks.release(*names.begin(), 100);
    REQUIRE(blocks.allocate(97) == *names.begin());
}
