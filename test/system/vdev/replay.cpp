// What this shows: Terminus behind net_pcap takes a client's frames from a file, splices them to a live
// backend, and what it writes to the other file is, byte for byte, what it sent in memory: well-formed
// segments, right checksums, and in sequence order the very streams of the backend (the recorded client
// acknowledges them, so none is left to be sent). Frames were lost and overtaken when the recording was made,
// and are so again between Terminus and the backend.
//
// What it does not show: how a client takes those frames. A recording does not react: its acknowledgements
// fit only because time, seeds and secrets repeat, and loss on the way to the client is what was recorded as
// its consequence (the client's duplicate acknowledgements and silence).
#include "replay.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "capture_file.hpp"
#include "dpdk/device.hpp"
#include "proxy/proxy.hpp"
#include "proxy/stack_of_proxy.hpp"
#include "support/cable.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::vdev {
namespace {

using Faults = std::vector<std::string>;
using Frames = std::vector<Captured>;

constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);
/// Whole microseconds, as the capture has them.
constexpr base::Duration kStep = std::chrono::microseconds(100);
constexpr base::Duration kLimit = std::chrono::seconds(120);
/// Fewer and shorter streams than in real time: a step costs the same whether something happens in it or not.
constexpr std::uint32_t kSessions = 10;
constexpr std::uint32_t kStreamBytes = 100'000;

test::Cable::Settings cable_settings(std::uint64_t seed) {
    return {.delay = std::chrono::microseconds(500),
            .jitter = std::chrono::microseconds(300),
            .loss_permille = 10,
            .seed = seed};
}

std::vector<std::uint8_t> bytes_of(const rte_mbuf* frame) {
    std::vector<std::uint8_t> bytes;
    for (const rte_mbuf* segment = frame; segment != nullptr; segment = segment->next) {
        const auto* from = rte_pktmbuf_mtod(segment, const std::uint8_t*);
        bytes.insert(bytes.end(), from, from + segment->data_len);
    }
    return bytes;
}

/// A port that keeps a copy of all that goes through it.
class RecordingPort final : public packet::Port {
 public:
    explicit RecordingPort(packet::Port& inner)
        : Port(inner.capabilities(), inner.mac(), inner.mtu()), inner_(inner) {}

    void set_now(base::Instant now) { now_ = now; }
    void receive(packet::Batch& into) override {
        const std::uint16_t before = into.size();
        inner_.receive(into);
        for (std::uint16_t i = before; i < into.size(); ++i)
            received_.push_back({now_, bytes_of(into.peek(i))});
    }
    void transmit(packet::Batch& frames) override {
        Frames offered;
        for (std::uint16_t i = 0; i < frames.size(); ++i)
            offered.push_back({now_, bytes_of(frames.peek(i))});
        inner_.transmit(frames);
        offered.resize(offered.size() - frames.size());
        std::move(offered.begin(), offered.end(), std::back_inserter(sent_));
    }
    [[nodiscard]] bool link_is_up() const override { return inner_.link_is_up(); }

    [[nodiscard]] Frames& received() { return received_; }
    [[nodiscard]] Frames& sent() { return sent_; }

 private:
    packet::Port& inner_;
    base::Instant now_{};
    Frames received_;
    Frames sent_;
};

/// A capture device whose frames come at the times at which they were recorded: net_pcap itself gives them as
/// fast as it is asked.
class PacedPort final : public packet::Port {
 public:
    PacedPort(packet::Port& inner, wire::MacAddress mac, const Frames& recorded)
        : Port(inner.capabilities(), mac, inner.mtu()), inner_(inner), recorded_(recorded) {}

    void set_now(base::Instant now) { now_ = now; }
    void receive(packet::Batch& into) override {
        while (!into.full() && next_ < recorded_.size() && recorded_[next_].at <= now_) {
            if (ahead_.empty()) read_ahead();
            if (ahead_.empty()) return;  // the file has fewer frames: seen by the caller
            into.push_back(std::move(ahead_.front()));
            ahead_.pop_front();
            ++next_;
        }
    }
    void transmit(packet::Batch& frames) override { inner_.transmit(frames); }
    [[nodiscard]] bool link_is_up() const override { return inner_.link_is_up(); }

    /// Whether all recorded frames came out of the device, and no more.
    [[nodiscard]] bool is_used_up() {
        if (ahead_.empty()) read_ahead();
        return next_ == recorded_.size() && ahead_.empty();
    }

 private:
    void read_ahead() {
        packet::Batch read;
        inner_.receive(read);
        for (std::uint16_t i = 0; i < read.size(); ++i)
            ahead_.push_back(read.take(i));
    }

    packet::Port& inner_;
    const Frames& recorded_;
    std::size_t next_ = 0;
    std::deque<packet::Buffer> ahead_;
    base::Instant now_{};
};

