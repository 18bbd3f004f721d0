#include "load/splitter.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "load/frame_writer.hpp"
#include "load/neighbours.hpp"
#include "load/rig.hpp"

namespace terminus::load {
namespace {

/// Where a frame goes: 1, or 2.
int side_of(const Splitter& splitter, packet::Buffer frame) {
    packet::Batch in;
    in.push_back(std::move(frame));
    packet::Batch first;
    packet::Batch second;
    splitter.split(in, first, second);
    REQUIRE(in.empty());
    REQUIRE(first.size() + second.size() == 1);
    return first.empty() ? 2 : 1;
}

packet::Buffer segment(const SideSettings& from) {
    Outgoing outgoing;
    outgoing.tuple = {AddressRange::low(from.local.first), AddressRange::low(from.remote.first), 1024, 80};
    return FrameWriter(from).write(Shape::Text, outgoing);
}

/// What a side says first: the question for its next hop, then where its own addresses are.
packet::Buffer first_words(const SideSettings& side, std::uint16_t index) {
    Neighbours neighbours(side);
    packet::Batch out;
    neighbours.run(base::instant_from_ns(1'000'000'000), out);
    REQUIRE(out.size() > index);
    return out.take(index);
}

TEST_CASE("two sides on one port get what is sent to their addresses, or asks for them") {
    const bool is_v4 = GENERATE(true, false);
    const SideSettings client = client_settings(is_v4).side;
    SideSettings backend = backend_settings(is_v4).side;
    backend.next_hop = client_address(is_v4);
    const Splitter splitter(client.local);
    CHECK(side_of(splitter, segment(backend)) == 1);
    CHECK(side_of(splitter, segment(client)) == 2);
    CHECK(side_of(splitter, first_words(backend, 0)) == 1);
    CHECK(side_of(splitter, first_words(client, 0)) == 2);
}

TEST_CASE("what can't be read is the second side's") {
    const Splitter splitter(client_settings().side.local);
    CHECK(side_of(splitter, test::make_buffer(std::vector<std::uint8_t>(13))) == 2);
    CHECK(side_of(splitter, test::make_buffer(std::vector<std::uint8_t>(60))) == 2);
    packet::Buffer cut = segment(backend_settings(false).side);
    std::vector<std::uint8_t> bytes(cut.bytes().begin(), cut.bytes().begin() + 14 + 39);
    CHECK(side_of(splitter, test::make_buffer(bytes)) == 2);
}

}  // namespace
}  // namespace terminus::load
