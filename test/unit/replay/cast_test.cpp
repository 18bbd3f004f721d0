#include "replay/cast.hpp"

#include "capture/tape.hpp"

namespace terminus::replay {
namespace {

/// One client's connection, cast with one service of its server's port.
struct Casting {
    explicit Casting(const wire::IpAddress& service) {
        tape.handshake();
        recorded.emplace(tape.load());
        settings.services = {{"www", {service, tape.server_end.port}}};
        settings.reachable = {{wire::IpAddress::v4(0u), 0}};
    }
    [[nodiscard]] Cast cast() const { return {settings, {{.recorded = &*recorded}}}; }

    test::Tape tape;
    std::optional<capture::RecordedConversations> recorded;
    CastSettings settings;
};

TEST_CASE("a recorded client is played to the service that takes its server's place") {
    const Casting casting(wire::IpAddress::v4(198, 51, 100, 7));
    const Cast cast = casting.cast();
    CHECK(cast.unplayed().empty());
    REQUIRE(cast.played().size() == 1);
    CHECK(cast.played().front().choice.service->service == "www");
}

TEST_CASE("a client that has the service's own address is not played, and the report says why") {
    const Casting casting(test::kPeer4);
    const Cast cast = casting.cast();
    CHECK(cast.played().empty());
    REQUIRE(cast.unplayed().size() == 1);
    CHECK(cast.unplayed().front().why == "its client has the service's own address");
}

TEST_CASE("nor is one that has another address of the configuration's, or that no route leads to") {
    Casting casting(wire::IpAddress::v4(198, 51, 100, 7));
    casting.settings.taken = {test::kPeer4};
    CHECK(casting.cast().unplayed().front().why == "its client has an address of the configuration's");
    casting.settings.taken.clear();
    casting.settings.reachable = {{wire::IpAddress::v4(198, 51, 100, 0), 24}};
    CHECK(casting.cast().unplayed().front().why == "no route leads to its client");
}

}  // namespace
}  // namespace terminus::replay