/// Terminus and the backend host behind it, in virtual time; what is in front of Terminus differs.
class Machine {
 public:
    Machine(const Plan& plan, packet::Port& front)
        : cable_(cable_settings(plan.options().seed * 2), kBackMac, kBackendMac),
          steering_(2),
          proxy_({.sessions_max = 256, .source_pairs_max = 256, .steering = steering_}, &plan.services()),
          node_(plan.terminus_settings(), {&front, &cable_.left()}, proxy_, kStart),
          backend_(plan, cable_.right(), kStart) {}

    void turn(base::Instant now) {
        cable_.set_now(now);
        node_.turn(now);
        backend_.turn(now);
    }
    [[nodiscard]] bool is_done() const {
        return backend_.is_done() && proxy_.sessions() == 0 && live_connections(node_.stats()) == 0;
    }
    [[nodiscard]] const BackendHost& backend() const { return backend_; }
    [[nodiscard]] const stats::CoreStats& stats() const { return node_.stats(); }
    [[nodiscard]] std::uint64_t lost() const { return cable_.lost(); }

 private:
    test::Cable cable_;
    std::vector<flow::Steering> steering_;
    proxy::Proxy proxy_;
    test::Node<proxy::Proxy> node_;
    BackendHost backend_;
};

void append(Faults& faults, const std::string& when, const Faults& more) {
    for (const std::string& fault : more)
        faults.push_back(when + fault);
}

struct Recording {
    Frames received;  ///< by Terminus's front port
    Frames sent;
    base::Instant end{};
    std::uint64_t lost = 0;
};

Recording record(const Plan& plan, Faults& faults) {
    test::Cable cable(cable_settings(plan.options().seed * 2 + 1), kClientMac, kFrontMac);
    RecordingPort front(cable.right());
    Machine machine(plan, front);
    ClientHost client(plan, cable.left(), kStart);
    client.connect_all(kStart);
    base::Instant now = kStart;
    for (; now < kStart + kLimit && !(client.is_done() && machine.is_done()); now += kStep) {
        cable.set_now(now);
        front.set_now(now);
        client.turn(now);
        machine.turn(now);
    }
    append(faults, "recording: ", client.faults());
    append(faults, "recording: ", machine.backend().faults());
    return {std::move(front.received()), std::move(front.sent()), now, cable.lost() + machine.lost()};
}

/// The streams that a one-sided capture of Terminus's front port holds, put together by sequence number.
class Streams {
 public:
    explicit Streams(const Plan& plan) : plan_(plan), streams_(plan.sessions()) {
        for (std::uint32_t i = 0; i < plan.sessions(); ++i)
            streams_[i].is_there.assign(plan.options().stream_bytes, false);
    }

    /// The reason why a frame is wrong.
    [[nodiscard]] std::optional<std::string> add(const std::vector<std::uint8_t>& bytes) {
        const auto parsed = wire::parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
        if (!parsed) return "can't be parsed";
        const wire::Frame& frame = parsed.value();
        if (frame.source_mac != kFrontMac) return "comes from somebody else";
        if (frame.ether_type == wire::kEtherTypeArp) return std::nullopt;
        const base::Bytes l4 = base::Bytes(bytes).subspan(frame.l4_offset, frame.l4_length);
        if (!wire::l4_checksum_is_good(frame, l4)) return "has a wrong checksum";
        if (frame.protocol != wire::kProtocolTcp) return std::nullopt;
        const auto segment = wire::parse_tcp(l4, l4.size());
        if (!segment) return "has no TCP header";
        return add_segment(frame, segment.value(), l4.subspan(segment.value().header_length));
    }

    void check(Faults& faults) const {
        for (std::uint32_t i = 0; i < plan_.sessions(); ++i) {
            const Stream& stream = streams_[i];
            const bool is_complete =
                stream.bytes.size() == plan_.options().stream_bytes && stream.has_fin &&
                std::all_of(stream.is_there.begin(), stream.is_there.end(), [](bool there) { return there; });
            if (!is_complete || payload_hash(stream.bytes) != payload_hash(plan_.downstream(i)))
                faults.push_back("the capture's stream " + std::to_string(i) +
                                 " is not what the backend sent");
        }
    }

 private:
    struct Stream {
        std::optional<wire::SeqNum> iss;
        std::string bytes;
        std::vector<bool> is_there;
        bool has_fin = false;
    };

