#pragma once

// One wheel entry a connection, whichever of its seven deadlines is next (DESIGN 3.3). Part of
// stack/stack.hpp.

#include <algorithm>

#include "stack/stack.hpp"

namespace terminus::stack {

template <typename App>
void Stack<App>::begin_turn(base::Instant now, std::uint32_t free_buffers) {
    // HARDENING 29: a clock that steps back stands still until it has caught up.
    if (now > env_.now) env_.now = now;
    divide_buffers(free_buffers);
}

template <typename App>
void Stack<App>::run_timers() {
    const bool are_late = env_.now - wheel_.done_until() > kTimersLate;
    const std::uint32_t budget = are_late ? kTimerBudget : kTimerBudgetInTime;
    const std::uint32_t fired =
        wheel_.advance(env_.now, budget, [this, next = Connections::kNone](timer::Target target) mutable {
            // Who has been quiet is in no cache: the slot is asked for while one timer is dealt with, and
            // what it names while another is.
            if (next != Connections::kNone && connections_.is_live(next))
                connections_.prefetch_deadlines(next);
            next = connection_of(wheel_.second_next());
            if (next != Connections::kNone) connections_.prefetch(next);
            fire(target);
        });
    end_time_waits(kTimerBudget - fired);
    network_.advance(env_.now);
    check_half_opens();
}

/// Whose timer it is; kNone when it isn't a connection's.
template <typename App>
std::uint32_t Stack<App>::connection_of(std::optional<timer::Target> target) {
    if (!target) return Connections::kNone;
    const flow::Handle handle = flow::Handle::from_raw(target->handle);
    return handle.kind() == flow::HandleKind::Connection ? handle.index() : Connections::kNone;
}

template <typename App>
base::Instant Stack<App>::next_deadline() const {
    return std::min({wheel_.next_wakeup(), next_time_wait_deadline(), network_.next_deadline()});
}

template <typename App>
void Stack<App>::fire(timer::Target target) {
    const flow::Handle handle = flow::Handle::from_raw(target.handle);
    switch (handle.kind()) {
        case flow::HandleKind::Connection: {
            if (!connections_.is_current(handle.index(), target.generation)) return;
            ConnectionSlot& slot = connections_.awake(handle.index());
            slot.timer = timer::kNoTimer;
            if (slot.tcp->next_deadline() <= env_.now) {
                slot.tcp->timers_expired(environment_for(slot));
                mark_dirty(handle.index());
            } else {
                sync_timer(handle.index());  // the deadline moved later meanwhile; that was only a store
            }
            return;
        }
        case flow::HandleKind::HalfOpen:
            if (half_opens_.is_current(handle.index(), target.generation)) half_open_expired(handle.index());
            return;
        case flow::HandleKind::TimeWait:
            TERMINUS_ASSERT(false, "TIME_WAITs end in a line of their own");
            return;
        case flow::HandleKind::Application:
            app_.timer_expired(*this, handle.index());
            return;
    }
}

template <typename App>
void Stack<App>::half_open_expired(std::uint32_t index) {
    HalfOpenSlot& slot = half_opens_[index];
    slot.timer = timer::kNoTimer;
    const flow::Key key = key_of(slot.tcp);
    const tcp::Environment env = environment_for(slot);
    if (!slot.tcp.timer_expired(env)) {
        release_half_open(index, table_.hash(key));
        return;
    }
    const wire::FourTuple named = network_.tuple_of(key);
    const std::uint32_t offset = tcp::timestamp_offset(settings_.secrets, named);
    answer(named, slot.tcp.poll_reply(offset, env), env.tunables);
    const flow::Handle handle(flow::HandleKind::HalfOpen, index);
    slot.timer = wheel_.arm(slot.tcp.next_deadline(), {handle.raw(), half_opens_.generation(index)});
    TERMINUS_ASSERT(slot.timer != timer::kNoTimer, "the wheel has an entry for every slot of every slab");
}

template <typename App>
base::Instant Stack<App>::next_time_wait_deadline() const {
    const std::uint32_t first = time_waits_.first();
    return first == TimeWaits::kNone ? base::kNever : time_waits_[first].tcp.deadline(env_);
}

template <typename App>
void Stack<App>::end_time_waits(std::uint32_t budget) {
    for (; budget > 0 && next_time_wait_deadline() <= env_.now; --budget) {
        const std::uint32_t index = time_waits_.first();
        tcp::TimeWait& over = time_waits_[index].tcp;
        over.timer_expired(env_);
        release_time_wait(index, table_.hash(key_of(over)));
    }
}

// An earlier deadline re-arms the wheel's entry, a later one is only the store the connection already made:
// who is busy has one entry fire in 200 ms, however many segments come. Who has a request now and then would
// have one fire for each, long after all that belongs to it has left the caches: its entry is moved when it
// comes to rest again, while they have it.
template <typename App>
void Stack<App>::sync_timer(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    const base::Instant deadline = slot.tcp->next_deadline();
    if (slot.timer == timer::kNoTimer) {
        if (deadline == base::kNever) return;
        slot.timer = wheel_.arm(deadline, {flow::Handle(flow::HandleKind::Connection, index).raw(),
                                           connections_.generation(index)});
        TERMINUS_ASSERT(slot.timer != timer::kNoTimer, "the wheel has an entry for every slot of every slab");
    } else if (deadline < wheel_.deadline(slot.timer)) {
        wheel_.rearm(slot.timer, deadline);
    } else if (slot.is_rare && deadline >= env_.now + kTimerFar) {
        slot.is_rare = false;
        set_timer(index);
    }
}

// Exactly what the connection waits for, later or never, too: while it rests an entry that fires too early
// would wake it for nothing.
template <typename App>
void Stack<App>::set_timer(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    if (slot.timer == timer::kNoTimer) return sync_timer(index);
    const base::Instant deadline = slot.tcp->next_deadline();
    if (deadline == base::kNever) {
        wheel_.cancel(slot.timer);
        slot.timer = timer::kNoTimer;
    } else if (deadline != wheel_.deadline(slot.timer)) {
        wheel_.rearm(slot.timer, deadline);
    }
}

template <typename App>
timer::TimerId Stack<App>::arm_timer(Cookie cookie, base::Instant deadline) {
    return wheel_.arm(deadline, {flow::Handle(flow::HandleKind::Application, cookie).raw(), 0});
}

}  // namespace terminus::stack
