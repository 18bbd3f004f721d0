#include "capture/heard_end.hpp"

#include <algorithm>

namespace terminus::capture {

void HeardEnd::heard(const wire::TcpSegment& segment, const Numbers& client, base::Instant now) {
    const bool is_syn_ack = segment.flags.syn() && segment.flags.ack();
    if (is_syn_ack && (!syn_ack_ || (numbers_.highest == 1 && forgotten_ == 0))) {
        // Until it is acknowledged there may be another one, of another number: a cookie of a later minute.
        if (!syn_ack_ || segment.seq != numbers_.isn) {
            syn_ack_ = segment;
            numbers_ = {segment.seq, 0};
            sent_.clear();
            answered_at_ = now;
        }
    }
    if (!syn_ack_ || segment.flags.rst()) return;
    if (segment.options.timestamps) last_timestamp_ = segment.options.timestamps->value;
    if (const auto begin = numbers_.at(segment.seq); begin && segment.seg_len() > 0)
        note_sent(segment, *begin, now);
    const auto acknowledged = client.at(segment.ack);
    if (!segment.flags.ack() || !acknowledged) return;
    const std::uint64_t window = std::uint64_t{segment.window} << (segment.flags.syn() ? 0 : shift_);
    edge_ = std::max(edge_.value_or(0), *acknowledged + window);
}

void HeardEnd::note_sent(const wire::TcpSegment& segment, std::uint64_t begin, base::Instant now) {
    const std::uint64_t end = begin + segment.seg_len();
    auto again = std::upper_bound(sent_.begin(), sent_.end(), begin,
                                  [](std::uint64_t number, const Sent& sent) { return number < sent.end; });
    for (std::uint64_t at = begin; again != sent_.end() && at < end; at = (again++)->end) {
        again->again_at = now;
        again->again_timestamp = last_timestamp_;
    }
    if (end <= numbers_.highest) return;
    sent_.push_back({end, now, last_timestamp_, std::nullopt, 0});
    numbers_.raise(end);
    last_new_at_ = now;
}

const HeardEnd::Sent* HeardEnd::find(std::uint64_t number) const {
    const auto sent = std::upper_bound(sent_.begin(), sent_.end(), number,
                                       [](std::uint64_t at, const Sent& one) { return at < one.end; });
    return number < forgotten_ || sent == sent_.end() ? nullptr : &*sent;
}

base::Instant HeardEnd::sent_at(std::uint64_t number) const {
    const Sent* const sent = number == 0 ? nullptr : find(number - 1);
    return sent == nullptr ? base::Instant{} : sent->at;
}

std::optional<base::Instant> HeardEnd::again_at(std::uint64_t number) const {
    if (number < forgotten_) return base::Instant{};
    const Sent* const sent = find(number);
    return sent == nullptr ? std::nullopt : sent->again_at;
}

std::uint32_t HeardEnd::timestamp_at(std::uint64_t number, bool after_loss) const {
    const Sent* const sent = find(number);
    if (sent == nullptr) return last_timestamp_;
    return after_loss && sent->again_at ? sent->again_timestamp : sent->timestamp;
}

void HeardEnd::forget_before(std::uint64_t number) {
    forgotten_ = std::max(forgotten_, number);
    while (!sent_.empty() && sent_.front().end <= number)
        sent_.pop_front();
}

}  // namespace terminus::capture
