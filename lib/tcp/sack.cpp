#include <algorithm>
#include <utility>

#include "tcp/loss_recovery.hpp"
#include "tcp/recovery_work.hpp"

namespace terminus::tcp {

// RFC 2018 5: what the blocks report is marked. One walk over the records for all of them, so an ACK costs at
// most the records there are, whatever it claims (HARDENING 21).
void LossRecovery::take_sack(const Context& context, Work& work) {
    const wire::TcpOptions& options = work.ack.options;
    if (options.sack_count == 0) return;
    std::array<wire::SackBlock, wire::TcpOptions::kSackBlocksMax> blocks{};
    std::size_t count = 0;
    std::size_t from = 0;
    if (is_dsack(work.ack, options)) {
        take_dsack(context, work, options.sack[0]);
        from = 1;
    }
    const wire::SeqNum una = context.snd.una;
    for (std::size_t i = from; i < options.sack_count; ++i) {
        const wire::SackBlock& block = options.sack[i];
        // HARDENING 4: outside of what is outstanding, inverted or empty: ignored.
        const std::uint32_t flight = context.snd.flight();
        const bool is_inside = block.left.in_window(una, flight) && block.left.before(block.right) &&
                               (block.right - una) <= flight;
        if (!is_inside) {
            if (block.right.after(wire::latest(una, work.ack.ack))) context.stats.sack_blocks_ignored.add();
            continue;
        }
        blocks[count++] = block;
    }
    // Four at most: by insertion.
    for (std::size_t i = 1; i < count; ++i) {
        for (std::size_t k = i; k > 0 && blocks[k].left.before(blocks[k - 1].left); --k)
            std::swap(blocks[k], blocks[k - 1]);
    }
    std::uint32_t at = records_.first();
    for (std::size_t i = 0; i < count && at != SentPool::kNone; ++i)
        mark_block(context, work, blocks[i], at);
}

// RFC 2883 4: the first block lies below the ACK, or inside the second.
bool LossRecovery::is_dsack(const Ack& ack, const wire::TcpOptions& options) {
    const wire::SackBlock& first = options.sack[0];
    if (!first.left.before(first.right)) return false;
    if (first.right.at_or_before(ack.ack)) return true;
    if (options.sack_count < 2) return false;
    const wire::SackBlock& second = options.sack[1];
    return first.left.at_or_after(second.left) && first.right.at_or_before(second.right);
}

/// RFC 3708, 8985 6.2 step 4: a copy arrived that wasn't needed.
void LossRecovery::take_dsack(const Context& context, Work& work, const wire::SackBlock& block) {
    const wire::SeqNum una = context.snd.una;
    // Older than anything the peer can mean, or of what was never sent.
    if (block.left.before(una - std::max(context.snd.max_wnd, context.snd.flight())) ||
        block.right.after(context.snd.nxt)) {
        context.stats.sack_blocks_ignored.add();
        return;
    }
    work.dsack = true;
    context.stats.dsacks_received.add();
    if (may_undo_ && undo_bytes_ > 0 && block.right.after(undo_from_)) {
        const std::uint32_t length = block.right - block.left;
        undo_bytes_ = std::max<std::int32_t>(
            0, undo_bytes_ - static_cast<std::int32_t>(std::min<std::uint32_t>(length, 1u << 30)));
    }
    rack_.duplicate_reported(context.snd.nxt);
}

/// Marks what `block` covers, from record `at` on, which it moves along.
void LossRecovery::mark_block(const Context& context, Work& work, const wire::SackBlock& block,
                              std::uint32_t& at) {
    SentPool& pool = context.env.sent;
    while (at != SentPool::kNone && pool[at].end.at_or_before(block.left))
        at = pool[at].next;
    while (at != SentPool::kNone && pool[at].begin.before(block.right)) {
        if (!pool[at].has(SentRecord::kSacked)) {
            const bool is_part = pool[at].begin.before(block.left) || pool[at].end.after(block.right);
            // What costs every later ACK is bounded, whatever a peer reports; it says again what it holds.
            if (is_part && records_.count() >= SentRecords::kCountMax)
                return context.stats.sack_blocks_ignored.add();
            if (pool[at].begin.before(block.left)) {
                at = records_.split(pool, at, block.left);
                if (at == SentPool::kNone) return;  // no record to be had: the peer says it again
            }
            if (pool[at].end.after(block.right) && records_.split(pool, at, block.right) == SentPool::kNone) {
                return;
            }
            deliver(context, pool[at], pool[at].length(), false, work);
            work.newly_sacked = true;
            records_.mark_sacked(pool, at);
        }
        // What the peer holds in one piece is one record.
        const std::uint32_t before = pool[at].previous;
        if (before != SentPool::kNone && pool[before].flags == pool[at].flags) {
            records_.join_next(pool, before);
            at = before;
        }
        if (pool[at].end.at_or_after(block.right)) break;
        at = pool[at].next;
    }
}

}  // namespace terminus::tcp
