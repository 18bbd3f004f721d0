// RFC 9293 3.10.7.4: each check in each state, and its companion RFC 5961.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

const State kSynchronised[] = {State::Established, State::FinWait1, State::FinWait2, State::CloseWait,
                               State::Closing,     State::LastAck,  State::TimeWait};

/// The next number that the machine expects in `state`, relative to the peer's ISN, and what it has sent.
std::uint32_t rcv_nxt(Bench& bench) {
    return bench.c().receive_space().nxt - bench.peer_iss;
}
std::uint32_t snd_nxt(Bench& bench) {
    return bench.c().send_space().nxt - bench.own_iss;
}
std::uint32_t snd_una(Bench& bench) {
    return bench.c().send_space().una - bench.own_iss;
}
std::uint32_t window(Bench& bench) {
    return bench.c().receive_space().wnd();
}

/// Fills the receive window up to its edge, unread.
void close_window(Bench& bench) {
    std::uint32_t at = rcv_nxt(bench);
    while (window(bench) > 0) {
        const std::string text(std::min<std::uint32_t>(1400, window(bench)), 'f');
        REQUIRE(bench.receive(kAck, at, snd_nxt(bench), text) == Disposition::Accepted);
        at += static_cast<std::uint32_t>(text.size());
        (void)bench.poll_all();
    }
    REQUIRE(bench.c().receive_space().wnd() == 0);
}

}  // namespace

// RFC 9293 3.10.7.4, first: the table itself.
TEST_CASE("the acceptability table's four cases hold at each boundary") {
    const SeqNum nxt(UINT32_MAX - 50);  // the window lies across the wrap
    constexpr std::uint32_t kWindow = 100;
    using tcp::is_acceptable;
    // no length, no window
    CHECK_FALSE(is_acceptable(nxt - 1, 0, nxt, 0));
    CHECK(is_acceptable(nxt, 0, nxt, 0));
    CHECK_FALSE(is_acceptable(nxt + 1, 0, nxt, 0));
    // no length, window
    CHECK_FALSE(is_acceptable(nxt - 1, 0, nxt, kWindow));
    CHECK(is_acceptable(nxt, 0, nxt, kWindow));
    CHECK(is_acceptable(nxt + 99, 0, nxt, kWindow));
    CHECK_FALSE(is_acceptable(nxt + 100, 0, nxt, kWindow));
    // length, no window
    CHECK_FALSE(is_acceptable(nxt - 1, 1, nxt, 0));
    CHECK_FALSE(is_acceptable(nxt, 1, nxt, 0));
    CHECK_FALSE(is_acceptable(nxt + 1, 1, nxt, 0));
    // length, window: by the first byte
    CHECK(is_acceptable(nxt, 1, nxt, kWindow));
    CHECK(is_acceptable(nxt + 99, 1, nxt, kWindow));
    CHECK(is_acceptable(nxt + 99, 1000, nxt, kWindow));
    CHECK_FALSE(is_acceptable(nxt + 100, 1, nxt, kWindow));
    // length, window: by the last byte
    CHECK_FALSE(is_acceptable(nxt - 10, 10, nxt, kWindow));
    CHECK(is_acceptable(nxt - 10, 11, nxt, kWindow));
    CHECK(is_acceptable(nxt - 10, 110, nxt, kWindow));
    CHECK_FALSE(
        is_acceptable(nxt - 10, 111, nxt, kWindow));  // begins before and ends after: as the RFC has it
}

TEST_CASE("in every synchronised state an unacceptable segment with text gets an ACK and changes nothing") {
    for (const State state : kSynchronised) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        const auto before = bench.c().receive_space().nxt;
        CHECK(bench.receive(kAck, rcv_nxt(bench) - 1, snd_nxt(bench), "o") ==
              Disposition::Dropped);  // just before
        const auto out = bench.poll_all();
        REQUIRE(out.size() == 1);
        CHECK(out[0].flags.bits == kAck);
        CHECK(bench.ack_of(out[0]) == rcv_nxt(bench));
        CHECK(bench.seq_of(out[0]) == snd_nxt(bench));
        CHECK(bench.drops(DropReason::TcpDuplicate) == 1);
        CHECK(bench.receive(kAck, rcv_nxt(bench) + window(bench), snd_nxt(bench), "n") ==
              Disposition::Dropped);
        CHECK(bench.poll_all().size() == 1);
        CHECK(bench.drops(DropReason::TcpOutOfWindow) == 1);
        CHECK(bench.c().receive_space().nxt == before);
        CHECK(bench.c().state() == state);
    }
}

