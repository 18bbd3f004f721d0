#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "load/connection_set.hpp"
#include "load/rig.hpp"

namespace terminus::load {
namespace {

using namespace std::chrono_literals;
using wire::TcpFlags;

/// A connection set that is open on connection 0, and a peer made by hand: what it sends, and what comes
/// back.
class Desk {
 public:
    static constexpr bool kHalfOpen = true;

    /// `is_half_open`: our SYN-ACK is not acknowledged yet, and `seq` is still the SYN's.
    explicit Desk(bool is_half_open = false) : set(backend_settings().side), writer_(client_settings().side) {
        writer_.set_peer(kBackendMac);
        tuple_ = {AddressRange::low(client_address(true)), AddressRange::low(backend_address(true)), 1024,
                  80};
        const auto syn_ack = say(Shape::Syn, TcpFlags::kSyn, 0);
        REQUIRE(syn_ack.size() == 1);
        REQUIRE((syn_ack[0].flags.syn() && syn_ack[0].flags.ack()));
        if (is_half_open) return;
        seq += 1;
        ack = syn_ack[0].seq + 1;
        REQUIRE(say(Shape::Text, TcpFlags::kAck, 0).empty());
        REQUIRE(outcome.established);
    }

    /// One segment at `seq`, and what is answered at once.
    std::vector<wire::TcpSegment> say(Shape shape, std::uint8_t flags, std::uint32_t text) {
        Outgoing outgoing;
        outgoing.tuple = tuple_;
        outgoing.seq = seq;
        outgoing.ack = ack;
        outgoing.flags = flags;
        outgoing.ts_value = timestamp;
        outgoing.text_length = text;
        return hear(writer_.write(shape, outgoing));
    }
    std::vector<wire::TcpSegment> hear(packet::Buffer frame) {
        packet::Batch in;
        in.push_back(std::move(frame));
        set.read(in, now);
        outcome = {};
        for (const Arrival& arrival : set.arrivals()) {
            if (arrival.segment.flags.syn() && set.at(arrival.index).phase == Phase::Closed) {
                set.accept(arrival);
            } else {
                outcome = set.arrives(arrival);
            }
        }
        set.release();
        return sent();
    }
    std::vector<wire::TcpSegment> sent() {
        packet::Batch out;
        set.expire(now);
        set.transmit(now, out);
        std::vector<wire::TcpSegment> segments;
        for (std::uint16_t i = 0; i < out.size(); ++i) {
            const packet::Buffer frame = out.take(i);
            const wire::Frame found = wire::parse_frame(frame.bytes(), frame.length()).value();
            if (found.protocol != wire::kProtocolTcp) continue;  // says where its address is
            const base::Bytes l4 = frame.bytes().subspan(found.l4_offset, found.l4_length);
            REQUIRE(wire::l4_checksum_is_good(found, l4));
            segments.push_back(wire::parse_tcp(l4, l4.size()).value());
        }
        return segments;
    }
    [[nodiscard]] bool only(Failure kind) const {
        return failures(set.numbers()) == 1 && set.numbers().failed(kind) == 1;
    }
    /// Nothing failed, and so many segments had come before.
    [[nodiscard]] bool only_duplicates(std::uint64_t count) const {
        return failures(set.numbers()) == 0 && set.numbers().duplicates == count;
    }
    [[nodiscard]] packet::Buffer text_frame(std::uint32_t text) {
        Outgoing outgoing;
        outgoing.tuple = tuple_;
        outgoing.seq = seq;
        outgoing.ack = ack;
        outgoing.flags = TcpFlags::kAck;
        outgoing.ts_value = timestamp;
        outgoing.text_length = text;
        return writer_.write(Shape::Text, outgoing);
    }

    ConnectionSet set;
    base::Instant now = base::instant_from_ns(5'000'000'000);
    wire::SeqNum seq{0xffffffff};  // the SYN's; the text begins at 0
    wire::SeqNum ack;
    std::uint32_t timestamp = 1000;
    Outcome outcome;

 private:
    FrameWriter writer_;
    Tuple tuple_;
};

TEST_CASE("text in order is taken and acknowledged") {
    Desk desk;
    const auto answers = desk.say(Shape::Text, TcpFlags::kAck, 100);
    CHECK(desk.outcome.text == 100);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].ack == desk.seq + 100);
    CHECK(answers[0].options.timestamps->echo_reply == 1000);
    CHECK(failures(desk.set.numbers()) == 0);
}

TEST_CASE("text that came before is a duplicate, and is acknowledged again") {
    Desk desk;
    desk.say(Shape::Text, TcpFlags::kAck, 100);
    const auto answers = desk.say(Shape::Text, TcpFlags::kAck, 100);
    CHECK(desk.outcome.text == 0);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].ack == desk.seq + 100);
    CHECK(desk.only_duplicates(1));
}

TEST_CASE("of text that came in part only the rest is taken") {
    Desk desk;
    desk.say(Shape::Text, TcpFlags::kAck, 100);
    desk.say(Shape::Text, TcpFlags::kAck, 150);
    CHECK(desk.outcome.text == 50);
    CHECK(desk.only_duplicates(1));
}

