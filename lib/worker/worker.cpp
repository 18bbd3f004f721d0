#include "worker/worker.hpp"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "packet/frame_access.hpp"

namespace terminus::worker {

base::Instant read_clock() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return base::instant_from_ns(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

namespace {

// The proxy looks at the very steering tables that the stack was given: they live in the worker's settings.
proxy::Proxy::Settings proxy_settings(const Settings& settings) {
    proxy::Proxy::Settings own = settings.proxy;
    own.worker = settings.stack.worker;
    own.steering = settings.stack.steering;
    return own;
}

}  // namespace

Worker::Worker(Settings settings, std::vector<packet::Port*> ports, Mailbox& mailbox, Mesh& mesh,
               const proxy::ServiceTable* table, base::Instant now)
    : settings_(std::move(settings)),
      ports_(std::move(ports)),
      mailbox_(mailbox),
      mesh_(mesh),
      stats_(mailbox.stats()),
      proxy_(proxy_settings(settings_), table),
      network_(settings_.stack, ports_, stats_, now),
      stack_(settings_.stack, network_, proxy_, stats_, now),
      turn_began_(now) {
    TERMINUS_ASSERT(ports_.size() <= 64, "DPDK has 32, and each has a bit in received_from_");
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        relayed_.push_back(std::make_unique<packet::Batch>());
        recorded_ports_.push_back(
            std::make_unique<RecordedPort>(*ports_[port], static_cast<std::uint16_t>(port)));
        gone_ports_.push_back(
            std::make_unique<GonePort>(*ports_[port], stats_.drops[stats::DropReason::PortGone]));
    }
    proxy_.set_profiles(stack_);
    if (settings_.idle == Idle::Interrupt) {
        sleeper_ = std::make_unique<Sleeper>(ports_, mailbox_.bell());
        if (sleeper_->is_able()) mesh_.set_bell(settings_.stack.worker, mailbox_.bell());
    }
    publish();
}

void Worker::run() {
    // The kernel may end a sleep 50 us late for whoever hasn't said otherwise (prctl(2)).
    prctl(PR_SET_TIMERSLACK, 1);
    while (!stopping_) {
        const base::Instant now = read_clock();
        run_once(now);
        if (settings_.idle == Idle::Poll || idle_turns_ < kIdleTurns) continue;
        if (sleeps_until_told()) {
            sleep();
        } else {
            nap(now);
        }
    }
    record(nullptr);
    network_.flush();
    mailbox_.reply(Stopped{});
}

// DESIGN 3.7: ingress, mailbox, timers, application, egress.
bool Worker::run_once(base::Instant now, std::uint32_t free_buffers) {
    account(now);
    const bool is_kept = recorder_ != nullptr && begin_recorded(now, free_buffers);
    stack_.begin_turn(now, free_buffers);
    bool busy = receive();
    busy |= take_messages();
    busy |= take_mail();
    stack_.run_timers();
    busy |= stack_.has_work();
    stack_.run_application();
    stack_.egress();
    send_messages();
    busy |= relay();
    stats_.turns.add();
    if (busy) stats_.turns_busy.add();
    idle_turns_ = busy ? 0 : idle_turns_ + 1;
    if (stats_.turns.value() % kPublishTurns == 0) publish();
    if (recorder_ != nullptr) recorder_->end_turn(is_kept || busy);
    if (next_recorder_) change_recorder();
    return busy;
}

void Worker::record(Recorder* recorder) {
    recorder_ = recorder;
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        if (recorder != nullptr) recorded_ports_[port]->set_recorder(*recorder);
        packet::Port& used = recorder != nullptr ? *recorded_ports_[port] : *ports_[port];
        network_.replace_port(static_cast<std::uint16_t>(port), used);
    }
}

// Whether the turn will do something even if nothing arrives: then it has to be repeated, too.
bool Worker::begin_recorded(base::Instant now, std::uint32_t free_buffers) {
    recorder_->begin_turn(now, free_buffers);
    return stack_.has_work() || stack_.next_deadline() <= now || stack_.is_low_on_buffers(free_buffers);
}

// The turn in which that was asked for is the last one of the old recorder.
void Worker::change_recorder() {
    record(*next_recorder_);
    next_recorder_.reset();
    RecorderSet reply;
    if (recorder_ != nullptr) {
        const base::Instant began = read_clock();
        reply.snapshot = save();
        reply.took = read_clock() - began;
    }
    mailbox_.reply(std::move(reply));
}

bool Worker::receive() {
    received_from_ = 0;
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        ports_[port]->receive(burst_);
        if (burst_.empty()) continue;
        received_from_ |= std::uint64_t{1} << port;
        if (recorder_ != nullptr) recorder_->received(static_cast<std::uint16_t>(port), burst_);
        stack_.ingress(burst_, static_cast<std::uint16_t>(port));
        send_messages();
    }
    return received_from_ != 0;
}

