#include "stats/reasons.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <set>
#include <span>
#include <string_view>

using namespace terminus::stats;

namespace {

bool is_snake_case(std::string_view label) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return !label.empty() && is_lower(label.front()) && label.back() != '_' &&
           label.find("__") == std::string_view::npos && std::all_of(label.begin(), label.end(), [&](char c) {
               return is_lower(c) || is_digit(c) || c == '_';
           });
}

void check_list(std::span<const ReasonText> list) {
    std::set<std::string_view> labels;
    std::set<std::string_view> helps;
    for (const ReasonText& reason : list) {
        CAPTURE(reason.label);
        CHECK(is_snake_case(reason.label));
        CHECK(labels.insert(reason.label).second);
        CHECK_FALSE(reason.help.empty());
        CHECK(helps.insert(reason.help).second);
        // Quotes and line ends would have to be escaped in the metrics' text.
        CHECK(reason.help.find_first_of("\"\\\n") == std::string_view::npos);
    }
}

}  // namespace

TEST_CASE("labels are snake case and unique within each list, and each has a help of its own") {
    SECTION("drops") {
        check_list(kDropReasons);
    }
    SECTION("closes") {
        check_list(kCloseReasons);
    }
    SECTION("retransmits") {
        check_list(kRetransmitCauses);
    }
    SECTION("timers") {
        check_list(kTimers);
    }
    SECTION("resets") {
        check_list(kResetReasons);
        check_list(kWakes);
    }
}

TEST_CASE("a reason's words are those of its row") {
    CHECK(text(DropReason::EthernetTruncated).label == "ethernet_truncated");
    CHECK(text(DropReason::TransmitFull).label == "transmit_full");
    CHECK(text(CloseReason::TimeWaitLimit).label == "time_wait_limit");
    CHECK(text(RetransmitCause::PathMtu).label == "path_mtu");
    CHECK(text(Timer::TimeWait).label == "time_wait");
    CHECK(text(ResetReason::Draining).label == "draining");
    CHECK(text(Wake::Timeout).label == "timeout");
}

// DESIGN 4: the classic seven.
TEST_CASE("there are seven timers") {
    CHECK(std::size(kTimers) == 7);
}
