#pragma once

#include <queue>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "bench.hpp"

namespace terminus::test {

/// How the link between two machines treats a segment: chances in thousandths.
struct Link {
    Duration delay = 10ms;
    Duration jitter = 0ms;  ///< up to this much more, which reorders
    std::uint32_t loss = 0;
    std::uint32_t duplication = 0;
};

/// Two machines over one link in virtual time. Each side sends a stream of its own and checks that it
/// receives the other's byte for byte. What a seed does once it does always.
class Pair {
 public:
    struct Side {
        tcp::Tunables tunables;
        stats::CoreStats stats;
        tcp::SentPool sent{64, 4096};
        std::optional<Connection> connection;
        bool may_keep_payload = true;
        std::uint64_t stream_seed = 0;
        std::uint32_t to_send = 0;  ///< bytes of the stream
        std::uint32_t queued = 0;
        std::uint32_t received = 0;
        std::uint32_t read_size = UINT32_MAX;  ///< bytes a reading takes
        Instant reads_from{};                  ///< nothing is read before
        bool finishes = true;                  ///< FIN after the stream
        bool finished = false;
        bool closed_event = false;
        std::uint64_t corrupt = 0;
    };

    Pair(std::uint64_t seed, const Link& both) : link(both), rng(seed), before_(buffers_in_use()) {
        a.stream_seed = seed * 2 + 1;
        b.stream_seed = seed * 2 + 2;
    }
    ~Pair() {
        while (!wire_.empty())
            wire_.pop();
        for (Side* side : {&a, &b}) {
            if (side->connection) side->connection->released(env(*side));
            side->connection.reset();
            for (const auto& leg : side->stats.legs) {
                for (const auto& gauge : leg.connections)
                    CHECK(gauge.value() == 0);
            }
        }
        CHECK(buffers_in_use() == before_);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    /// a opens actively, b passively through a half-open that is kept until the ACK comes.
    void open() { a.connection.emplace(parameters(stats::Leg::Backend), env(a)); }
    /// Both open actively: figure 8.
    void open_simultaneously() {
        a.connection.emplace(parameters(stats::Leg::Backend), env(a));
        b.connection.emplace(parameters(stats::Leg::Backend), env(b));
    }

    /// Runs until both are over (or in TIME_WAIT), or nothing can happen any more, or `limit` has passed.
    /// True: over.
    bool run(Duration limit = 2h) {
        const Instant end = now + limit;
        while (now <= end) {
            pump(a);
            pump(b);
            if (is_over(a) && is_over(b)) {
                for (Side* side : {&a, &b}) {  // what came before the end stays readable after it
                    while (side->connection->readable_bytes() > 0)
                        read(*side);
                }
                return true;
            }
            const Instant next = next_event();
            if (next == base::kNever || next > end) return false;
            now = std::max(now, next);
            deliver();
            for (Side* side : {&a, &b}) {
                if (side->connection && side->connection->next_deadline() <= now) {
                    side->connection->timers_expired(env(*side));
                }
            }
            if (half_ && half_->next_deadline() <= now) {
                if (half_->timer_expired(env(b))) {
                    put(a, half_->poll_reply(offset_b, env(b)), {});
                } else {
                    drop_half();
                    return false;
                }
            }
        }
        return false;
    }

    [[nodiscard]] tcp::Environment env(Side& side) {
        return {now, side.tunables, side.stats, side.sent, side.may_keep_payload};
    }
    [[nodiscard]] static char stream_byte(std::uint64_t seed, std::uint32_t at) {
        return static_cast<char>((seed * 0x9e3779b97f4a7c15u + at * 0x2545f491u + (at >> 8) * 7u) >> 16);
    }
    [[nodiscard]] static bool is_over(const Side& side) {
        return side.connection && side.closed_event &&
               (side.connection->state() == State::Closed || side.connection->state() == State::TimeWait);
    }

    Instant now{500h};
    Link link;
    base::Rng rng;
    Side a;
    Side b;
    std::uint16_t mss = 1460;
    SeqNum iss_a{100};
    SeqNum iss_b{9'000'000};
    std::uint32_t offset_b = 0;
    std::uint64_t segments = 0;
    std::uint32_t may_stop_keeping = 0;  ///< thousandths of turns in which buffers are "nearly out"

 private:
    struct InFlight {
        Instant at;
        std::uint64_t order;
        Side* to;
        wire::TcpSegment header;
        std::string text;
        friend bool operator<(const InFlight& x,
                              const InFlight& y) {  // a priority queue has the greatest on top
            return x.at != y.at ? x.at > y.at : x.order > y.order;
        }
    };

    Connection::OpenParameters parameters(stats::Leg leg) {
        const bool is_a = leg == stats::Leg::Backend && !a.connection;
        return {leg, is_a ? iss_a : iss_b, is_a ? 3u : offset_b, mss, mss, false};
    }

    void pump(Side& side) {
        if (!side.connection) return;
        Connection& c = *side.connection;
        const auto events = c.take_events();
        side.closed_event |= events.closed();
        if (now >= side.reads_from) read(side);
        write(side);
        side.may_keep_payload = rng.below(1000) >= may_stop_keeping;
        for (int i = 0; i < 10'000; ++i) {
            const bool wants = c.wants_transmit(env(side));
            const auto out = c.poll_transmit(env(side));
            REQUIRE(wants == out.has_value());
            if (!out) return;
            std::string text;
            if (out->payload_length > 0) {
                c.send_queue().for_each_piece(
                    out->payload_offset, out->payload_length,
                    [&](rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t length) {
                        text.append(rte_pktmbuf_mtod(mbuf, const char*) + offset, length);
                    });
            }
            REQUIRE(text.size() == out->payload_length);
            REQUIRE(out->payload_length <= mss);
            put(&side == &a ? b : a, *out, text);
        }
        FAIL("a machine that never says that there is nothing to send");
    }

    void read(Side& side) {
        Connection& c = *side.connection;
        const std::string text = to_string(c.take_received(side.read_size, pool(), env(side)));
        const Side& other = &side == &a ? b : a;
        for (const char byte : text) {
            if (byte != stream_byte(other.stream_seed, side.received++)) ++side.corrupt;
        }
    }

    void write(Side& side) {
        Connection& c = *side.connection;
        while (side.queued < side.to_send) {
            const std::uint32_t size =
                std::min({side.to_send - side.queued, c.send_room(env(side)), 1 + rng.below(1900)});
            if (size == 0) break;
            std::string text;
            for (std::uint32_t i = 0; i < size; ++i)
                text.push_back(stream_byte(side.stream_seed, side.queued + i));
            packet::ByteQueue queue;
            queue.push_back(make_slice(text));
            c.send(std::move(queue), env(side));
            side.queued += size;
        }
        if (side.queued == side.to_send && side.finishes && !side.finished) {
            c.finish(env(side));
            side.finished = true;
        }
    }

    void put(Side& to, const OutSegment& out, const std::string& text) {
        wire::TcpSegment header;
        header.source_port = 1;
        header.destination_port = 2;
        header.seq = out.seq;
        header.ack = out.ack;
        header.flags = out.flags;
        header.window = out.window;
        header.header_length = 20;
        header.options = out.options;
        header.payload_length = static_cast<std::uint32_t>(text.size());
        ++segments;
        const int copies = rng.below(1000) < link.duplication ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            if (rng.below(1000) < link.loss) continue;
            Duration delay = link.delay;
            if (link.jitter > 0ns) delay += link.jitter * rng.below(1000) / 1000;
            wire_.push({now + delay, order_++, &to, header, text});
        }
    }