TEST_CASE("the ACK of an unacceptable segment is not used") {
    Bench bench;
    bench.establish();
    bench.send("abc");
    (void)bench.poll_all();
    CHECK(bench.receive(kAck, 0, 4) == Disposition::Dropped);
    CHECK(snd_una(bench) == 1);
    CHECK(bench.receive(kAck, 1, 4) == Disposition::Accepted);
    CHECK(snd_una(bench) == 4);
}

TEST_CASE("text is accepted up to the last byte of the window and cut behind it") {
    Bench bench;
    bench.tunables.rmem = 10;
    bench.establish();
    REQUIRE(window(bench) == 10);
    SECTION("the last byte alone") {
        CHECK(bench.receive(kAck, 10, 1, "z") == Disposition::Accepted);
        CHECK(bench.receive(kAck, 11, 1, "z") == Disposition::Dropped);
        CHECK(bench.receive(kAck, 1, 1, "123456789") == Disposition::Accepted);
        CHECK(bench.read() == "123456789z");
    }
    SECTION("a segment that is one byte too long loses that byte, and its FIN") {
        CHECK(bench.receive(kAck | kFin, 1, 1, "1234567890X") == Disposition::Accepted);
        CHECK(bench.c().state() == State::Established);
        CHECK(bench.drops(DropReason::TcpWindowFull) == 1);
        CHECK(bench.read() == "1234567890");
    }
    SECTION("a segment that fits exactly keeps its FIN") {
        CHECK(bench.receive(kAck | kFin, 1, 1, "1234567890") == Disposition::Accepted);
        CHECK(bench.c().state() == State::CloseWait);
        CHECK(bench.read() == "1234567890");
    }
    SECTION("what was received before is cut from the front") {
        CHECK(bench.receive(kAck, 1, 1, "12345") == Disposition::Accepted);
        CHECK(bench.receive(kAck, 3, 1, "345678") == Disposition::Accepted);
        CHECK(bench.read() == "12345678");
    }
}

// RFC 9293 3.10.7.4, MUST-66.
TEST_CASE("with a closed window ACK and RST are processed, text is not") {
    Bench bench;
    bench.tunables.rmem = 3000;
    bench.establish();
    close_window(bench);
    bench.send("abc");
    (void)bench.poll_all();
    const auto nxt = rcv_nxt(bench);
    SECTION("a pure ACK") {
        CHECK(bench.receive(kAck, nxt, 2) == Disposition::Accepted);
        CHECK(snd_una(bench) == 2);
    }
    SECTION("a zero-window probe: its ACK counts, its byte is answered and left") {
        CHECK(bench.receive(kAck, nxt, 3, "p") == Disposition::Dropped);
        CHECK(snd_una(bench) == 3);
        CHECK(rcv_nxt(bench) == nxt);
        const auto out = bench.poll_one();
        CHECK(out.window == 0);
        CHECK(bench.ack_of(out) == nxt);
    }
    SECTION("a RST, also one with text (SHLD-2), which takes no room") {
        const std::string text = GENERATE("", "a word about the reason");
        CHECK(bench.receive(kRst, nxt, 0, text) == Disposition::Accepted);
        CHECK(bench.c().close_reason() == CloseReason::ResetReceived);
        return;
    }
    SECTION("a bare FIN takes no room") {
        CHECK(bench.receive(kAck | kFin, nxt, 3) == Disposition::Accepted);
        CHECK(bench.c().state() == State::CloseWait);
        CHECK(bench.c().receive_space().wnd() == 0);
    }
    SECTION("a RST") {
        CHECK(bench.receive(kRst, nxt, 0) == Disposition::Accepted);
        CHECK(bench.c().state() == State::Closed);
    }
    SECTION("a RST beyond") {
        CHECK(bench.receive(kRst, nxt + 1, 0) == Disposition::Dropped);
        CHECK(bench.c().state() == State::Established);
    }
    SECTION("URG and its pointer change nothing") {  // HARDENING 6
        auto header = bench.segment(kAck | kUrg, nxt, 3, "u");
        header.urgent_pointer = UINT16_MAX;
        CHECK(bench.receive(header, "u") == Disposition::Dropped);
        CHECK(rcv_nxt(bench) == nxt);
    }
}

