#include "hostile_session.hpp"

#include <algorithm>

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;
using wire::TcpFlags;

constexpr std::size_t kRemembered = 16;
constexpr std::size_t kAheadMax = 32;

}  // namespace

HostileSession::HostileSession(const HostilePlan& plan, const wire::FourTuple& tuple, std::uint64_t sends,
                               std::uint64_t instead, base::Instant begins_at, Choices& choices,
                               Outlet& outlet)
    : plan_(plan),
      tuple_(tuple),
      sends_(sends),
      instead_(instead),
      choices_(choices),
      outlet_(outlet),
      next_at_(begins_at),
      moves_left_(plan.moves),
      window_(plan.window) {}

// When its moves are used up, or a fuzzer's input is, it is gone for ever.
void HostileSession::spend(std::uint32_t moves) {
    moves_left_ -= std::min(moves, moves_left_);
    if (moves_left_ == 0 || choices_.is_exhausted()) {
        moves_left_ = 0;
        next_at_ = base::kNever;
    }
}

void HostileSession::acts(base::Instant now) {
    now_ = now;
    next_at_ = now + choices_.span(100us, plan_.pause);
    if (now < silent_until_) {
        next_at_ = silent_until_;
        return;
    }
    if (!is_alive_ && !plan_.victim_opens && (syn_ == wire::SeqNum{} || choices_.one_in(3))) {
        send_syn(wire::SeqNum(static_cast<std::uint32_t>(choices_.next())));
    } else if (is_honest()) {
        choices_.one_in(3) ? acknowledge_honestly() : send_in_order();
    } else {
        perform(plan_.habits[choices_.below(static_cast<std::uint32_t>(plan_.habits.size()))], now);
    }
    spend();
}

void HostileSession::hears(const wire::TcpSegment& segment, base::Instant now) {
    now_ = now;
    if (moves_left_ == 0 || now < silent_until_) return;
    note(segment);
    if (segment.flags.rst()) return;
    if (segment.seg_len() == 0 && !choices_.one_in(8)) return;  // what answers each ACK never ends
    if (is_honest()) {
        acknowledge_honestly();
    } else {
        perform(plan_.habits[choices_.below(static_cast<std::uint32_t>(plan_.habits.size()))], now);
    }
    spend();
}

void HostileSession::note(const wire::TcpSegment& segment) {
    if (segment.flags.rst()) {
        is_alive_ = false;
        return;
    }
    if (segment.options.timestamps) heard_stamp_ = segment.options.timestamps->value;
    if (segment.flags.syn()) {
        if (segment.flags.ack() && segment.ack == syn_ + 1) return begin_life(syn_, segment);
        if (!segment.flags.ack() && plan_.victim_opens) return answer_syn(segment);
        return;
    }
    if (!is_alive_) return;
    if (segment.flags.ack()) {
        victim_has_ = segment.ack;
        edge_ = segment.ack + (std::uint32_t{segment.window} << heard_scale_);
    }
    note_text(segment);
}

void HostileSession::note_text(const wire::TcpSegment& segment) {
    const wire::SeqNum end = segment.seq + segment.seg_len();
    heard_end_ = wire::latest(heard_end_, end);
    if (segment.seg_len() == 0 || !end.after(heard_next_)) return;
    if (segment.seq.after(heard_next_)) {
        if (ahead_.size() < kAheadMax) ahead_.push_back({segment.seq, end});
        return;
    }
    heard_next_ = end;
    for (bool has_grown = true; has_grown;) {
        has_grown = false;
        for (const wire::SackBlock& block : ahead_) {
            if (block.left.after(heard_next_) || !block.right.after(heard_next_)) continue;
            heard_next_ = block.right;
            has_grown = true;
        }
    }
    std::erase_if(ahead_, [&](const wire::SackBlock& block) { return !block.right.after(heard_next_); });
}

void HostileSession::begin_life(wire::SeqNum iss, const wire::TcpSegment& segment) {
    is_alive_ = true;
    iss_ = iss;
    next_ = victim_has_ = iss + 1;
    heard_iss_ = segment.seq;
    heard_next_ = heard_end_ = told_ = segment.seq + segment.seg_len();
    ahead_.clear();
    has_timestamps_ = plan_.asks_timestamps && segment.options.timestamps.has_value();
    const bool is_scaled = plan_.scale && segment.options.window_scale;
    heard_scale_ = is_scaled ? *segment.options.window_scale : std::uint8_t{0};
    edge_ = next_ + segment.window;
}

// A SYN-ACK, or sometimes a SYN of its own: both sides open at once.
void HostileSession::answer_syn(const wire::TcpSegment& segment) {
    syn_ = wire::SeqNum(static_cast<std::uint32_t>(choices_.next()));
    begin_life(syn_, segment);
    const bool is_simultaneous = choices_.one_in(8);
    Forged answer = blank(is_simultaneous ? TcpFlags::kSyn : TcpFlags::kSyn | TcpFlags::kAck);
    answer.header.seq = syn_;
    answer.header.options = syn_options();
    if (!is_honest() && choices_.one_in(4)) answer.header.ack = near(answer.header.ack);
    say(answer);
}

void HostileSession::send_syn(wire::SeqNum seq) {
    syn_ = seq;
    Forged syn = blank(TcpFlags::kSyn);
    syn.header.seq = seq;
    syn.header.ack = {};
    syn.header.options = syn_options();
    if ((plan_.asks_ecn & 1) != 0) syn.header.flags.bits |= TcpFlags::kEce;
    if ((plan_.asks_ecn & 2) != 0) syn.header.flags.bits |= TcpFlags::kCwr;
    if (!is_honest() && choices_.one_in(4)) {
        syn.text = any_length();
        syn.pattern = sends_;
    }
    say(syn);
}

wire::TcpOptions HostileSession::syn_options() const {
    wire::TcpOptions options;
    if (plan_.mss != 0) options.mss = plan_.mss;
    options.window_scale = plan_.scale;
    options.sack_permitted = plan_.asks_sack;
    if (plan_.asks_timestamps) options.timestamps = blank().header.options.timestamps;
    return options;
}

// What an honest peer would send now, without text.
Forged HostileSession::blank(std::uint8_t flags) const {
    Forged made;
    made.from = tuple_;
    made.header.seq = next_;
    made.header.ack = heard_next_;
    made.header.flags.bits = flags;
    made.header.window = window_;
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
    const wire::TcpTimestamps stamp{static_cast<std::uint32_t>(millis.count()), heard_stamp_};
    if (has_timestamps_ || (plan_.asks_timestamps && (flags & TcpFlags::kSyn) != 0))
        made.header.options.timestamps = stamp;
    return made;
}

void HostileSession::say(const Forged& forged) {
    said_.push_back(forge_segment(forged));
    if (said_.size() > kRemembered) said_.pop_front();
    outlet_.send(said_.back());
}

void HostileSession::say_text(wire::SeqNum seq, std::uint32_t length, std::uint64_t pattern) {
    Forged made = blank(TcpFlags::kAck | TcpFlags::kPsh);
    made.header.seq = seq;
    made.pattern = pattern;
    made.text = length;
    say(made);
}

}  // namespace terminus::simulation
