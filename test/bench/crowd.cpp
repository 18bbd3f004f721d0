#include "crowd.hpp"

#include <numeric>
#include <stdexcept>
#include <string>

#include "packet/batch.hpp"
#include "text.hpp"
#include "wire/tcp.hpp"

namespace terminus::bench {
namespace {

using wire::TcpFlags;

constexpr std::uint8_t kSyn = TcpFlags::kSyn;
constexpr std::uint8_t kAck = TcpFlags::kAck;
constexpr std::uint8_t kPsh = TcpFlags::kPsh;
constexpr std::uint8_t kFin = TcpFlags::kFin;

}  // namespace

Crowd::Crowd(const Landscape& landscape, MemoryDevice& device) : landscape_(landscape), device_(device) {
    peers_[kClient].resize(landscape.clients);
    peers_[kBackend].resize(std::size_t{landscape.backends} * landscape.sources * 65536);
    make_templates();
}

void Crowd::begin(Work work, std::uint64_t count, std::uint32_t concurrency) {
    work_ = work;
    left_ = count;
    done_ = 0;
    if (work == Work::PureAck) return;  // as many as fit a turn
    if (work == Work::Request || work == Work::Offered || work == Work::Bulk) {
        if (opened_ < concurrency || opened_ == 0)
            throw std::runtime_error("requests and text need connections that stay");
        // Each connection has its turn before one has its second, in an order that no prefetcher guesses.
        kept_step_ = static_cast<std::uint32_t>(opened_ * 0.618);
        while (kept_step_ == 0 || std::gcd(kept_step_, opened_) != 1)
            ++kept_step_;
    }
    if (work == Work::Offered) return;
    if (work == Work::Bulk) {
        for (std::uint32_t flow = 0; flow < manners_.bulk_flows; ++flow)
            send(kClient, flow, kAck | kPsh, manners_.request_bytes, flow);
        return;
    }
    for (std::uint32_t i = 0; i < concurrency; ++i)
        start_one();
}

void Crowd::start_one() {
    if (left_ == 0) return;
    --left_;
    switch (work_) {
        case Work::Open:
            if (opened_ + 1 > landscape_.clients) throw std::runtime_error("there are no more clients");
            peers_[kClient][opened_] = Peer{};
            peers_[kClient][opened_].stays = true;
            connect(opened_++);
            break;
        case Work::Whole:
            if (passing_ < opened_ || passing_ == landscape_.clients) passing_ = opened_;
            peers_[kClient][passing_] = Peer{};
            connect(passing_++);
            break;
        case Work::Request:
            next_kept();
            send(kClient, kept_, kAck | kPsh, manners_.request_bytes, kept_);
            break;
        case Work::Close:
            if (opened_ == 0) throw std::runtime_error("no connection is left to be closed");
            peers_[kClient][--opened_].stays = false;
            send(kClient, opened_, kFin | kAck);
            break;
        case Work::Offered:
        case Work::PureAck:
        case Work::Bulk:
            break;
    }
}

void Crowd::next_kept() {
    kept_ = (kept_ + kept_step_) % opened_;
}

bool Crowd::offer_request(std::uint64_t when) {
    const std::uint32_t next = (kept_ + kept_step_) % opened_;
    // The other half is for the answers to what is sent meanwhile.
    if (device_.waiting() >= MemoryDevice::kDescriptors / 2 || delays_->is_under_way(next)) return false;
    next_kept();
    delays_->due(kept_, when);
    send(kClient, kept_, kAck | kPsh, manners_.request_bytes, kept_);
    return true;
}

void Crowd::one_done() {
    ++done_;
    start_one();
}

void Crowd::connect(std::uint32_t client) {
    Peer& peer = peers_[kClient][client];
    peer.next = peer.unacknowledged = client * 2654435761u + now_ms_ * 250'000u;
    send(kClient, client, kSyn);
}

void Crowd::turn(std::uint32_t now_ms) {
    now_ms_ = now_ms;
    device_.each_sent([this](const rte_mbuf& mbuf) {
        ++frames_from_worker_;
        if (is_tcp(mbuf)) {
            take(read(mbuf));
        } else {
            answer_neighbour_question(mbuf);
        }
    });
    while (work_ == Work::PureAck && left_ > 0 && device_.waiting() < packet::Batch::kCapacity) {
        send(kClient, static_cast<std::uint32_t>(rng_.below(opened_)), kAck);
        --left_;
        ++done_;
    }
}

void Crowd::take(const Seen& seen) {
    if ((seen.flags & TcpFlags::kRst) != 0) throw std::runtime_error("the worker sent a RST");
    Peer& peer = peers_[seen.side][seen.index];
    peer.echo = seen.timestamp;
    if ((seen.flags & kSyn) != 0) {
        if (seen.side == kBackend) {
            peer = Peer{};
            peer.echo = seen.timestamp;
            peer.next = seen.index * 2246822519u + now_ms_ * 250'000u;
            peer.expected = seen.seq + 1;
            send(kBackend, seen.index, kSyn | kAck);
        } else {
            peer.expected = seen.seq + 1;
            peer.unacknowledged = seen.ack;
            client_opened(seen, peer);
        }
        return;
    }
    peer.unacknowledged = seen.ack;
    text_received_[seen.side] += seen.text;
    if (seen.text > 0 || (seen.flags & kFin) != 0) {
        if (seen.seq != peer.expected)
            throw std::runtime_error("the worker sent a segment again, or left one out: " +
                                     std::to_string(static_cast<std::int32_t>(seen.seq - peer.expected)) +
                                     " bytes from what is expected");
        peer.expected += seen.text + ((seen.flags & kFin) != 0 ? 1 : 0);
        if ((seen.flags & kFin) != 0) peer.has_seen_fin = true;
    }
    seen.side == kClient ? client_takes(seen, peer) : backend_takes(seen, peer);
}

void Crowd::client_opened(const Seen& seen, Peer& peer) {
    if (peer.stays || manners_.is_kernel_like) send(kClient, seen.index, kAck);
    if (peer.stays) {
        one_done();
    } else {
        send(kClient, seen.index, kAck | kPsh, manners_.request_bytes, seen.index);
    }
}

void Crowd::client_takes(const Seen& seen, Peer& peer) {
    if (work_ == Work::Bulk) {
        if (seen.text == 0) return;
        // A device that cuts them joins them, too, where they arrive: one look, and one ACK, for a run.
        const std::uint32_t segments = (seen.text + mss() - 1) / mss();
        done_ += segments;
        peer.received = static_cast<std::uint16_t>(peer.received + segments);
        if (peer.received < 2 && left_ > 0) return;  // RFC 9293 3.8.6.3: every second
        peer.received = 0;
        send(kClient, seen.index, kAck);
        return;
    }
    if (seen.text > 0 && manners_.has_own_text)
        check_text(TextOf::Response, seen.index, *seen.frame, text_offset(seen), seen.text);
    const bool has_news = seen.text > 0 || (seen.flags & kFin) != 0;
    peer.received = static_cast<std::uint16_t>(peer.received + seen.text);
    const bool is_answered = seen.text > 0 && peer.received >= manners_.response_bytes;
    if (peer.stays) {
        if (seen.text > 0) send(kClient, seen.index, kAck);
        if (!is_answered) return;
        peer.received = 0;
        if (work_ == Work::Offered) delays_->left(seen.index);
        one_done();
        return;
    }
    const bool is_last_word = peer.has_sent_fin && peer.has_seen_fin;
    if (is_last_word) {
        if ((seen.flags & kFin) != 0) send(kClient, seen.index, kAck);
        if (peer.unacknowledged == peer.next) one_done();
        return;
    }
    if (has_news && manners_.is_kernel_like) send(kClient, seen.index, kAck);
    const bool may_finish = manners_.backend_closes_first ? peer.has_seen_fin : is_answered;
    if (may_finish && !peer.has_sent_fin) send(kClient, seen.index, kFin | kAck);
}

void Crowd::backend_takes(const Seen& seen, Peer& peer) {
    const std::uint32_t index = seen.index;
    const bool has_fin = (seen.flags & kFin) != 0;
    if ((seen.text > 0 || has_fin) && manners_.is_kernel_like) send(kBackend, index, kAck);
    peer.received = static_cast<std::uint16_t>(peer.received + seen.text);
    if (seen.text > 0 && peer.received >= manners_.request_bytes) {
        peer.received = 0;
        const std::uint32_t connection = requester(seen);
        const bool closes = work_ == Work::Whole && manners_.backend_closes_first;
        peer.is_bulk = work_ == Work::Bulk;
        if (peer.is_bulk) {
            fill_window(index, peer);
        } else if (closes && !manners_.is_kernel_like) {
            send(kBackend, index, kFin | kAck | kPsh, manners_.response_bytes, connection);
        } else {
            send(kBackend, index, kAck | kPsh, manners_.response_bytes, connection);
            if (closes) send(kBackend, index, kFin | kAck);
        }
    } else if (work_ == Work::Bulk && peer.is_bulk) {
        // Not whoever's last response is acknowledged only now, which may be all of them at once.
        fill_window(index, peer);
    }
    if (!has_fin) return;
    if (!peer.has_sent_fin) {
        send(kBackend, index, kFin | kAck);
    } else if (!manners_.is_kernel_like) {
        send(kBackend, index, kAck);
    }
}

// Whose request it is that has just come whole; it has left the worker, and its response is due there.
std::uint32_t Crowd::requester(const Seen& seen) const {
    if (!manners_.has_own_text) return 0;
    const std::uint32_t offset = text_offset(seen);
    const std::uint32_t connection = connection_of_text(TextOf::Request, *seen.frame, offset);
    check_text(TextOf::Request, connection, *seen.frame, offset, manners_.request_bytes);
    if (connection >= peers_[kClient].size()) throw std::runtime_error("the request of nobody");
    if (work_ == Work::Offered) {
        delays_->left(connection);
        delays_->due(connection, delays_->now());
    }
    return connection;
}

void Crowd::fill_window(std::uint32_t index, Peer& peer) {
    while (left_ > 0 && peer.next - peer.unacknowledged <= (manners_.bulk_window - 1) * mss()) {
        send(kBackend, index, kAck, mss());
        --left_;
    }
}

}  // namespace terminus::bench
