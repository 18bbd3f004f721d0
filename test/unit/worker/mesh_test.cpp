#include "worker/mesh.hpp"

#include <catch2/catch.hpp>

#include "support/pool.hpp"

namespace terminus::worker {
namespace {

stack::Message wanted(std::uint16_t port) {
    stack::Message message;
    message.kind = stack::Message::Kind::NeighbourWanted;
    message.port = port;
    return message;
}

TEST_CASE("each ordered pair of workers has rings of its own") {
    Mesh mesh(3);
    REQUIRE(mesh.workers() == 3);
    for (std::uint16_t from = 0; from < 3; ++from) {
        for (std::uint16_t to = 0; to < 3; ++to) {
            REQUIRE(mesh.messages(from, to).try_push(wanted(static_cast<std::uint16_t>(from * 10 + to))));
        }
    }
    for (std::uint16_t from = 0; from < 3; ++from) {
        for (std::uint16_t to = 0; to < 3; ++to) {
            const std::optional<stack::Message> message = mesh.messages(from, to).try_pop();
            REQUIRE(message);
            REQUIRE(message->port == from * 10 + to);
            REQUIRE_FALSE(mesh.messages(from, to).try_pop());
        }
    }
}

TEST_CASE("a worker has mail for as long as a ring to it holds a message") {
    Mesh mesh(2);
    REQUIRE_FALSE(mesh.has_mail(0));
    REQUIRE_FALSE(mesh.has_mail(1));
    REQUIRE(mesh.messages(0, 1).try_push(wanted(0)));
    REQUIRE(mesh.has_mail(1));
    REQUIRE_FALSE(mesh.has_mail(0));
    REQUIRE(mesh.messages(0, 1).try_pop());
    REQUIRE_FALSE(mesh.has_mail(1));
}

TEST_CASE("a frame to be sent is mail too, and fills another ring than messages") {
    const std::uint32_t before = terminus::test::buffers_in_use();
    {
        Mesh mesh(2);
        for (std::size_t i = 0; i < Mesh::kDepth; ++i)
            REQUIRE(mesh.relayed(1, 0).try_push({0, terminus::test::make_buffer({})}));
        REQUIRE_FALSE(mesh.relayed(1, 0).has_room());
        REQUIRE(mesh.has_mail(0));
        REQUIRE_FALSE(mesh.has_mail(1));
        REQUIRE(mesh.messages(1, 0).has_room());
        REQUIRE(mesh.messages(1, 0).empty());
    }
    REQUIRE(terminus::test::buffers_in_use() == before);  // what is left in a ring goes with it
}

}  // namespace
}  // namespace terminus::worker