TEST_CASE("text behind a gap is dropped, and the gap told") {
    Desk desk;
    desk.seq += 10;
    const auto answers = desk.say(Shape::Text, TcpFlags::kAck, 100);
    CHECK(desk.outcome.text == 0);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].ack == desk.seq - 10);
    CHECK(desk.set.numbers().out_of_order == 1);
    CHECK(failures(desk.set.numbers()) == 0);
}

TEST_CASE("wrong text ends the connection with a reset") {
    Desk desk;
    packet::Buffer frame = desk.text_frame(100);
    // Two words change places: TCP's checksum can't see that.
    std::swap_ranges(frame.mutable_bytes().end() - 8, frame.mutable_bytes().end() - 6,
                     frame.mutable_bytes().end() - 4);
    const auto answers = desk.hear(std::move(frame));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].flags.rst());
    CHECK(desk.only(Failure::WrongText));
    CHECK(desk.set.numbers().open == 0);
}

TEST_CASE("a wrong checksum is counted and the segment is not looked at") {
    Desk desk;
    packet::Buffer frame = desk.text_frame(100);
    frame.mutable_bytes().back() ^= 1;
    CHECK(desk.hear(std::move(frame)).empty());
    CHECK(desk.only(Failure::BadChecksum));
}

TEST_CASE("an acknowledgement of what was never sent is answered, and changes nothing") {
    Desk desk;
    desk.ack += 1;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 0).size() == 1);
    CHECK(desk.only(Failure::BadAck));
}

TEST_CASE("an old timestamp is refused") {
    Desk desk;
    desk.timestamp = 999;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 100).size() == 1);
    CHECK(desk.outcome.text == 0);
    CHECK(desk.only(Failure::OldTimestamp));
}

TEST_CASE("an old timestamp on what has come before is a late duplicate") {
    Desk desk;
    desk.timestamp = 2000;
    desk.say(Shape::Text, TcpFlags::kAck, 100);
    desk.timestamp = 1999;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 100).size() == 1);
    CHECK(desk.only_duplicates(1));
}

TEST_CASE("a SYN on an open connection is answered by an acknowledgement") {
    Desk desk;
    desk.seq += 5000;
    const auto answers = desk.say(Shape::Syn, TcpFlags::kSyn, 0);
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].flags.rst());
    CHECK(desk.only(Failure::UnexpectedSyn));
}

TEST_CASE("the connection's own SYN may come again, also behind text") {
    Desk desk;
    desk.say(Shape::Text, TcpFlags::kAck, 100);
    desk.seq = desk.seq - 1;
    const auto answers = desk.say(Shape::Syn, TcpFlags::kSyn, 0);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].ack == desk.seq + 101);
    CHECK_FALSE(answers[0].flags.syn());
    CHECK(desk.only_duplicates(1));
}

TEST_CASE("a SYN that comes again before the connection is open is answered as the first was") {
    Desk desk(Desk::kHalfOpen);
    const auto answers = desk.say(Shape::Syn, TcpFlags::kSyn, 0);
    REQUIRE(answers.size() == 1);
    CHECK((answers[0].flags.syn() && answers[0].flags.ack()));
    CHECK(desk.only_duplicates(1));
}

TEST_CASE("a reset at the next number ends the connection, at any other it is answered") {
    Desk desk;
    desk.seq += 1;
    CHECK(desk.say(Shape::Text, TcpFlags::kRst, 0).size() == 1);
    CHECK(desk.only(Failure::OutOfWindow));
    desk.seq = desk.seq - 1;
    CHECK(desk.say(Shape::Text, TcpFlags::kRst, 0).empty());
    CHECK(desk.set.numbers().failed(Failure::Reset) == 1);
    CHECK(desk.set.numbers().open == 0);
}

TEST_CASE("a keep-alive is answered and no failure") {
    Desk desk;
    desk.seq = desk.seq - 1;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 0).size() == 1);
    CHECK(failures(desk.set.numbers()) == 0);
}

TEST_CASE("a segment of a connection that is not there is reset, once for each") {
    Desk desk;
    desk.say(Shape::Text, TcpFlags::kRst, 0);
    const auto answers = desk.say(Shape::Text, TcpFlags::kAck, 10);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].flags.rst());
    CHECK(answers[0].seq == desk.ack);
    CHECK(desk.set.numbers().failed(Failure::NoConnection) == 1);
    CHECK(desk.say(Shape::Text, TcpFlags::kRst, 0).empty());
}