TEST_CASE("a pure ACK from a peer that has filled the window counts") {
    Bench bench;
    bench.tunables.rmem = 3000;
    bench.establish();
    bench.send("abc");
    (void)bench.poll_all();
    CHECK(bench.receive(kAck, 3001, 4) == Disposition::Accepted);
    CHECK(snd_una(bench) == 4);
    CHECK(bench.receive(kAck, 3002, 4) == Disposition::Dropped);
    CHECK(bench.receive(kRst, 3001, 0) == Disposition::Dropped);  // the leniency is for ACKs only
    CHECK(bench.c().state() == State::Established);
}

TEST_CASE(
    "HARDENING 6: urgent data is in-line, whatever its pointer says") {  // HARDENING 6, URGENT/11; RFC 6093
    for (const std::uint16_t pointer : {0, 1, 5, 6, 65535}) {
        Bench bench;
        bench.establish();
        auto header = bench.segment(kAck | kUrg, 1, 1, "urgent");
        header.urgent_pointer = pointer;
        CHECK(bench.receive(header, "urgent") == Disposition::Accepted);
        CHECK(bench.read() == "urgent");
    }
}

// RFC 5961 3.2, HARDENING 12.
TEST_CASE(
    "HARDENING 12: in every synchronised state a RST must be exact, nearly is challenged, outside is "
    "silence") {
    for (const State state : kSynchronised) {
        Bench bench;
        bench.tunables.rfc1337 = false;
        bench.bring_to(state);
        INFO(state);
        const auto nxt = rcv_nxt(bench);
        CHECK(bench.receive(kRst, nxt - 1, 0) == Disposition::Dropped);
        CHECK(bench.receive(kRst, nxt + window(bench), 0) == Disposition::Dropped);
        CHECK(bench.poll_all().empty());
        CHECK(bench.receive(kRst, nxt + 1, 0) == Disposition::Dropped);
        CHECK(bench.receive(kRst | kAck, nxt + window(bench) - 1, snd_nxt(bench)) == Disposition::Dropped);
        const auto challenge = bench.poll_one();
        CHECK(challenge.flags.bits == kAck);
        CHECK(bench.ack_of(challenge) == nxt);
        CHECK(bench.leg().challenge_acks.value() == 1);
        CHECK(bench.c().state() == state);
        CHECK(bench.leg().resets_received.value() == 0);
        CHECK(bench.receive(kRst, nxt, 0, "why") == Disposition::Accepted);  // with text: HARDENING 5
        CHECK(bench.c().state() == State::Closed);
        CHECK(bench.leg().resets_received.value() == 1);
        CHECK(bench.c().close_reason() ==
              (state == State::TimeWait ? CloseReason::Normal : CloseReason::ResetReceived));
        CHECK(bench.poll_all().empty());  // nothing answers a RST
        CHECK(bench.c().is_finished());
    }
}

TEST_CASE("a RST flushes what was received and what was to be sent") {
    Bench bench;
    bench.establish();
    bench.send("unsent");
    (void)bench.receive(kAck, 1, 1, "unread");
    (void)bench.receive(kAck, 100, 1, "ahead");
    CHECK(bench.c().buffer_count() == 3);
    CHECK(bench.receive(kRst, 7, 0) == Disposition::Accepted);
    CHECK(bench.c().buffer_count() == 0);
    CHECK(bench.c().readable_bytes() == 0);
    CHECK(bench.closes(CloseReason::ResetReceived) == 1);
}

