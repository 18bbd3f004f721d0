#include <algorithm>

#include "hostile_session.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;
using wire::SackBlock;
using wire::SeqNum;
using wire::TcpFlags;

constexpr std::uint32_t kSegment = 1400;
constexpr std::uint32_t kBurst = 32;  // packets that one move sends, at most

}  // namespace

void HostileSession::perform(Move move, base::Instant now) {
    switch (move) {
        case Move::Acknowledge:
            return acknowledge_honestly();
        case Move::DivideAck:
            return divide_ack();
        case Move::OptimisticAck:
            return optimistic_ack();
        case Move::DuplicateAcks:
            return duplicate_acks();
        case Move::StaleAck:
            return acknowledge(near(heard_iss_ + 1));
        case Move::SackAhead:
            return sack_ahead();
        case Move::SackBytes:
            return sack_bytes();
        case Move::SackGarbage:
            return sack_garbage();
        case Move::ReportDuplicate:
            return report_duplicate();
        case Move::Window:
            return change_window();
        case Move::Send:
            return send_in_order();
        case Move::SendAhead:
            return send_ahead();
        case Move::SendCrumbs:
            return send_crumbs();
        case Move::SendOutside:
            return send_outside();
        case Move::SendOther:
            return send_other();
        case Move::Reset:
            return reset();
        case Move::Synchronise:
            return synchronise();
        case Move::Finish:
            return finish();
        case Move::Error:
            return forge_icmp();
        case Move::Options:
            return any_options();
        case Move::Congestion:
            return lie_about_congestion();
        case Move::Timestamps:
            return lie_about_time();
        case Move::Flags:
            return any_flags();
        case Move::Malform:
            return malform();
        case Move::Repeat:
            return repeat();
        case Move::Flood:
            return flood();
        case Move::Reopen:
            return send_syn(near(choices_.one_in(2) ? next_ : syn_));
        case Move::Silence:
            silent_until_ = now + choices_.span(100ms, 100s);
            return;
    }
}

// A number at or around one that matters.
SeqNum HostileSession::near(SeqNum number) {
    switch (choices_.below(6)) {
        case 0:
            return number;
        case 1:
            return number - 1;
        case 2:
            return number + 1;
        case 3:
            return number + choices_.magnitude(1, 1u << 30);
        case 4:
            return number - choices_.magnitude(1, 1u << 30);
        default:
            return SeqNum(static_cast<std::uint32_t>(choices_.next()));
    }
}

std::uint32_t HostileSession::any_length() {
    return choices_.one_in(2) ? kSegment : choices_.magnitude(1, kSegment);
}

// ---- acknowledgements

void HostileSession::acknowledge(SeqNum number) {
    Forged ack = blank();
    ack.header.ack = told_ = number;
    say(ack);
}

void HostileSession::acknowledge_honestly() {
    Forged ack = blank();
    told_ = heard_next_;
    if (plan_.asks_sack) {
        for (const SackBlock& block : ahead_) {
            if (ack.header.options.sack_count == wire::TcpOptions::kSackBlocksMax) break;
            ack.header.options.sack[ack.header.options.sack_count++] = block;
        }
    }
    say(ack);
}

void HostileSession::divide_ack() {
    const std::uint32_t unsaid = heard_next_.after(told_) ? heard_next_ - told_ : 0;
    const SeqNum from = told_;
    const std::uint32_t pieces = std::min(choices_.between(2, kBurst), unsaid);
    for (std::uint32_t piece = 1; piece <= pieces; ++piece)
        acknowledge(from + static_cast<std::uint32_t>(std::uint64_t{unsaid} * piece / pieces));
}

void HostileSession::optimistic_ack() {
    switch (choices_.below(3)) {
        case 0:  // what has been seen, whatever is missing of it
            return acknowledge(heard_end_);
        case 1:  // what may be on its way
            return acknowledge(heard_end_ + choices_.magnitude(1, 1u << 17));
        default:
            return acknowledge(near(heard_end_));
    }
}

void HostileSession::duplicate_acks() {
    const SeqNum number = choices_.one_in(4) ? near(told_) : told_;
    for (std::uint32_t copies = choices_.between(2, kBurst); copies > 0; --copies)
        acknowledge(number);
}

void HostileSession::report(std::initializer_list<SackBlock> blocks) {
    Forged ack = blank();
    ack.header.ack = told_;
    for (const SackBlock& block : blocks)
        ack.header.options.sack[ack.header.options.sack_count++] = block;
    say(ack);
}

void HostileSession::sack_ahead() {
    const std::uint32_t seen = heard_end_.after(told_) ? heard_end_ - told_ : 0;
    const SeqNum from = told_ + choices_.below(seen + 1);
    const SeqNum end = choices_.one_in(2) ? heard_end_ : heard_end_ + choices_.magnitude(1, 1u << 16);
    report({{from, end}});
    if (choices_.one_in(3)) acknowledge(told_);  // and takes it back
}

