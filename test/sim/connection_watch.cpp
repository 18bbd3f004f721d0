#include "connection_watch.hpp"

#include <algorithm>

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
/// RFC 6928, of any MSS.
constexpr std::uint64_t kInitialWindowMax = 14'600;
/// Retransmissions and probes are at most rto_max apart.
constexpr base::Duration kAskingPauseMax = std::chrono::seconds(121);

class Check {
 public:
    Check(const tcp::Connection& connection, const Watched& watched,
          const std::function<void(const std::string&)>& fail)
        : connection_(connection), watched_(watched), fail_(fail) {}

    void numbers(ConnectionMarks& marks);
    void congestion();
    void records();
    void timers();

 private:
    void fail(const std::string& what) { fail_(what); }

    const tcp::Connection& connection_;
    const Watched& watched_;
    const std::function<void(const std::string&)>& fail_;
};

void Check::numbers(ConnectionMarks& marks) {
    const tcp::SendSpace& snd = connection_.send_space();
    const tcp::ReceiveSpace& rcv = connection_.receive_space();
    if (snd.una.after(snd.nxt)) fail("snd.una is after snd.nxt");
    if (connection_.state() == tcp::State::SynSent || connection_.state() == tcp::State::Closed) return;
    congestion();
    // SYN and FIN take a number each.
    if (snd.flight() > connection_.send_queue().size_bytes() + 2) fail("more is in flight than is held");
    if (rcv.nxt.after(rcv.adv) || rcv.wnd() > kWindowMax) fail("rcv.nxt is beyond the window");
    if (rcv.acked.after(rcv.nxt)) fail("more was acknowledged than was received");
    if (marks.is_set) {
        if (snd.una.before(marks.una)) fail("snd.una moved back");
        if (snd.nxt.before(marks.nxt)) fail("snd.nxt moved back");
        if (rcv.nxt.before(marks.received)) fail("rcv.nxt moved back");
        if (rcv.acked.before(marks.acked)) fail("an acknowledgement was taken back");
        if (rcv.adv.before(marks.advertised)) fail("the window that was offered shrank");
    }
    marks = {true, snd.una, snd.nxt, rcv.nxt, rcv.acked, rcv.adv};
}

// HARDENING 24: a window has nothing but what it began with (RFC 6928) and what was acknowledged, and BBR
// what was reported by SACK besides.
void Check::congestion() {
    const tcp::SendSpace& snd = connection_.send_space();
    const tcp::LossRecovery& recovery = connection_.recovery();
    const bool counts_reports = recovery.congestion().owns_recovery();
    const std::uint64_t delivered = recovery.delivered_bytes();
    const std::uint64_t acknowledged = counts_reports ? delivered : snd.una - snd.iss;
    // While it comes down by PRR it is what is on the way and what may join that (RFC 9937 6): as much as was
    // delivered, in whole segments, and the first retransmission.
    const bool is_reduced =
        recovery.state() == tcp::RecoveryState::Cwr || recovery.state() == tcp::RecoveryState::Recovery;
    const std::uint64_t on_the_way = is_reduced ? recovery.pipe(snd) + delivered + snd.mss : 0;
    const std::uint64_t most = std::max(kInitialWindowMax + acknowledged, on_the_way);
    if (recovery.window() > most) {
        fail("the congestion window is " + std::to_string(recovery.window()) +
             ", and what was acknowledged allows " + std::to_string(most));
    }
    if (delivered > snd.nxt - snd.iss) fail("more was delivered than was sent");
}

// The books of what is outstanding: contiguous from una to nxt, and the sums beside them true.
void Check::records() {
    if (!tcp::is_in(connection_.state(), kSending)) return;
    const tcp::SendSpace& snd = connection_.send_space();
    const SentRecords& records = connection_.recovery().records();
    tcp::SentPool& pool = watched_.env.sent;
    wire::SeqNum at = snd.una;
    std::uint32_t count = 0, sacked = 0, lost = 0, resent = 0;
    for (std::uint32_t i = records.first(); i != SentRecords::kNone; i = pool[i].next) {
        const SentRecord& record = pool[i];
        if (record.begin != at) return fail("what is outstanding has a gap in its records");
        if (!record.end.after(record.begin)) return fail("a record of what was sent is empty");
        if (record.has(SentRecord::kSacked) && record.has(SentRecord::kLost))
            return fail("what has arrived is taken for lost");
        at = record.end;
        ++count;
        if (record.has(SentRecord::kSacked)) sacked += record.length();
        if (record.has(SentRecord::kLost)) lost += record.length();
        if (record.has(SentRecord::kRetransmitted)) resent += record.length();
    }
    if (at != snd.nxt) fail("the records don't end at snd.nxt");
    if (count != records.count()) fail("the number of records is wrong");
    if (sacked != records.sacked_bytes()) fail("the sum of what was reported is wrong");
    if (lost != records.lost_bytes()) fail("the sum of what is lost is wrong");
    if (resent != records.retransmitted_bytes()) fail("the sum of what was sent again is wrong");
}

// Whatever waits for a peer has a time at which it stops doing so; what is in the dirty list comes anyway.
void Check::timers() {
    if (watched_.has_work) return;
    const bool waits = connection_.state() == tcp::State::SynSent ||
                       (tcp::is_in(connection_.state(), kSending) &&
                        (connection_.send_space().flight() > 0 || !connection_.send_queue().empty()));
    if (!waits) return;
    // Keepalive is later than that, or asks nothing while something is in flight.
    const base::Instant now = watched_.env.now;
    if (connection_.next_deadline() > now + kAskingPauseMax)
        return fail("nothing will be sent for longer than rto_max");
    if (watched_.next_deadline == base::kNever) fail("a deadline is not in the wheel");
}

}  // namespace

void check_connection(const tcp::Connection& connection, const Watched& watched, ConnectionMarks& marks,
                      const std::function<void(const std::string&)>& fail) {
    Check check(connection, watched, fail);
    check.numbers(marks);
    check.records();
    check.timers();
}

}  // namespace terminus::simulation