TEST_CASE("what comes again after the end is acknowledged again, what is new is refused") {
    Desk desk;
    desk.say(Shape::Text, TcpFlags::kAck, 100);
    const wire::SeqNum text = desk.seq;
    desk.seq += 100;
    desk.set.at(0).set(kFinWanted);
    const auto first = desk.say(Shape::Text, TcpFlags::kAck | TcpFlags::kFin, 0);
    REQUIRE(first.size() == 1);
    CHECK(first[0].flags.fin());
    CHECK(desk.outcome.finished);
    const wire::SeqNum fin = desk.seq;
    desk.seq += 1;
    desk.ack += 1;
    desk.say(Shape::Text, TcpFlags::kAck, 0);
    REQUIRE(desk.set.numbers().connections_ended == 1);
    desk.seq = fin;
    const auto again = desk.say(Shape::Text, TcpFlags::kAck | TcpFlags::kFin, 0);
    REQUIRE(again.size() == 1);
    CHECK_FALSE(again[0].flags.rst());
    CHECK(again[0].ack == fin + 1);
    desk.seq = text;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 100).size() == 1);
    desk.seq = fin + 1;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 0).empty());  // an acknowledgement takes none
    CHECK(desk.only_duplicates(3));
    const auto refusal = desk.say(Shape::Text, TcpFlags::kAck, 1);
    REQUIRE(refusal.size() == 1);
    CHECK(refusal[0].flags.rst());
    CHECK(desk.only(Failure::NoConnection));
}

TEST_CASE("a window that is too small is waited for, and asked after") {
    Desk desk;
    Connection& connection = desk.set.at(0);
    connection.snd_wnd = 0;
    connection.to_send = 500;
    desk.set.want_to_send(0);
    CHECK(desk.sent().empty());
    desk.now += 3s;
    const auto probes = desk.sent();
    REQUIRE(probes.size() == 1);
    CHECK(probes[0].payload_length == 0);
    CHECK(probes[0].seq == connection.snd_una - 1);
    CHECK(desk.set.numbers().window_probes == 1);
    CHECK(failures(desk.set.numbers()) == 0);
    const auto text = desk.say(Shape::Text, TcpFlags::kAck, 0);
    REQUIRE(text.size() == 1);
    CHECK(text[0].payload_length == 500);
}

TEST_CASE("text goes on over the wrap of its sequence numbers, in both directions") {
    // `seq` of the desk's peer begins at the wrap; ours is moved there.
    Desk desk;
    Connection& connection = desk.set.at(0);
    connection.snd_una = connection.snd_nxt = wire::SeqNum(0xfffffe00);
    connection.to_send = 3000;
    desk.ack = connection.snd_una;
    desk.set.want_to_send(0);
    const auto text = desk.sent();
    REQUIRE(text.size() == 3);
    CHECK(text[0].seq == wire::SeqNum(0xfffffe00));
    CHECK(text[1].seq == wire::SeqNum(0xfffffe00 + 1448));
    desk.ack += 3000;
    CHECK(desk.say(Shape::Text, TcpFlags::kAck, 1000).size() == 1);
    CHECK(desk.outcome.all_acked);
    CHECK(desk.outcome.text == 1000);
    CHECK(desk.set.numbers().text_sent == 3000);
    connection.rcv_nxt = desk.seq = wire::SeqNum(0xffffff00);
    desk.say(Shape::Text, TcpFlags::kAck, 1000);
    CHECK(desk.outcome.text == 1000);
    CHECK(connection.rcv_nxt == wire::SeqNum(0xffffff00 + 1000));
    CHECK(failures(desk.set.numbers()) == 0);
}

TEST_CASE("a peer without timestamps and window scaling is spoken to without") {
    ConnectionSet set(backend_settings().side);
    FrameWriter writer(client_settings().side);
    writer.set_peer(kBackendMac);
    Outgoing syn;
    syn.tuple = {AddressRange::low(client_address(true)), AddressRange::low(backend_address(true)), 1024, 80};
    syn.flags = TcpFlags::kSyn;
    packet::Batch in;
    in.push_back(writer.write(Shape::PlainSyn, syn));
    set.read(in, base::instant_from_ns(1));
    set.accept(set.arrivals()[0]);
    set.release();
    packet::Batch out;
    set.transmit(base::instant_from_ns(1), out);
    REQUIRE(out.size() == 2);  // where its address is, and the answer
    const packet::Buffer frame = out.take(1);
    const wire::TcpSegment answer = wire::parse_tcp(frame.bytes().subspan(34), frame.length() - 34).value();
    CHECK(answer.options.mss == 1460);
    CHECK_FALSE(answer.options.timestamps);
    CHECK_FALSE(answer.options.window_scale);
    CHECK_FALSE(answer.options.sack_permitted);
    CHECK(set.at(0).mss == 1460);
}

TEST_CASE("frames of others are left alone, broken ones counted") {
    Desk desk;
    packet::Buffer other = desk.text_frame(0);
    other.mutable_bytes()[5] ^= 1;  // somebody else's MAC address
    CHECK(desk.hear(std::move(other)).empty());
    CHECK(desk.set.numbers().frames_ignored == 1);
    packet::Buffer udp = desk.text_frame(0);
    udp.mutable_bytes()[14 + 9] = wire::kProtocolUdp;
    CHECK(desk.hear(std::move(udp)).empty());
    CHECK(desk.set.numbers().frames_ignored == 2);
    CHECK(failures(desk.set.numbers()) == 0);
    packet::Buffer broken = desk.text_frame(0);
    broken.mutable_bytes()[14 + 20 + 12] = 0x40;  // a header of 16 bytes
    CHECK(desk.hear(std::move(broken)).empty());
    CHECK(desk.only(Failure::Malformed));
}

}  // namespace
}  // namespace terminus::load