TEST_CASE("RST and data of one flow in one burst: what came before counts, what comes after is dropped") {
    Bench bench;
    bench.establish();
    CHECK(bench.receive(kAck, 1, 1, "data") == Disposition::Accepted);
    CHECK(bench.receive(kRst, 5, 0) == Disposition::Accepted);
    CHECK(bench.receive(kAck, 5, 1, "late") == Disposition::Dropped);
    CHECK(bench.receive(kFin | kAck, 5, 1) == Disposition::Dropped);
    CHECK(bench.drops(DropReason::TcpClosed) == 2);
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.closes(CloseReason::ResetReceived) == 1);
}

// RFC 5961 4.2.
TEST_CASE("HARDENING 12: in every synchronised state a SYN is challenged, wherever it points") {
    for (const State state : kSynchronised) {
        for (const std::uint8_t flags : {kSyn, static_cast<std::uint8_t>(kSyn | kAck)}) {
            Bench bench;
            bench.bring_to(state);
            INFO(state);
            const auto nxt = rcv_nxt(bench);
            for (const std::uint32_t at : {nxt, nxt + 5, nxt - 2, nxt + window(bench) + 7}) {
                CHECK(bench.receive(flags, at, snd_nxt(bench)) == Disposition::Dropped);
                CHECK(bench.poll_one().flags.bits == kAck);
                CHECK(bench.c().state() == state);
            }
            CHECK(bench.leg().challenge_acks.value() == 4);
        }
    }
}

// RFC 9293 3.10.7.4, fifth.
TEST_CASE("in every synchronised state a segment without ACK is dropped, its text and FIN untouched") {
    for (const State state : kSynchronised) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        const auto nxt = rcv_nxt(bench);
        CHECK(bench.receive(0, nxt, 0, "x") == Disposition::Dropped);
        CHECK(bench.receive(kFin, nxt, 0) == Disposition::Dropped);
        CHECK(bench.receive(kPsh | kUrg, nxt, 0) == Disposition::Dropped);
        CHECK(bench.drops(DropReason::TcpNoAck) == 3);
        CHECK(rcv_nxt(bench) == nxt);
        CHECK(bench.c().state() == state);
    }
}

