#include "machine_watch.hpp"

#include "stats/reasons.hpp"

namespace terminus::simulation {
namespace {

using tcp::SentRecord;
using tcp::SentRecords;

constexpr tcp::StateMask kSending = tcp::mask(tcp::State::Established) | tcp::mask(tcp::State::FinWait1) |
                                    tcp::mask(tcp::State::CloseWait) | tcp::mask(tcp::State::Closing) |
                                    tcp::mask(tcp::State::LastAck);
/// No window is larger (RFC 7323 2.3).
constexpr std::uint32_t kWindowMax = 1u << 30;
/// Retransmissions and probes are at most rto_max apart.
constexpr base::Duration kAskingPauseMax = std::chrono::seconds(121);

void add_line(std::string& text, const wire::FourTuple& tuple, const tcp::Connection::Snapshot& now) {
    text += "  " + std::string(tcp::ss_name(now.state)) + " " + std::to_string(now.receive_queue_bytes) +
            " " + std::to_string(now.send_queue_bytes) + " " + tuple.local.to_string() + " " +
            tuple.remote.to_string() + " timer ";
    text += now.timer ? std::string(stats::text(*now.timer).label) : "none";
    text += ", " + std::to_string(now.retransmits) + " retransmits\n";
}

}  // namespace

void MachineWatch::fail(const Flow& flow, const std::string& what) {
    const wire::FourTuple tuple = machine_.stack().tuple(flow.id);
    verdict_.fail("machine " + std::to_string(machine_.number()) + ", " + tuple.local.to_string() + " to " +
                  tuple.remote.to_string() + ": " + what);
}

void MachineWatch::after_turn() {
    const auto& flows = machine_.app().flows();
    marks_.resize(flows.size());
    std::uint32_t buffers = 0;
    for (std::size_t i = 0; i < flows.size(); ++i) {
        const tcp::Connection* const connection = machine_.stack().find(flows[i].id);
        if (connection == nullptr) continue;
        check(flows[i], *connection, marks_[i]);
        check_records(flows[i], *connection);
        check_timers(flows[i], *connection);
        buffers += connection->buffer_count();
    }
    if (buffers > machine_.pools().payload.in_use() + machine_.pools().header.in_use())
        verdict_.fail("connections count more buffers than are in use");
    const std::uint64_t owners =
        machine_.live() + machine_.count(tcp::State::TimeWait) + machine_.app().timers();
    if (machine_.stack().armed_timers() > owners) verdict_.fail("a timer is armed that nothing owns");
    if (machine_.stack().environment().sent.used() >
        machine_.plan().sent_records_spare + machine_.plan().connections_max)
        verdict_.fail("more records of sent text are in use than there are");
}

void MachineWatch::check(const Flow& flow, const tcp::Connection& connection, Marks& marks) {
    const tcp::SendSpace& snd = connection.send_space();
    const tcp::ReceiveSpace& rcv = connection.receive_space();
    if (snd.una.after(snd.nxt)) fail(flow, "snd.una is after snd.nxt");
    if (connection.state() == tcp::State::SynSent || connection.state() == tcp::State::Closed) return;
    // SYN and FIN take a number each.
    if (snd.flight() > connection.send_queue().size_bytes() + 2) fail(flow, "more is in flight than is held");
    if (rcv.nxt.after(rcv.adv) || rcv.wnd() > kWindowMax) fail(flow, "rcv.nxt is beyond the window");
    if (rcv.acked.after(rcv.nxt)) fail(flow, "more was acknowledged than was received");
    if (marks.is_set) {
        if (snd.una.before(marks.una)) fail(flow, "snd.una moved back");
        if (snd.nxt.before(marks.nxt)) fail(flow, "snd.nxt moved back");
        if (rcv.nxt.before(marks.received)) fail(flow, "rcv.nxt moved back");
        if (rcv.acked.before(marks.acked)) fail(flow, "an acknowledgement was taken back");
        if (rcv.adv.before(marks.advertised)) fail(flow, "the window that was offered shrank");
    }
    marks = {true, snd.una, snd.nxt, rcv.nxt, rcv.acked, rcv.adv};
}

// The books of what is outstanding: contiguous from una to nxt, and the sums beside them true.
void MachineWatch::check_records(const Flow& flow, const tcp::Connection& connection) {
    if (!tcp::is_in(connection.state(), kSending)) return;
    const tcp::SendSpace& snd = connection.send_space();
    const SentRecords& records = connection.recovery().records();
    tcp::SentPool& pool = machine_.stack().environment().sent;
    wire::SeqNum at = snd.una;
    std::uint32_t count = 0, sacked = 0, lost = 0, resent = 0;
    for (std::uint32_t i = records.first(); i != SentRecords::kNone; i = pool[i].next) {
        const SentRecord& record = pool[i];
        if (record.begin != at) return fail(flow, "what is outstanding has a gap in its records");
        if (!record.end.after(record.begin)) return fail(flow, "a record of what was sent is empty");
        if (record.has(SentRecord::kSacked) && record.has(SentRecord::kLost))
            return fail(flow, "what has arrived is taken for lost");
        at = record.end;
        ++count;
        if (record.has(SentRecord::kSacked)) sacked += record.length();
        if (record.has(SentRecord::kLost)) lost += record.length();
        if (record.has(SentRecord::kRetransmitted)) resent += record.length();
    }
    if (at != snd.nxt) fail(flow, "the records don't end at snd.nxt");
    if (count != records.count()) fail(flow, "the number of records is wrong");
    if (sacked != records.sacked_bytes()) fail(flow, "the sum of what was reported is wrong");
    if (lost != records.lost_bytes()) fail(flow, "the sum of what is lost is wrong");
    if (resent != records.retransmitted_bytes()) fail(flow, "the sum of what was sent again is wrong");
}

// Whatever waits for a peer has a time at which it stops doing so; what is in the dirty list comes anyway.
void MachineWatch::check_timers(const Flow& flow, const tcp::Connection& connection) {
    if (machine_.stack().has_work()) return;
    const bool waits = connection.state() == tcp::State::SynSent ||
                       (tcp::is_in(connection.state(), kSending) &&
                        (connection.send_space().flight() > 0 || !connection.send_queue().empty()));
    if (!waits) return;
    // Keepalive is later than that, or asks nothing while something is in flight.
    const base::Instant now = machine_.stack().environment().now;
    if (connection.next_deadline() > now + kAskingPauseMax)
        return fail(flow, "nothing will be sent for longer than rto_max");
    if (machine_.stack().next_deadline() == base::kNever) fail(flow, "a deadline is not in the wheel");
}

bool MachineWatch::is_idle() const {
    return machine_.live() == 0 && machine_.count(tcp::State::TimeWait) == 0 && !machine_.has_work();
}

void MachineWatch::at_end() {
    const std::string who = "machine " + std::to_string(machine_.number()) + ": ";
    for (std::size_t state = 0; state < tcp::kStates; ++state) {
        if (machine_.count(static_cast<tcp::State>(state)) != 0)
            verdict_.fail(who + "the gauge of a state is not zero at the end");
    }
    if (machine_.stack().armed_timers() != 0) verdict_.fail(who + "a timer is left at the end");
    if (machine_.app().timers() != 0) verdict_.fail(who + "a program's timer is left at the end");
    if (machine_.stack().environment().sent.used() != 0)
        verdict_.fail(who + "a record of sent text is left at the end");
    if (machine_.stats().out_of_order_buffers.value() != 0)
        verdict_.fail(who + "the gauge of buffers ahead of gaps is not zero at the end");
    if (machine_.buffers_in_use() != buffers_before_)
        verdict_.fail(who + std::to_string(machine_.buffers_in_use() - buffers_before_) +
                      " buffers are left at the end");
    for (const Flow& flow : machine_.app().flows()) {
        if (!flow.closed) verdict_.fail(who + "a program was not told that its connection ended");
    }
}

std::string MachineWatch::listing() {
    std::string text = "machine " + std::to_string(machine_.number()) + ": " +
                       std::to_string(machine_.pools().payload.available()) + " payload buffers free, " +
                       std::to_string(machine_.stack().armed_timers()) + " timers, share " +
                       std::to_string(machine_.stack().buffer_share()) + "\n";
    (void)machine_.stack().list(0, UINT32_MAX,
                                [&](const wire::FourTuple& tuple, std::uint16_t, stats::Leg,
                                    const tcp::Connection::Snapshot& now) { add_line(text, tuple, now); });
    for (const Flow& flow : machine_.app().flows()) {
        text += "  program: sent " + std::to_string(flow.sent) + " of " +
                std::to_string(flow.behaviour.send_bytes) + ", received " + std::to_string(flow.received) +
                (flow.peer_finished ? ", peer finished" : "") + (flow.has_ended ? ", ended" : "") + ", ";
        text += flow.closed ? std::string(stats::text(*flow.closed).label) : "open";
        text += "\n";
    }
    for (std::size_t i = 0; i < std::size(stats::kDropReasons); ++i) {
        const std::uint64_t dropped = machine_.stats().drops[static_cast<stats::DropReason>(i)].value();
        if (dropped > 0)
            text += "  dropped " + std::to_string(dropped) + ": " +
                    std::string(stats::kDropReasons[i].label) + "\n";
    }
    return text;
}

}  // namespace terminus::simulation