    void deliver() {
        while (!wire_.empty() && wire_.top().at <= now) {
            const InFlight item = wire_.top();
            wire_.pop();
            arrive(*item.to, item.header, item.text);
        }
    }

    void arrive(Side& side, const wire::TcpSegment& header, const std::string& text) {
        Side& other = &side == &a ? b : a;
        if (!side.connection && !half_) {
            if (tcp::listen_segment_arrives(header) == tcp::ListenVerdict::Open) {
                half_.emplace(tcp::HalfOpen::Parameters{Bench::tuple(), 0, 0, iss_b, mss}, header, env(side));
                put(other, half_->poll_reply(offset_b, env(side)), {});
            }
            return;
        }
        if (!side.connection) {
            switch (half_->segment_arrives(header, env(side))) {
                case tcp::HalfOpenVerdict::Reply:
                    put(other, half_->poll_reply(offset_b, env(side)), {});
                    return;
                case tcp::HalfOpenVerdict::Promote:
                    side.connection.emplace(parameters(stats::Leg::Client), *half_, env(side));
                    drop_half();
                    break;
                case tcp::HalfOpenVerdict::Ignore:
                case tcp::HalfOpenVerdict::ResetPeer:
                case tcp::HalfOpenVerdict::Close:
                    return;
            }
        }
        const auto disposition = side.connection->segment_arrives(
            header, text.empty() ? packet::Slice() : make_slice(text), env(side));
        if (disposition == Disposition::ResetPeer) {
            if (const auto reset = tcp::reset_for(header)) put(other, *reset, {});
        }
        CHECK(side.connection->buffer_count() < 8000);
    }

    void drop_half() {
        half_->released(env(b));
        half_.reset();
    }

    [[nodiscard]] Instant next_event() const {
        Instant next = base::kNever;
        if (!wire_.empty()) next = wire_.top().at;
        for (const Side* side : {&a, &b}) {
            if (!side->connection) continue;
            next = std::min(next, side->connection->next_deadline());
            if (side->reads_from > now) next = std::min(next, side->reads_from);
        }
        if (half_) next = std::min(next, half_->next_deadline());
        return next;
    }

    std::optional<tcp::HalfOpen> half_;
    std::priority_queue<InFlight> wire_;
    std::uint64_t order_ = 0;
    std::uint32_t before_;
};

}  // namespace terminus::test