void HostileSession::sack_bytes() {
    const std::uint32_t seen = heard_end_.after(told_) ? heard_end_ - told_ : 0;
    for (std::uint32_t times = choices_.between(1, kBurst); times > 0; --times) {
        const SeqNum a = told_ + choices_.below(seen + 1);
        const SeqNum b = told_ + choices_.below(seen + 1);
        const SeqNum c = told_ + choices_.below(seen + 1);
        report({{a, a + 1}, {b, b + 1}, {c, c + 2}});
    }
}

void HostileSession::sack_garbage() {
    report({{near(told_), near(heard_end_)}, {near(heard_end_), near(told_)}, {near(told_), near(told_)}});
}

void HostileSession::report_duplicate() {
    for (std::uint32_t times = choices_.between(1, kBurst); times > 0; --times) {
        const std::uint32_t past = heard_next_ - heard_iss_;
        const SeqNum from = heard_iss_ + choices_.below(past + 1);
        const SeqNum end = from + any_length();
        choices_.one_in(2) ? report({{from, end}}) : report({{from, end}, {from - 1, heard_end_}});
    }
}

void HostileSession::change_window() {
    window_ = choices_.any_of<std::uint16_t>(
        {0, 1, 2, 65535, plan_.window, static_cast<std::uint16_t>(choices_.magnitude(1, 65535))});
    acknowledge(choices_.one_in(2) ? heard_next_ : told_);
}

// ---- text

void HostileSession::send_in_order() {
    // Not further than the victim lets it, and from time to time what may have been lost again.
    if (choices_.one_in(4)) next_ = victim_has_;
    const std::uint32_t room = edge_.after(next_) ? edge_ - next_ : 0;
    const std::uint32_t length = std::min(any_length(), room);
    if (length == 0) return acknowledge_honestly();
    say_text(next_, length, sends_);
    next_ += length;
}

void HostileSession::send_ahead() {
    const std::uint32_t room = edge_.after(victim_has_) ? edge_ - victim_has_ : 0;
    const SeqNum at = victim_has_ + choices_.below(room + 1);
    say_text(at, any_length(), sends_);
}

void HostileSession::send_crumbs() {
    const std::uint32_t stride = choices_.between(2, 100);
    SeqNum at = victim_has_ + choices_.between(1, 2000);
    for (std::uint32_t crumbs = choices_.between(4, kBurst); crumbs > 0; --crumbs) {
        say_text(at, 1, sends_);
        at = choices_.one_in(2) ? at + stride : at - stride / 2;
    }
}

void HostileSession::send_outside() {
    const SeqNum at = near(choices_.one_in(2) ? edge_ : victim_has_);
    const std::uint32_t before = choices_.below(kSegment);
    say_text(at - before, any_length(), sends_);
}

// Which of the two the victim takes is its choice; that it takes one of them is not.
void HostileSession::send_other() {
    const SeqNum from = victim_has_ - 2 * kSegment + choices_.below(4 * kSegment);
    const bool is_other = choices_.one_in(2);
    say_text(from, any_length(), is_other ? instead_ : sends_);
    if (choices_.one_in(2)) return;
    const SeqNum then = from + choices_.below(kSegment);
    say_text(then, any_length(), is_other ? sends_ : instead_);
}

// ---- control bits

void HostileSession::reset() {
    Forged made = blank(choices_.one_in(2) ? TcpFlags::kRst : TcpFlags::kRst | TcpFlags::kAck);
    const std::uint32_t room = edge_.after(victim_has_) ? edge_ - victim_has_ : 0;
    switch (choices_.below(4)) {
        case 0:
            made.header.seq = victim_has_ + choices_.below(room + 1);
            break;
        case 1:
            made.header.seq = near(edge_);
            break;
        case 2:
            made.header.seq = near(victim_has_);
            break;
        default:
            made.header.seq = victim_has_ - 1;
            made.text = choices_.below(100);
            break;
    }
    say(made);
}

void HostileSession::synchronise() {
    Forged made = blank(choices_.one_in(2) ? TcpFlags::kSyn : TcpFlags::kSyn | TcpFlags::kAck);
    made.header.seq = choices_.one_in(2) ? near(victim_has_) : iss_;
    if (choices_.one_in(2)) made.header.ack = near(heard_next_);
    if (choices_.one_in(4)) made.header.flags.bits |= TcpFlags::kFin;
    if (choices_.one_in(4)) made.header.flags.bits |= TcpFlags::kRst;
    made.header.options = syn_options();
    if (choices_.one_in(4)) made.text = any_length();
    made.pattern = sends_;
    say(made);
}

void HostileSession::finish() {
    Forged made = blank(TcpFlags::kFin | TcpFlags::kAck);
    if (choices_.one_in(3)) made.header.seq = near(next_);
    if (choices_.one_in(3)) made.text = any_length();
    made.pattern = sends_;
    say(made);
    if (choices_.one_in(3)) say_text(made.header.seq + made.text, any_length(), sends_);
}

void HostileSession::any_flags() {
    Forged made = blank(static_cast<std::uint8_t>(choices_.below(256)));
    if (choices_.one_in(2)) made.header.seq = near(next_);
    if (choices_.one_in(2)) made.text = any_length();
    made.pattern = sends_;
    say(made);
}

