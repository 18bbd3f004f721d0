#include "flow/handle.hpp"

#include <catch2/catch.hpp>

using terminus::flow::Handle;
using terminus::flow::HandleKind;

TEST_CASE("a handle keeps its kind and all thirty bits of its index") {
    for (const HandleKind kind :
         {HandleKind::Connection, HandleKind::HalfOpen, HandleKind::TimeWait, HandleKind::Application}) {
        for (const std::uint32_t index : {0u, 1u, Handle::kIndexMax - 1, Handle::kIndexMax}) {
            const Handle handle(kind, index);
            CHECK_FALSE(handle.is_none());
            CHECK(handle.kind() == kind);
            CHECK(handle.index() == index);
            CHECK(Handle::from_raw(handle.raw()) == handle);
        }
    }
    CHECK(Handle(HandleKind::HalfOpen, 5) != Handle(HandleKind::TimeWait, 5));
}

TEST_CASE("no handle is a handle of its own") {
    CHECK(Handle().is_none());
    CHECK(Handle::none() == Handle());
    CHECK_FALSE(static_cast<bool>(Handle::none()));
    CHECK(static_cast<bool>(Handle(HandleKind::Connection, 0)));
}