    std::optional<std::string> add_segment(const wire::Frame& frame, const wire::TcpSegment& segment,
                                           base::Bytes payload) {
        const std::uint32_t session = segment.source_port - std::uint32_t{Plan::kServicePort};
        if (session >= plan_.sessions() ||
            wire::Endpoint{frame.source, segment.source_port} != Plan::service(session) ||
            wire::Endpoint{frame.destination, segment.destination_port} != Plan::client(session)) {
            return "belongs to no session";
        }
        Stream& stream = streams_[session];
        if (segment.flags.rst()) {
            // RFC 9293 3.10.7.1: an acknowledgement that the last one overtook finds the connection gone.
            if (stream.has_fin) return std::nullopt;
            return "resets before the stream's end";
        }
        if (segment.flags.syn()) {
            if (stream.iss && *stream.iss != segment.seq) return "begins the stream anew";
            stream.iss = segment.seq;
            return std::nullopt;
        }
        if (!stream.iss) return "comes before its SYN";
        const std::uint32_t offset = segment.seq - *stream.iss - 1;
        if (offset + payload.size() > plan_.options().stream_bytes + 1u) return "lies outside the stream";
        if (offset + payload.size() > stream.bytes.size() && !payload.empty())
            stream.bytes.resize(offset + payload.size());
        for (std::size_t i = 0; i < payload.size(); ++i) {
            const char byte = static_cast<char>(payload[i]);
            if (stream.is_there[offset + i] && stream.bytes[offset + i] != byte)
                return "sends other bytes than before";
            stream.bytes[offset + i] = byte;
            stream.is_there[offset + i] = true;
        }
        if (segment.flags.fin()) {
            if (offset + payload.size() != plan_.options().stream_bytes) return "ends the stream too early";
            stream.has_fin = true;
        }
        return std::nullopt;
    }

    const Plan& plan_;
    std::vector<Stream> streams_;
};

/// The recorded client again, from the file.
std::uint64_t replay(const Plan& plan, const std::string& folder, const Recording& recording,
                     Faults& faults) {
    dpdk::DeviceSettings settings;
    settings.name = "front";
    settings.device = "net_pcap0,rx_pcap=" + folder + "/in.pcap,tx_pcap=" + folder + "/out.pcap";
    settings.rx_pools = {test::pool()};  // as over the cable: Terminus's own pool is measured for its windows
    auto device = dpdk::Device::open(settings);
    if (!device) {
        faults.push_back(device.error());
        return 0;
    }
    PacedPort front(device.value().port(0), kFrontMac, recording.received);
    Machine machine(plan, front);
    for (base::Instant now = kStart; now < recording.end; now += kStep) {
        front.set_now(now);
        machine.turn(now);
    }
    if (!front.is_used_up()) faults.push_back("replay: the device gave other frames than the file has");
    if (!machine.is_done()) faults.push_back("replay: not all sessions ended when the recorded ones did");
    append(faults, "replay: ", machine.backend().faults());
    if (bytes_sent_again(machine.stats()) == 0) faults.push_back("replay: Terminus sent nothing again");
    return machine.backend().bytes_received();
}

void check_output(const Plan& plan, const Recording& recording, const Frames& written, Faults& faults) {
    Streams streams(plan);
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (const auto wrong = streams.add(written[i].bytes))
            faults.push_back("out.pcap: frame " + std::to_string(i) + " " + *wrong);
    }
    streams.check(faults);
    std::size_t same = 0;
    while (same < written.size() && same < recording.sent.size() &&
           written[same].bytes == recording.sent[same].bytes)
        ++same;
    if (same != recording.sent.size() || same != written.size()) {
        faults.push_back("out.pcap: " + std::to_string(written.size()) + " frames, in memory " +
                         std::to_string(recording.sent.size()) + ", the first " + std::to_string(same) +
                         " equal");
    }
}

}  // namespace

int run_replay(const std::string& folder, const SceneOptions& options) {
    SceneOptions smaller = options;
    smaller.sessions = kSessions;
    smaller.stream_bytes = kStreamBytes;
    const Pools pools;
    const Plan plan(smaller, pools);
    const std::uint32_t before = pools.in_use();
    Faults faults;
    const Recording recording = record(plan, faults);
    const auto stored = write_capture(folder + "/in.pcap", recording.received);
    if (!stored) faults.push_back(stored.error());
    const std::uint64_t up_bytes = replay(plan, folder, recording, faults);
    const auto written = read_capture(folder + "/out.pcap");
    if (!written) {
        faults.push_back(written.error());
    } else {
        check_output(plan, recording, written.value(), faults);
    }
    const std::uint32_t held = pools.in_use() - before;
    if (held != 0) faults.push_back(std::to_string(held) + " buffers leaked over the run");

    std::printf(
        "{\"mode\": \"pcap\", \"seed\": %llu, \"sessions\": %u, \"bytes_up\": %llu, \"frames_in\": %zu, "
        "\"frames_out\": %zu, \"frames_lost\": %llu, \"buffers_held_closed\": %u, \"faults\": %zu}\n",
        static_cast<unsigned long long>(smaller.seed), smaller.sessions,
        static_cast<unsigned long long>(up_bytes), recording.received.size(),
        written ? written.value().size() : 0, static_cast<unsigned long long>(recording.lost), held,
        faults.size());
    for (const std::string& fault : faults)
        std::printf("%s\n", fault.c_str());
    std::fflush(stdout);  // LeakSanitizer, when it finds something, ends the program without it
    return faults.empty() ? 0 : 1;
}

}  // namespace terminus::vdev
