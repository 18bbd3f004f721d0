#include "scenario.hpp"

#include <algorithm>
#include <chrono>

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;

/// Retransmissions, probes, keepalives and TIME_WAIT at their longest, one after the other. It begins anew
/// with each byte that arrives: a sender that gets through to its peer now and then is slow, not stuck.
constexpr base::Duration kSilenceMax = 6h;
/// Turns without end are a fault, too; the longest runs have about a hundredth of it.
constexpr std::uint32_t kStepsMax = 3'000'000;
/// Frames that wait for a neighbour who doesn't answer are given up; a clock that stepped back stands still
/// meanwhile.
constexpr base::Duration kNeighbourTimeout = 1010s;

}  // namespace

void Scenario::schedule(base::Duration after, std::function<void()> what) {
    happenings_.push_back({after, std::move(what)});
}

void Scenario::begin_due() {
    while (next_happening_ < happenings_.size() && kStart + happenings_[next_happening_].at <= now_)
        happenings_[next_happening_++].what();
}

// To the next thing that happens, or to `limit`. A turn takes a microsecond at least, so that a deadline
// within the present tick can't hold time up.
void Scenario::step(base::Instant limit) {
    base::Instant next = next_turn();
    if (next_happening_ < happenings_.size()) next = std::min(next, kStart + happenings_[next_happening_].at);
    now_ = std::min(std::max(next, now_ + 1us), limit);
    begin_due();
    turn();
    if (++steps_ > kStepsMax) verdict_.fail("it goes on and on without an end");
    note_progress();
    if (now_ >= ends_by_) verdict_.fail("not everything is CLOSED in time");
}

void Scenario::note_progress() {
    if (received() == received_) return;
    received_ = received();
    ends_by_ = now_ + kSilenceMax;
}

std::string Scenario::failure() {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - kStart).count();
    return verdict_.text() + "\nafter " + std::to_string(millis) + " ms and " + std::to_string(steps_) +
           " turns\n" + story();
}

Outcome Scenario::run() {
    std::stable_sort(happenings_.begin(), happenings_.end(),
                     [](const Happening& a, const Happening& b) { return a.at < b.at; });
    ends_by_ = now_ + kSilenceMax;
    begin_due();
    turn();
    while (verdict_.is_good() && (next_happening_ < happenings_.size() || !is_quiet()))
        step(ends_by_);
    const base::Instant end = now_ + kNeighbourTimeout;
    while (verdict_.is_good() && now_ < end)
        step(end);
    if (verdict_.is_good()) check_end();
    Outcome outcome{{}, now_ - kStart, segments()};
    if (!verdict_.is_good()) outcome.failure = failure();
    return outcome;
}

}  // namespace terminus::simulation
