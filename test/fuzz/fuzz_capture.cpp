// Any bytes as a capture file, read to its end or its first fault, with its checksums as they are and
// repaired; then recorded, and each client of the recording played against a Terminus that takes everything.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/assert.hpp"
#include "capture/client_player.hpp"
#include "capture/reader.hpp"
#include "capture/recorded_conversations.hpp"
#include "wire/frame.hpp"

using namespace terminus;

namespace {

using capture::ClientPlayer;

// A recording of a few bytes may lack megabytes, which would all be played.
constexpr int kFramesMax = 500;

void read_to_the_end(capture::Reader& reader, std::size_t size) {
    const capture::Reader::Counters& counters = reader.counters();
    base::Duration last{};
    std::uint64_t given = 0, bytes = 0;
    for (;;) {
        const auto read = reader.next();
        if (!read) {
            TERMINUS_ASSERT(read.error().starts_with("input: packet " + std::to_string(counters.records + 1) +
                                                     " at byte "),
                            "errors name the packet and its place");
            break;
        }
        if (!read.value()) break;
        const capture::Record& record = *read.value();
        TERMINUS_ASSERT(record.number == ++given + counters.duplicates, "records are counted one by one");
        TERMINUS_ASSERT(record.stamp >= last, "time does not go backwards");
        last = record.stamp;
        bytes += record.frame.size();
        volatile std::uint8_t sink = 0;
        for (const std::uint8_t byte : record.frame)  // the sanitizer sees what is not there
            sink = sink ^ byte;
    }
    TERMINUS_ASSERT(counters.records == given + counters.duplicates, "duplicates are all that is left out");
    TERMINUS_ASSERT(counters.bytes == bytes && bytes <= size + counters.records * 14,
                    "no more is read than there is, and an Ethernet header each");
}

/// Sends the response as the recorded application would, a segment for each of the client's, and acknowledges
/// all.
class EasyTerminus {
 public:
    explicit EasyTerminus(const capture::RecordedConversation& conversation) : conversation_(conversation) {}

    wire::TcpSegment answer(base::Bytes frame) {
        const auto ip = wire::parse_frame(frame, static_cast<std::uint32_t>(frame.size()));
        TERMINUS_ASSERT(ip.ok(), "what is played is a packet");
        const base::Bytes l4 = frame.subspan(ip.value().l4_offset);
        const auto heard = wire::parse_tcp(l4, ip.value().l4_length);
        TERMINUS_ASSERT(heard.ok(), "what is played is a segment");
        const wire::TcpSegment& client = heard.value();
        wire::TcpSegment answer;
        answer.seq = next_;
        answer.ack = client.seq + client.seg_len();
        answer.flags = {wire::TcpFlags::kAck};
        answer.window = 65535;
        if (client.options.timestamps)
            answer.options.timestamps = {{count_, client.options.timestamps->value}};
        if (client.flags.syn()) {
            answer.flags.bits |= wire::TcpFlags::kSyn;
            answer.options.mss = 1460;
            answer.options.window_scale = client.options.window_scale;
        } else {
            answer.payload_length = static_cast<std::uint32_t>(std::min(left_, std::uint64_t{1460}));
            left_ -= answer.payload_length;
        }
        if (++count_ % 7 == 0) answer.seq = next_ - 100;  // sometimes again
        next_ = wire::latest(next_, answer.seq + answer.seg_len());
        return answer;
    }

 private:
    const capture::RecordedConversation& conversation_;
    wire::SeqNum next_{0xffff'f000};
    std::uint64_t left_ = conversation_.response.length();
    std::uint32_t count_ = 0;
};

void play(const capture::RecordedConversation& conversation, ClientPlayer::Mode mode) {
    ClientPlayer::Settings settings;
    settings.mode = mode;
    settings.mac.bytes = {2, 0, 0, 0, 0, 1};
    settings.service_mac.bytes = {2, 0, 0, 0, 0, 2};
    settings.service = {conversation.client.address.is_v4() ? wire::IpAddress::v4(198, 51, 100, 7)
                                                            : *wire::IpAddress::parse("2001:db8:7::7"),
                        8080};
    if (ClientPlayer::obstacle(conversation, settings.service)) return;
    settings.timeline = {conversation.first_stamp, base::instant_from_ns(1'000'000'000)};
    ClientPlayer player(conversation, settings);
    EasyTerminus terminus(conversation);
    base::Instant now = settings.timeline.starts;
    for (int frames = 0; frames < kFramesMax && player.next_at() != base::kNever; ++frames) {
        now = std::max(now, player.next_at());
        const auto frame = player.poll(now);
        if (!frame) continue;  // the last were not to be played
        player.heard(terminus.answer(*frame), now);
    }
    player.finish();
    TERMINUS_ASSERT(player.is_over() && player.next_at() == base::kNever, "an end is one");
    TERMINUS_ASSERT(player.counters().recorded + player.counters().made_up + player.divergences().size() >=
                        conversation.client_packets.size(),
                    "each packet was played or is told");
}

void play_all(capture::Reader& reader) {
    const auto loaded = capture::RecordedConversations::load(reader, {});
    if (!loaded) return;
    for (const capture::RecordedConversation& conversation : loaded.value().conversations()) {
        std::uint64_t at = 0;
        for (const capture::ResponseStep& step : conversation.steps) {
            if (step.kind != capture::ResponseStep::Kind::Bytes) continue;
            TERMINUS_ASSERT(step.begin == at && step.length > 0, "steps follow each other");
            at += step.length;
            std::vector<std::uint8_t> bytes(std::min(step.length, std::uint64_t{4096}));
            conversation.response.read(step.begin, bytes);
        }
        TERMINUS_ASSERT(at == conversation.response.length(), "steps are all of the response");
        play(conversation, ClientPlayer::Mode::Causal);
        play(conversation, ClientPlayer::Mode::Strict);
    }
}

void with_reader(const std::uint8_t* data, std::size_t size, bool repair_checksums, auto use) {
    std::FILE* const stream = fmemopen(const_cast<std::uint8_t*>(data), size, "rb");
    TERMINUS_ASSERT(stream != nullptr, "there is memory for a stream");
    auto reader = capture::Reader::from_stream(stream, "input",
                                               {.addresses = {}, .repair_checksums = repair_checksums});
    if (reader) {
        use(reader.value());
    } else {
        TERMINUS_ASSERT(reader.error().starts_with("input: "), "errors name their file");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;  // fmemopen() has no empty streams
    for (const bool repair_checksums : {false, true}) {
        with_reader(data, size, repair_checksums,
                    [&](capture::Reader& reader) { read_to_the_end(reader, size); });
        with_reader(data, size, repair_checksums, play_all);
    }
    return 0;
}
