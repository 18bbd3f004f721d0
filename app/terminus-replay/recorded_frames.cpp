#include "recorded_frames.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "capture/compare.hpp"
#include "capture/writer.hpp"

namespace terminus::app {
namespace {

capture::Writer create(const std::string& path) {
    auto writer = capture::Writer::create(path);
    if (!writer) throw std::runtime_error(writer.error());
    return std::move(writer).value();
}

void close(capture::Writer& writer) {
    if (const auto closed = writer.close(); !closed) throw std::runtime_error(closed.error());
}

void write(capture::Writer& to, base::Duration stamp, base::Bytes frame) {
    to.begin(stamp, static_cast<std::uint32_t>(frame.size()));
    to.add(frame);
}

base::Duration stamp_of(const record::Recording& recording, std::int64_t now) {
    return base::Duration(recording.head.clock_zero + now);
}

/// Calls received(port, frame) and sent(port, frame) for each frame of a turn. What another worker received
/// and handed over is its own; `with_handed_over` counts it to the one that it was for.
template <typename UseReceived, typename UseSent>
void for_each_frame(const record::Turn& turn, bool with_handed_over, UseReceived&& received, UseSent&& sent) {
    base::Bytes events = turn.events;
    while (!events.empty()) {
        const record::Event event = *record::take_event(events, 0).value();
        const bool is_handed_over = event.kind() == record::EventKind::HandedOver;
        base::Bytes body = event.body;
        for (std::uint16_t i = 0; i < event.header.count; ++i) {
            if (event.kind() == record::EventKind::Received || (is_handed_over && with_handed_over)) {
                received(event.header.port, record::take_received(body).bytes);
            } else if (event.kind() == record::EventKind::Sent) {
                sent(event.header.port, record::take_sent(body));
            }
        }
    }
}

/// A folder that goes with what is in it: frames are nobody else's business.
class SecretFolder {
 public:
    SecretFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "terminus-replay-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error(pattern + ": can't be made");
        path_ = pattern;
    }
    ~SecretFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    SecretFolder(const SecretFolder&) = delete;
    SecretFolder& operator=(const SecretFolder&) = delete;
    [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
    std::string path_;
};

}  // namespace

void export_captures(const record::Recording& recording, const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw std::runtime_error(folder + ": " + error.message());
    std::vector<capture::Writer> received, sent;
    for (const record::PortFacts& port : recording.head.ports) {
        received.push_back(create(folder + "/" + port.name + "-received.pcap"));
        sent.push_back(create(folder + "/" + port.name + "-sent.pcap"));
    }
    std::vector<record::Turns> turns;
    std::vector<std::optional<record::Turn>> next;
    for (std::uint16_t worker = 0; worker < recording.head.workers; ++worker) {
        turns.emplace_back(recording, worker);
        next.push_back(turns.back().next());
    }
    for (;;) {
        std::size_t first = next.size();
        for (std::size_t worker = 0; worker < next.size(); ++worker) {
            if (!next[worker]) continue;
            if (first == next.size() || next[worker]->header.now < next[first]->header.now) first = worker;
        }
        if (first == next.size()) break;
        const base::Duration stamp = stamp_of(recording, next[first]->header.now);
        for_each_frame(
            *next[first], false,
            [&](std::uint16_t port, base::Bytes frame) { write(received[port], stamp, frame); },
            [&](std::uint16_t port, base::Bytes frame) { write(sent[port], stamp, frame); });
        next[first] = turns[first].next();
    }
    for (std::size_t port = 0; port < sent.size(); ++port) {
        close(received[port]);
        close(sent[port]);
    }
}

std::string difference(const record::Recording& recording, const worker::Divergence& divergence) {
    const SecretFolder folder;
    capture::CompareRequest request;
    request.expected = folder.file("recorded.pcap");
    request.actual = folder.file("repeated.pcap");
    request.received = folder.file("received.pcap");
    request.begins = stamp_of(recording, recording.began());
    {
        capture::Writer expected = create(request.expected);
        capture::Writer actual = create(request.actual);
        capture::Writer received = create(*request.received);
        record::Turns turns(recording, divergence.worker);
        for (std::uint64_t number = 1; number <= divergence.turn; ++number) {
            const record::Turn turn = *turns.next();
            const base::Duration stamp = stamp_of(recording, turn.header.now);
            for_each_frame(
                turn, true,
                [&](std::uint16_t port, base::Bytes frame) {
                    if (port == divergence.port) write(received, stamp, frame);
                },
                [&](std::uint16_t port, base::Bytes frame) {
                    if (port != divergence.port) return;
                    write(expected, stamp, frame);
                    if (number < divergence.turn) write(actual, stamp, frame);
                });
        }
        const base::Duration stamp = stamp_of(recording, divergence.now.time_since_epoch().count());
        for (const std::vector<std::uint8_t>& frame : divergence.repeated)
            write(actual, stamp, frame);
        close(expected);
        close(actual);
        close(received);
    }
    const auto compared = capture::compare(request);
    if (!compared) throw std::runtime_error(compared.error());
    if (compared.value().same())
        return "the packets are the same, but the device was offered them otherwise\n";
    std::string text;
    for (const std::string& one : compared.value().differences)
        text += one + '\n';
    return text;
}

}  // namespace terminus::app