void HostileSession::forge_icmp() {
    const bool is_v4 = tuple_.local.address.is_v4();
    ForgedError made;
    made.about = {tuple_.remote, tuple_.local};
    made.quoted = choices_.one_in(2) ? heard_end_ - choices_.below(kSegment) : near(told_);
    if (is_v4) {
        made.type =
            choices_.any_of({wire::kIcmpUnreachable, wire::kIcmpUnreachable, wire::kIcmpSourceQuench,
                             wire::kIcmpTimeExceeded, wire::kIcmpParameterProblem, wire::kIcmpRedirect});
        made.code = static_cast<std::uint8_t>(choices_.below(16));
    } else {
        made.type = choices_.any_of({wire::kIcmpv6TooBig, wire::kIcmpv6Unreachable, wire::kIcmpv6TimeExceeded,
                                     wire::kIcmpv6ParameterProblem, wire::kIcmpv6Redirect});
        made.code = static_cast<std::uint8_t>(made.type == wire::kIcmpv6TooBig ? 0 : choices_.below(8));
    }
    // Half of them say that the path got narrower.
    if (is_v4 && choices_.one_in(2)) {
        made.type = wire::kIcmpUnreachable;
        made.code = 4;
    }
    made.rest = choices_.any_of<std::uint32_t>(
        {0, 68, 296, 552, 1000, 1280, 1400, 1500, 9000, 65535, static_cast<std::uint32_t>(choices_.next())});
    outlet_.send(forge_error(made));
}

// ---- the rest

void HostileSession::any_options() {
    Forged made = blank(choices_.one_in(4) ? TcpFlags::kSyn : TcpFlags::kAck);
    made.raw_options.resize(choices_.between(1, wire::kTcpOptionsMax));
    for (std::uint8_t& byte : made.raw_options)
        byte = static_cast<std::uint8_t>(choices_.one_in(2) ? choices_.below(12) : choices_.below(256));
    say(made);
}

void HostileSession::lie_about_congestion() {
    Forged made = blank();
    made.header.flags.bits |=
        choices_.any_of<std::uint8_t>({TcpFlags::kEce, TcpFlags::kCwr, TcpFlags::kEce | TcpFlags::kCwr, 0});
    made.traffic_class = static_cast<std::uint8_t>(choices_.below(4));
    if (choices_.one_in(2)) {
        made.text = std::min<std::uint32_t>(any_length(), edge_.after(next_) ? edge_ - next_ : 0);
        made.pattern = sends_;
        next_ += made.text;
    }
    told_ = heard_next_;
    say(made);
}

void HostileSession::lie_about_time() {
    Forged made = blank();
    wire::TcpTimestamps stamp = made.header.options.timestamps.value_or(wire::TcpTimestamps{});
    stamp.value += choices_.any_of<std::uint32_t>(
        {0, 1u << 31, UINT32_MAX, choices_.magnitude(1, 1u << 31), 0 - choices_.magnitude(1, 1u << 31)});
    stamp.echo_reply += choices_.any_of<std::uint32_t>(
        {0, 1, UINT32_MAX, choices_.magnitude(1, 1u << 31), 0 - choices_.magnitude(1, 1u << 31)});
    if (choices_.one_in(8)) stamp = {};
    made.header.options.timestamps = stamp;
    if (choices_.one_in(6)) made.header.options.timestamps.reset();
    if (choices_.one_in(2)) made.text = any_length();
    made.pattern = sends_;
    told_ = heard_next_;
    say(made);
}

void HostileSession::malform() {
    Forged made = blank(TcpFlags::kAck | TcpFlags::kPsh);
    made.pattern = sends_;
    made.text = choices_.below(kSegment);
    made.fault = choices_.any_of({Forged::Fault::Checksum, Forged::Fault::DataOffset, Forged::Fault::Length,
                                  Forged::Fault::Fragment, Forged::Fault::Bits});
    made.how = static_cast<std::uint32_t>(choices_.next());
    if (made.fault == Forged::Fault::DataOffset) {  // nothing that an offset too small could make text of
        made.text = 0;
        made.header.options = {};
    }
    say(made);
}

void HostileSession::repeat() {
    if (said_.empty()) return;
    // A copy: the queue is not touched, but whoever reads it might be.
    const std::vector<std::uint8_t> again = said_[choices_.below(static_cast<std::uint32_t>(said_.size()))];
    for (std::uint32_t copies = choices_.between(1, 4); copies > 0; --copies)
        outlet_.send(again);
}

void HostileSession::flood() {
    for (std::uint32_t times = choices_.between(4, kBurst); times > 0; --times) {
        Forged made = blank(choices_.one_in(3) ? TcpFlags::kAck : TcpFlags::kSyn);
        made.from.local.port = static_cast<std::uint16_t>(choices_.between(30'000, 60'000));
        made.header.seq = SeqNum(static_cast<std::uint32_t>(choices_.next()));
        if (made.header.flags.ack()) made.header.ack = near(heard_next_);
        if (made.header.flags.syn()) made.header.options = syn_options();
        say(made);
    }
}

}  // namespace terminus::simulation
