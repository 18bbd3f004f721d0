#include "load/connection_set.hpp"

#include <utility>

#include "base/assert.hpp"

namespace terminus::load {
namespace {

constexpr int kTickBits = 16;
/// Connections that one call looks at for time-outs: what else a turn has to do must not wait.
constexpr int kExpiriesMax = 64;
/// How far beyond its last incarnation's numbers a connection begins: more than a window of text, so that
/// TIME_WAIT's keeper takes the SYN for new (RFC 6191 2).
constexpr std::uint32_t kIssStep = 8u << 20;

}  // namespace

ConnectionSet::ConnectionSet(const SideSettings& settings)
    : settings_(settings),
      map_(settings.local, settings.local_ports, settings.remote, settings.remote_ports),
      reader_(settings),
      writer_(settings),
      neighbours_(settings),
      memory_(std::size_t{map_.size()} * sizeof(Connection)),
      connections_(static_cast<Connection*>(memory_.data())),
      ready_(map_.size()),
      ended_(map_.size() + packet::Batch::kCapacity),
      watched_(map_.size()),
      resend_ticks_(static_cast<std::uint32_t>(settings.resend_after.count() >> kTickBits)) {
    TERMINUS_ASSERT(resend_ticks_ > 0, "whoever reads the command line has checked its durations");
}

void ConnectionSet::set_time(base::Instant now) {
    const auto ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
    tick_ = static_cast<std::uint32_t>(ns >> kTickBits);
    timestamp_ = static_cast<std::uint32_t>(ns / 1'000'000);
}

void ConnectionSet::read(packet::Batch& frames, base::Instant now) {
    set_time(now);
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        packet::Buffer frame = frames.take(i);
        ++numbers_.frames_received;
        numbers_.bytes_received += frame.length();
        read_frame(frame);
        frames_.push_back(std::move(frame));
    }
    frames.clear();
}

void ConnectionSet::release() {
    frames_.clear();
    arrival_count_ = 0;
}

void ConnectionSet::read_frame(const packet::Buffer& frame) {
    Arrival& arrival = arrivals_[arrival_count_];
    arrival.segment = Segment();
    const Reading reading = reader_.read(frame, arrival.segment);
    if (reading == Reading::Neighbour) {
        const bool was_known = is_ready();
        if (!neighbours_.receive(frame)) ++numbers_.frames_ignored;
        if (!was_known && is_ready()) writer_.set_peer(*neighbours_.peer());
        return;
    }
    if (reading != Reading::Tcp) return count_unread(reading, numbers_);
    arrival.index = map_.index_of(arrival.segment.tuple);
    if (arrival.index == AddressMap::kNone) {
        numbers_.fail(Failure::NoConnection);
        refuse(arrival.segment);
        return;
    }
    __builtin_prefetch(&connections_[arrival.index]);
    ++arrival_count_;
}

void ConnectionSet::begin(std::uint32_t index, const Tuple& tuple, Phase phase) {
    Connection& connection = at(index);
    TERMINUS_ASSERT(connection.phase == Phase::Closed, "a slot is used again when it is free");
    const std::uint32_t beyond = connection.snd_nxt.value() + kIssStep + index;
    const auto rings = static_cast<std::uint16_t>(connection.flags & kRingFlags);
    connection = Connection();
    connection.flags = rings;
    connection.tuple = tuple;
    connection.phase = phase;
    connection.mss = mss_of(settings_.mtu, settings_.local.first.is_v4());
    connection.snd_una = wire::SeqNum(beyond | 0xff);  // see Connection
    connection.snd_nxt = connection.snd_una + 1;
    connection.set(kResendDue);
    ++numbers_.connections_begun;
    ++numbers_.open;
    mark_ready(index);
}

void ConnectionSet::connect(std::uint32_t index, std::int64_t intended_ns) {
    begin(index, map_.tuple_of(index), Phase::SynSent);
    at(index).intended_ns = intended_ns;
}

void ConnectionSet::accept(const Arrival& arrival) {
    const Segment& segment = arrival.segment;
    begin(arrival.index, segment.tuple, Phase::SynReceived);
    take_options(at(arrival.index), segment);
    neighbours_.learn(segment.source_mac);
    writer_.set_peer(segment.source_mac);
}

void ConnectionSet::mark_ready(std::uint32_t index) {
    Connection& connection = at(index);
    if (connection.has(kIsReady)) return;
    connection.set(kIsReady);
    ready_.push(index);
}

void ConnectionSet::want_to_send(std::uint32_t index) {
    mark_ready(index);
}

void ConnectionSet::await(std::uint32_t index) {
    Connection& connection = at(index);
    connection.set(kAwaiting);
    connection.touched = tick_;
    watch(index);
}

void ConnectionSet::watch(std::uint32_t index) {
    Connection& connection = at(index);
    if (connection.has(kIsWatched)) return;
    connection.set(kIsWatched);
    watched_.push({index, tick_});
}

bool ConnectionSet::is_watched(const Connection& connection) {
    if (connection.phase == Phase::Closed) return false;
    return connection.phase != Phase::Open || connection.outstanding() > 0 || connection.to_send > 0 ||
           connection.has(kAwaiting | kFinSent | kFinReceived);
}

void ConnectionSet::fail(std::uint32_t index, Failure kind) {
    numbers_.fail(kind);
    at(index).set(kResetDue);
    mark_ready(index);
}

void ConnectionSet::end(std::uint32_t index) {
    Connection& connection = at(index);
    connection.phase = Phase::Closed;
    connection.flags =
        static_cast<std::uint16_t>(connection.flags & (kRingFlags | kTimestamps | kFinAcked | kFinReceived));
    --numbers_.open;
    ended_.push(index);
}

std::optional<std::uint32_t> ConnectionSet::poll_ended() {
    if (ended_.empty()) return std::nullopt;
    return ended_.pop();
}

// The ring is in order of entry, and a connection enters again when it is looked at: a time-out comes between
// one and two times its length after the last that went on.
void ConnectionSet::expire(base::Instant now) {
    set_time(now);
    for (int i = 0; i < kExpiriesMax && !watched_.empty(); ++i) {
        if (tick_ - watched_.front().since < resend_ticks_) return;
        const std::uint32_t index = watched_.pop().index;
        Connection& connection = at(index);
        connection.clear(kIsWatched);
        if (!is_watched(connection)) continue;
        if (tick_ - connection.touched >= resend_ticks_) expired(index);
        if (is_watched(connection)) watch(index);
    }
}

void ConnectionSet::expired(std::uint32_t index) {
    Connection& connection = at(index);
    if (connection.has(kResetDue)) return;
    connection.touched = tick_;
    if (++connection.retries > settings_.resends_max) {
        fail(index, connection.phase != Phase::Open           ? Failure::ConnectTimeout
                    : connection.has(kFinSent | kFinReceived) ? Failure::CloseTimeout
                                                              : Failure::ResponseTimeout);
        return;
    }
    if (connection.outstanding() > 0) {
        ++numbers_.retransmissions;
        connection.set(kResendDue | kRecovering);
        mark_ready(index);
    } else if (connection.to_send > 0) {
        connection.set(kProbeDue);
        mark_ready(index);
    }
}

}  // namespace terminus::load