bool Worker::take_messages() {
    bool any = false;
    const std::uint16_t self = settings_.stack.worker;
    for (std::uint16_t from = 0; from < mesh_.workers(); ++from) {
        if (from == self) continue;
        base::SpscRing<stack::Message>& ring = mesh_.messages(from, self);
        for (std::uint32_t taken = 0; taken < kMessageBudget; ++taken) {
            std::optional<stack::Message> message = ring.try_pop();
            if (!message) break;
            any = true;
            if (recorder_ != nullptr) recorder_->message(from, *message);
            if (message->kind == stack::Message::Kind::Frame) {
                stack_.handed_over(std::move(message->frame), message->port);
            } else {
                network_.message_arrives(*message, stack_.environment().now);
            }
        }
    }
    return any;
}

// What others want sent on the ports that this worker polls. A frame stays in its ring until there is room.
bool Worker::relay() {
    bool any = false;
    const std::uint16_t self = settings_.stack.worker;
    for (std::uint16_t from = 0; from < mesh_.workers(); ++from) {
        if (from == self) continue;
        base::SpscRing<Relayed>& ring = mesh_.relayed(from, self);
        for (std::uint32_t taken = 0; taken < kMessageBudget; ++taken) {
            const bool has_room = std::none_of(relayed_.begin(), relayed_.end(),
                                               [](const auto& batch) { return batch->full(); });
            if (!has_room) break;
            std::optional<Relayed> relayed = ring.try_pop();
            if (!relayed) break;
            any = true;
            relayed_[relayed->port]->push_back(std::move(relayed->frame));
        }
    }
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        if (relayed_[port]->empty()) continue;
        ports_[port]->transmit(*relayed_[port]);
        any = true;
    }
    return any;
}

void Worker::send_messages() {
    std::uint64_t rung_for = 0;  // a bit for each worker: a burst rings once for each
    while (std::optional<stack::OutMessage> out = network_.poll_message()) {
        if (mesh_.messages(settings_.stack.worker, out->worker).try_push(std::move(out->message))) {
            rung_for |= std::uint64_t{1} << out->worker;
        } else {
            stats_.drops[stats::DropReason::HandOverFull].add();
        }
    }
    for (; rung_for != 0; rung_for &= rung_for - 1)
        mesh_.rouse(static_cast<std::uint16_t>(std::countr_zero(rung_for)));
}

bool Worker::take_mail() {
    bool any = false;
    // Replies keep the order of the commands, so the one that comes at the end of the turn is its last.
    for (std::uint32_t taken = 0; taken < kMailBudget && !next_recorder_; ++taken) {
        std::optional<Command> command = mailbox_.take();
        if (!command) break;
        any = true;
        if (recorder_ != nullptr) recorder_->command(*command);
        execute(*command);
    }
    return any;
}

void Worker::publish() {
    const rte_mempool* pool = settings_.stack.buffers.payload;
    const std::uint32_t total = packet::buffers_total(pool);
    stats_.buffers_total.set(total);
    stats_.buffers_used.set(total - std::min(total, packet::buffers_available(pool)));
    std::uint64_t refused = 0;
    for (const packet::Port* port : ports_)
        refused += port->frames_refused();
    stats_.drops[stats::DropReason::TransmitFull].add(refused - frames_refused_);
    frames_refused_ = refused;
}

// The time up to this turn's beginning belongs to the turn before it.
void Worker::account(base::Instant now) {
    const auto spent = static_cast<std::uint64_t>((now - turn_began_).count());
    (idle_turns_ == 0 ? stats_.busy_ns : stats_.idle_ns).add(spent);
    turn_began_ = now;
}

// A sleeping worker wakes for a deadline by itself, for frames and mail at the latest after idle_sleep_max.
void Worker::nap(base::Instant now) {
    if (stack_.has_work() || stack_.is_tidying() || mailbox_.has_mail() ||
        mesh_.has_mail(settings_.stack.worker))
        return;
    const base::Duration until = std::min(settings_.idle_sleep_max, stack_.next_deadline() - now);
    if (until <= base::Duration::zero()) return;
    const timespec span{.tv_sec = until.count() / 1'000'000'000, .tv_nsec = until.count() % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
    stats_.wakes[until < settings_.idle_sleep_max ? stats::Wake::Deadline : stats::Wake::Timeout].add();
}

// A frame, a message or mail that comes before the ports are armed is found by the turn after that, a later
// one ends the sleep: nothing is missed in between.
void Worker::sleep() {
    const bool is_armed = sleeper_->arm();
    const base::Instant looked = read_clock();
    if (run_once(looked) || stopping_ || stack_.has_work() || stack_.is_tidying()) return sleeper_->disarm();
    if (!is_armed) {
        sleeper_->disarm();
        return nap(looked);
    }
    publish();
    const base::Duration until_due = stack_.next_deadline() - read_clock();
    if (until_due <= base::Duration::zero()) return sleeper_->disarm();
    stats::Wake wake = sleeper_->sleep(std::min(settings_.interrupt_sleep_max, until_due));
    if (wake == stats::Wake::Timeout && until_due < settings_.interrupt_sleep_max)
        wake = stats::Wake::Deadline;
    stats_.wakes[wake].add();
    if (wake == stats::Wake::Frame) {
        idle_turns_ = 1;  // TAP's driver hands a frame out only once a signal has come, too: it is polled for
    } else {
        run_once(read_clock());
        if (received_from_ != 0 && !sleeper_->is_told(received_from_)) stats_.interrupts_missed.add();
    }
    sleeper_->disarm();
}

}  // namespace terminus::worker