// RFC 5961 5.2, HARDENING 12 and 24 (optimistic ACKs).
TEST_CASE(
    "HARDENING 12, 24: in every synchronised state an ACK of the unsent or the far past is challenged, its "
    "data not taken") {
    for (const State state : kSynchronised) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        const auto nxt = rcv_nxt(bench);
        const auto una = snd_una(bench);
        CHECK(bench.receive(kAck, nxt, snd_nxt(bench) + 1, "x") == Disposition::Dropped);
        CHECK(bench.poll_one().flags.bits == kAck);
        CHECK(bench.receive(kAck, nxt, una - 50'001, "x") == Disposition::Dropped);
        CHECK(bench.poll_one().flags.bits == kAck);
        CHECK(bench.drops(DropReason::TcpAckInvalid) == 2);
        CHECK(bench.leg().challenge_acks.value() == 2);
        CHECK(rcv_nxt(bench) == nxt);
        CHECK(bench.c().state() == state);
    }
}

// RFC 9293 3.10.7.4, MAY-12.
TEST_CASE("an old ACK within the largest window is no ACK, but its text is taken") {
    Bench bench;
    bench.establish();
    bench.send("abc");
    (void)bench.poll_all();
    (void)bench.receive(kAck, 1, 4);
    CHECK(bench.receive(kAck, 1, 4u - 50'000u, "text") == Disposition::Accepted);
    CHECK(bench.read() == "text");
    CHECK(snd_una(bench) == 4);
}

TEST_CASE("HARDENING 13: challenges are limited by connection and second") {  // HARDENING 13
    Bench bench;
    bench.tunables.challenge_ack_limit = 4;
    bench.establish();
    int sent = 0;
    for (int i = 0; i < 100; ++i) {
        (void)bench.receive(kSyn, 1, 0);
        sent += static_cast<int>(bench.poll_all().size());
    }
    CHECK(sent == 4);
    CHECK(bench.leg().challenge_acks_limited.value() == 96);
    bench.advance(1s);
    (void)bench.receive(kSyn, 1, 0);
    CHECK(bench.poll_all().size() == 1);
    Bench other;  // another connection has its own allowance
    other.establish();
    (void)other.receive(kSyn, 1, 0);
    CHECK(other.poll_all().size() == 1);
}

TEST_CASE("HARDENING 13: empty unacceptable segments can't start an endless exchange of ACKs") {
    Bench bench;
    bench.establish();
    int sent = 0;
    for (int i = 0; i < 1000; ++i) {
        (void)bench.receive(kAck, 0u - 5u, 1);
        sent += static_cast<int>(bench.poll_all().size());
    }
    CHECK(sent == 10);
}

// RFC 9293 3.10.7.4, eighth.
TEST_CASE(
    "HARDENING 10: text and FIN after the peer's FIN are dropped in every state that has seen it") {  // HARDENING
                                                                                                      // 10
    for (const State state : {State::CloseWait, State::Closing, State::LastAck, State::TimeWait}) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        const auto nxt = rcv_nxt(bench);
        CHECK(bench.receive(kAck, nxt, snd_una(bench), "after") == Disposition::Dropped);
        CHECK(bench.receive(kAck | kFin, nxt, snd_una(bench)) == Disposition::Dropped);
        CHECK(bench.drops(DropReason::TcpClosed) == 2);
        CHECK(rcv_nxt(bench) == nxt);
        CHECK(bench.c().state() == state);
        CHECK(bench.c().readable_bytes() == 0);
    }
}

TEST_CASE("the peer's FIN again is acknowledged again") {
    for (const State state : {State::CloseWait, State::Closing, State::LastAck}) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        CHECK(bench.receive(kAck | kFin, 1, snd_una(bench)) == Disposition::Dropped);
        CHECK(bench.ack_of(bench.poll_one()) == 2);
        CHECK(bench.c().state() == state);
    }
}

TEST_CASE("nothing that arrives in CLOSED does anything") {
    Bench bench;
    bench.establish();
    bench.c().abort(CloseReason::IdleTimeout, bench.env());
    CHECK(bench.poll_one().flags.bits == (kRst | kAck));
    for (unsigned flags = 0; flags < 64; ++flags) {
        CHECK(bench.receive(static_cast<std::uint8_t>(flags), 1, 1, "x") == Disposition::Dropped);
    }
    CHECK(bench.poll_all().empty());
    CHECK(bench.c().next_deadline() == base::kNever);
}

TEST_CASE("HARDENING 5, 10: each state takes any combination of flags without harm") {  // HARDENING 5, 10
    for (const State state :
         {State::SynSent, State::SynReceived, State::Established, State::FinWait1, State::FinWait2,
          State::CloseWait, State::Closing, State::LastAck, State::TimeWait}) {
        for (unsigned bits = 0; bits < 256; ++bits) {
            for (const std::uint32_t ahead : {0u, 1u, 0xffffffffu}) {
                Bench bench;
                bench.bring_to(state);
                const auto nxt = state == State::SynSent ? 0 : rcv_nxt(bench);
                const auto before = bench.c().state();
                (void)bench.receive(static_cast<std::uint8_t>(bits), nxt + ahead, snd_nxt(bench), "text");
                const auto out = bench.poll_all();
                INFO(state << " flags " << bits << " ahead " << ahead);
                CHECK(out.size() <= 1);  // HARDENING 18: at most one reply
                const bool clean_rst = (bits & kRst) != 0;
                if (clean_rst && bench.c().state() != before) CHECK(bench.c().state() == State::Closed);
                if ((bits & (kRst | kSyn | kAck)) == 0) CHECK(bench.c().state() == before);
            }
        }
    }
}
