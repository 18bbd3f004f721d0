#include "worker/group.hpp"

#include <catch2/catch.hpp>

namespace terminus::worker {
namespace {

TEST_CASE("commands and replies keep their order, each way on its own") {
    Mailbox box;
    REQUIRE_FALSE(box.has_mail());
    REQUIRE(box.post(SetDraining{true}));
    REQUIRE(box.post(Stop{}));
    REQUIRE(box.has_mail());
    REQUIRE_FALSE(box.poll());
    const std::optional<Command> first = box.take();
    REQUIRE(first);
    REQUIRE(std::get<SetDraining>(*first).draining);
    REQUIRE(std::holds_alternative<Stop>(*box.take()));
    REQUIRE_FALSE(box.has_mail());
    REQUIRE_FALSE(box.take());
    box.reply(DrainingSet{});
    box.reply(ServicesSet{7});
    REQUIRE(std::holds_alternative<DrainingSet>(*box.poll()));
    REQUIRE(std::get<ServicesSet>(*box.poll()).version == 7);
    REQUIRE_FALSE(box.poll());
}

TEST_CASE("a mailbox takes as many commands as it is deep; the one too many stays with who asked") {
    Mailbox box;
    for (std::size_t i = 0; i < Mailbox::kDepth; ++i)
        REQUIRE(box.post(SetDraining{true}));
    auto page = std::make_unique<RowPage>();
    page->request = 9;
    Command listing = ListConnections{std::move(page)};
    REQUIRE_FALSE(box.post(std::move(listing)));
    REQUIRE(std::get<ListConnections>(listing).page->request == 9);
    REQUIRE(box.take());
    REQUIRE(box.post(std::move(listing)));
}

TEST_CASE("a group has one mailbox a worker, with numbers of its own") {
    Group group(3);
    REQUIRE(group.size() == 3);
    REQUIRE(group.mailbox(2).post(Stop{}));
    REQUIRE_FALSE(group.mailbox(1).has_mail());
    group.mailbox(1).stats().turns.add(5);
    REQUIRE(group.stats(1).turns.value() == 5);
    REQUIRE(group.stats(2).turns.value() == 0);
}

}  // namespace
}  // namespace terminus::worker
