#include "tcp/state.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <utility>

using namespace terminus::tcp;

namespace {
const State kAll[] = {State::Closed,      State::Listen,   State::SynSent,  State::SynReceived,
                      State::Established, State::FinWait1, State::FinWait2, State::CloseWait,
                      State::Closing,     State::LastAck,  State::TimeWait};
}

// RFC 9293 figure 5, written out a second time.
TEST_CASE("legal transitions are the arrows of figure 5 and those to CLOSED, and no others") {
    using S = State;
    const std::set<std::pair<State, State>> arrows = {
        {S::Closed, S::Listen},           {S::Closed, S::SynSent},        {S::Listen, S::SynReceived},
        {S::Listen, S::SynSent},          {S::SynSent, S::SynReceived},   {S::SynSent, S::Established},
        {S::SynReceived, S::Established}, {S::SynReceived, S::FinWait1},  {S::SynReceived, S::Listen},
        {S::Established, S::FinWait1},    {S::Established, S::CloseWait}, {S::FinWait1, S::FinWait2},
        {S::FinWait1, S::Closing},        {S::FinWait1, S::TimeWait},     {S::FinWait2, S::TimeWait},
        {S::CloseWait, S::LastAck},       {S::Closing, S::TimeWait},
    };
    for (const State from : kAll) {
        for (const State to : kAll) {
            const bool to_closed = to == State::Closed && from != State::Closed;
            const bool expected = to_closed || arrows.count({from, to}) > 0;
            INFO(label(from) << " to " << label(to));
            CHECK(is_legal(from, to) == expected);
        }
    }
}

TEST_CASE("each state has its own bit, its own label and the word that ss prints") {
    StateMask seen = 0;
    std::set<std::string_view> names;
    for (const State state : kAll) {
        CHECK_FALSE(is_in(state, seen));
        seen = static_cast<StateMask>(seen | mask(state));
        CHECK(is_in(state, seen));
        CHECK(names.insert(label(state)).second);
        CHECK(names.insert(ss_name(state)).second);
    }
    CHECK(names.size() == 2 * kStates);
    CHECK(ss_name(State::Established) == "ESTAB");
    CHECK(ss_name(State::SynReceived) == "SYN-RECV");
    CHECK(label(State::FinWait2) == "fin_wait_2");
}
