#include "drill/runner.hpp"

#include "script_fixture.hpp"

namespace terminus::drill {
namespace {

using test::fails;
using test::kAccepted;
using test::kConnected;
using test::passes;
using test::run;
using test::script_settings;

TEST_CASE("a script that says what happens passes") {
    passes(kAccepted +
           "+0 state ESTABLISHED\n"
           "+0 write(4, ..., 2000) = 2000\n"
           "+0 > P. 1:2001(2000) ack 1\n"
           "+.01 < P. 1:501(500) ack 2001 win 32792\n"
           "+0 > . 2001:2001(0) ack 501\n"
           "+0 read(4, ..., 1000) = 500\n"
           "+0 close(4) = 0\n"
           "+0 > F. 2001:2001(0) ack 501\n"
           "+0 state FIN_WAIT_1\n"
           "+.01 < F. 501:501(0) ack 2002 win 32792\n"
           "+0 > . 2002:2002(0) ack 502\n"
           "+0 state TIME_WAIT\n");
}

TEST_CASE("the same script gives the same exchange, to the nanosecond") {
    const std::string script = kAccepted + "+0 write(4, ..., 3000) = 3000\n* > P. 1:3001(3000) ack 1\n";
    const RunResult first = run(script);
    const RunResult second = run(script);
    CHECK(first.exchange == second.exchange);
    CHECK(first.virtual_time == second.virtual_time);
    CHECK_FALSE(first.exchange.empty());
}

TEST_CASE("each field of an expected packet is compared") {
    const std::string written = kAccepted + "+0 write(4, ..., 500) = 500\n";
    passes(written + "+0 > P. 1:501(500) ack 1");
    fails(written + "+0 > . 1:501(500) ack 1", 9, "PSH is set");
    fails(written + "+0 > FP. 1:501(500) ack 1", 9, "FIN is not set");
    fails(written + "+0 > P. 2:502(500) ack 1", 9, "the sequence number is 1, not 2");
    fails(written + "+0 > P. 1:500(499) ack 1", 9, "the length is 500, not 499");
    fails(written + "+0 > P. 1:502(501) ack 1", 9, "the length is 500, not 501");
    fails(written + "+0 > P. 1:501(500) ack 2", 9, "the acknowledgement number is 1, not 2");
    fails(written + "+0 > P. 1:501(500) ack 1 win 1", 9, "the window is ");
    fails(written + "+0 > P. 1:501(500) ack 1 urg 1", 9, "the urgent pointer is 0, not 1");
    fails(written + "+0 > P. 1:501(500) ack 1 <nop,nop,nop,nop>", 9, "there is no option nop");
    fails(written + "+0 > [ect0] P. 1:501(500) ack 1", 9, "the ECN field is 0, not 2");
    fails(written + "+0 > [tos 4] P. 1:501(500) ack 1", 9, "the TOS is 0, not 4");
    fails(written + "+0 > [ttl 63] P. 1:501(500) ack 1", 9, "the TTL is 64, not 63");
    fails(written + "+0 > 8081 > 1 P. 1:501(500) ack 1", 9, "the source port is 8080, not 8081");
    passes(written + "+0 > [ttl 64, noecn] P. 1:501(500) ack 1 <...>");
}

TEST_CASE("options are compared with their order and values") {
    const std::string listening =
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
        "+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>\n";
    passes(listening + "+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 7>");
    fails(listening + "+0 > S. 0:0(0) ack 1 <nop,wscale 7,mss 1460>", 5, "an option is mss 1460, not nop");
    fails(listening + "+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 6>", 5,
          "an option is wscale 7, not wscale 6");
    fails(listening + "+0 > S. 0:0(0) ack 1 <mss 1460>", 5, "there is an option nop");
    fails(listening + "+0 > S. 0:0(0) ack 1", 5, "there is an option mss 1460");
}

TEST_CASE("segments in a row stand for the long one that a script expects, unless they must not") {
    const std::string written = kAccepted + "+0 write(4, ..., 3000) = 3000\n";
    passes(written + "+0 > P. 1:3001(3000) ack 1");
    passes(written + "+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:3001(2000) ack 1");
    fails("--strict_segments\n" + written + "+0 > P. 1:3001(3000) ack 1", 10, "the length is 1000, not 3000");
    fails(written + "+0 > . 1:1501(1500) ack 1", 9, "the length is 2000, not 1500");
    // Linux sets PSH on what its device is to cut into segments; on a single one it means what it says.
    passes(written + "+0 > P. 1:2001(2000) ack 1\n+0 > P. 2001:3001(1000) ack 1");
    fails(written + "+0 > . 1:3001(3000) ack 1", 9, "PSH is set");
    fails(written + "+0 > P. 1:1001(1000) ack 1", 9, "PSH is not set");
    // An ACK alone is none of them.
    fails(
        kAccepted + "+0 < P. 1:11(10) ack 1 win 1000\n+0 write(4, ..., 500) = 500\n+0 > P. 1:501(500) ack 11",
        10, "the length is 0, not 500");
}

TEST_CASE("a failure shows what was expected above what happened, and the exchange so far") {
    const RunResult result =
        fails(kAccepted + "+0 write(4, ..., 500) = 500\n+0 > P. 1:501(500) ack 2 win 5\n", 9,
              "the acknowledgement number is 1, not 2");
    CHECK(result.details ==
          "expected 0.100000 > P. 1:501(500) ack 2 win 5\nactual   0.100000 > P. 1:501(500) ack 1 win 65535");
    CHECK(result.exchange.find("0.000000 < S 0:0(0) win 32792 <mss 1000>\n0.000000 > S. 0:0(0) ack 1") !=
          std::string::npos);
    CHECK(report("a.pkt", result).substr(0, 48) == "a.pkt:9: the acknowledgement number is 1, not 2\n");
}

TEST_CASE("the exchange shows calls as they were written, with what they returned") {
    const RunResult result = run(kAccepted +
                                 "+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
                                 "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1\n"
                                 "+0 write(4, \"abc\", 3) = 3\n* > P. 1:4(3) ack 1\n");
    CHECK(result.verdict == Verdict::Passed);
    for (const std::string_view line :
         {"0.100000 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n",
          "0.100000 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1\n",
          "0.100000 write(4, \"abc\", 3) = 3\n", "0.100000 > P. 1:4(3) ack 1 win 65535\n"})
        CHECK(result.exchange.find(line) != std::string::npos);
}

TEST_CASE("a packet that the script doesn't mention fails it") {
    fails(kAccepted + "+0 write(4, ..., 500) = 500\n", 8,
          "packets were sent that the script doesn't mention");
}

TEST_CASE(
    "like packetdrill: what comes after the end, and of connections no longer under test, may be anything") {
    const std::string opened = kAccepted +
                               "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5\n"
                               "+0 fcntl(5, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
                               "+0 connect(5, ..., ...) = -1 EINPROGRESS\n"
                               "+0 write(4, ..., 500) = 500\n";
    const std::string syn = "+0 > S 0:0(0) <...>\n";
    passes("--like_packetdrill\n" + opened + syn);
    fails(opened + syn, 12, "packets were sent that the script doesn't mention");
    passes("--like_packetdrill\n" + kAccepted + "+0 write(4, ..., 500) = 500\n");
    fails("--like_packetdrill\n" + kAccepted + "+0 write(4, ..., 500) = 500\n+0 > . 1:501(500) ack 1\n", 10,
          "PSH is set");
}

TEST_CASE("a packet that never comes fails the script at its own line") {
    fails(kAccepted + "+0 > P. 1:501(500) ack 1\n+1 close(4) = 0\n", 8, "no packet by 0.104000");
    fails(kAccepted + "* > P. 1:501(500) ack 1\n", 8, "no packet by ");
}

TEST_CASE("a packet counts as in time within the tolerance, on both sides") {
    // The first retransmission comes after RTO = 300 ms: SRTT 100 ms and RTTVAR 50 ms (RFC 6298 2.2).
    const std::string lost = kAccepted + "+0 write(4, ..., 500) = 500\n+0 > P. 1:501(500) ack 1\n";
    passes(lost + "* > P. 1:501(500) ack 1\n");
    const RunResult any = run(lost + "* > P. 1:501(500) ack 1\n");
    REQUIRE(any.verdict == Verdict::Passed);
    const base::Duration after = any.virtual_time - std::chrono::milliseconds(100);
    const auto seconds = [](base::Duration time) {
        return "0." + std::to_string(1'000'000'000 + time.count()).substr(1);
    };
    using namespace std::chrono_literals;
    passes(lost + "+" + seconds(after + 4ms) + " > P. 1:501(500) ack 1\n");
    passes(lost + "+" + seconds(after - 4ms) + " > P. 1:501(500) ack 1\n");
    fails(lost + "+" + seconds(after + 4ms + 1us) + " > P. 1:501(500) ack 1\n", 10, "it was sent at ");
    fails(lost + "+" + seconds(after - 4ms - 1us) + " > P. 1:501(500) ack 1\n", 10, "no packet by ");
    fails("--tolerance_usecs=100\n" + lost + "+" + seconds(after + 1ms) + " > P. 1:501(500) ack 1\n", 11,
          "it was sent at ");
    passes(lost + "+" + seconds(after - 50ms) + "~+" + seconds(after + 50ms) + " > P. 1:501(500) ack 1\n");
    fails(lost + "+" + seconds(after + 5ms) + "~+" + seconds(after + 50ms) + " > P. 1:501(500) ack 1\n", 10,
          "it was sent at ");
}

TEST_CASE("a call that blocks returns at the time that the script says, not before and not later") {
    const std::string listening =
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n";
    const std::string handshake =
        "+.1 < S 0:0(0) win 1000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n+.1 < . 1:1(0) ack 1 win "
        "1000\n";
    passes(listening + "+0...0.2 accept(3, ..., ...) = 4\n" + handshake + "+0 write(4, ..., 1) = 1\n" +
           "+0 > P. 1:2(1) ack 1\n");
    fails(listening + "+0...0.1 accept(3, ..., ...) = 4\n" + handshake, 4, "the call returned at 0.2");
    fails(listening + "+0...0.3 accept(3, ..., ...) = 4\n" + handshake, 4, "the call returned at 0.2");
    fails(listening + "+0 accept(3, ..., ...) = 4\n" + handshake, 4,
          "accept() blocks, and the script doesn't");
    fails(listening + "+0...0.2 accept(3, ..., ...) = 4\n", 4, "accept() hasn't returned at 0.204");
    fails(listening + "+0...0.2 listen(3, 1) = 0\n", 4, "the call returned at 0.0");
}

TEST_CASE("results and errors of system calls are compared") {
    passes("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 7\n+0 close(7) = 0\n+0 close(7) = -1 EBADF (closed)\n");
    fails("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 close(3) = 1\n", 2, "close() returned 0, not 1");
    fails("0 close(3) = 0\n", 1, "close() returned -1 EBADF, not 0");
    fails("0 close(3) = -1 EINVAL\n", 1, "close() returned -1 EBADF, not -1 EINVAL");
    fails("0 close(3) = -1 ENONSENSE\n", 1, "there is no error `ENONSENSE` here");
    fails(kAccepted + "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read(4, ..., 10) = 0\n", 9,
          "read() returned -1 EAGAIN, not 0");
}

TEST_CASE("calls and constants that don't exist are refused by name") {
    fails("0 frobnicate(3) = 0\n", 1, "the system call frobnicate() is not here");
    fails("0 socket(..., SOCK_BANANA, 0) = 3\n", 1, "there is no constant `SOCK_BANANA` here");
    fails("0 listen(3) = 0\n", 1, "listen() with 1 arguments");
}

TEST_CASE("what needs a Linux host is skipped, not passed and not failed") {
    for (const std::string_view script :
         {"0 splice(3, 0, 4, 0, 10, 0) = 10\n", "0 `tc qdisc add dev tun0 root fq`\n1 close(3) = 0\n",
          "`ethtool -K tun0 tso off`\n0 close(3) = 0\n",
          "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 write(3, 0x1, 10) = -1 EFAULT\n",
          "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = "
          "0\n"}) {
        CHECK(run(script).verdict == Verdict::Skipped);
    }
}

TEST_CASE("commands set tunables, --set wins over them, and unknown ones are refused by name") {
    const std::string listening =
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
        "+0 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 1 ecr 0>\n";
    passes("`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0`\n" + listening +
           "+0 > S. 0:0(0) ack 1 <mss 1460>");
    passes("`echo 0 > /proc/sys/net/ipv4/tcp_timestamps; sysctl net.ipv4.tcp_sack=1`\n" + listening +
           "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
    RunSettings settings = script_settings();
    settings.assignments = {{"timestamps", "false"}};
    passes("`../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=1 net.ipv4.tcp_sack=0`\n" +
               listening + "+0 > S. 0:0(0) ack 1 <mss 1460>",
           settings);
    passes("--set=tcp.timestamps=false --set=tcp.sack=false\n" + listening +
           "+0 > S. 0:0(0) ack 1 <mss 1460>");
    fails("`sysctl net.ipv4.tcp_nonsense=1`\n0 close(3) = -1 EBADF\n", 1,
          "net.ipv4.tcp_nonsense=1: there is no tunable nonsense");
    fails("`sysctl kernel.panic=1`\n0 close(3) = -1 EBADF\n", 1, "the sysctl `kernel.panic` is not here");
    fails("0 close(3) = -1 EBADF\n\n+0 `make me a sandwich`\n", 3, "the command `make` is not here");
    fails("--set=tcp.nonsense=1\n0 close(3) = -1 EBADF\n", 0, "there is no tunable nonsense");
    fails("--frobnicate\n0 close(3) = -1 EBADF\n", 1, "the option --frobnicate is not here");
}

TEST_CASE("code asserts over the connection's TCP_INFO") {
    passes(kAccepted + "+0 %{ assert tcpi_state == TCP_ESTABLISHED and tcpi_snd_mss == 1000 }%\n");
    fails(kAccepted + "+0 %{ assert tcpi_snd_mss == 999 }%\n", 8,
          "assertion failed: tcpi_snd_mss == 999; tcpi_snd_mss = 1000");
    fails(kAccepted + "+0 %{ assert tcpi_nonsense == 0 }%\n", 8, "there is no `tcpi_nonsense` here");
}

TEST_CASE("a state is asserted by its RFC's name, with or without a descriptor") {
    passes(kConnected + "+0 state ESTABLISHED\n");
    fails(kConnected + "+0 state SYN_RECEIVED\n", 7, "the state is ESTABLISHED, not SYN_RECEIVED");
    fails(kConnected + "+0 state OPEN\n", 7, "there is no state OPEN");
    passes(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 state CLOSED\n+0 bind(3, ..., ...) = 0\n"
        "+0 listen(3, 1) = 0\n+0 state LISTEN\n");
}

TEST_CASE("timestamps keep the script's names, and only those that were sent can be echoed") {
    const std::string begin =
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
        "+0 < S 0:0(0) win 32792 <mss 1000,nop,nop,TS val 100 ecr 0>\n"
        "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 700 ecr 100>\n";
    passes(begin +
           "+.1 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 200 ecr 700>\n+0 accept(3, ..., ...) = 4\n"
           "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 800 ecr 200>\n");
    fails(begin +
              "+.1 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 200 ecr 700>\n+0 accept(3, ..., ...) = 4\n"
              "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 800 ecr 100>\n",
          9, "the echoed timestamp is 200, not 100");
    fails(begin + "+.1 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 200 ecr 701>\n", 6,
          "the machine has sent no timestamp that the script calls");
    passes("--tcp_ts_ecr_scaled\n" + begin +
           "+.1 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 200 ecr 701>\n+0 state ESTABLISHED\n");
}

TEST_CASE("a script runs over IPv6 and over IPv4 through IPv6 sockets") {
    RunSettings settings = script_settings();
    for (const IpVersion version : {IpVersion::V4, IpVersion::V6, IpVersion::Mapped}) {
        settings.ip_version = version;
        const std::string mss = version == IpVersion::V6 ? "1440" : "1460";
        passes(
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
            "+0 < S 0:0(0) win 1000 <mss 1000>\n+0 > [ttl 64] S. 0:0(0) ack 1 <mss " +
                mss + ">\n",
            settings);
    }
}

TEST_CASE("an active open is followed from its SYN on") {
    passes(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
        "+0...0.1 connect(3, ..., ...) = 0\n"
        "+0 > S 0:0(0) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>\n"
        "+0 state SYN_SENT\n"
        "+.1 < S. 0:0(0) ack 1 win 1000 <mss 1000>\n"
        "+0 > . 1:1(0) ack 1\n"
        "+0 state ESTABLISHED\n",
        [] {
            RunSettings settings = script_settings();
            settings.assignments = {{"sack", "true"}};
            return settings;
        }());
}

TEST_CASE("an ICMP error quotes the connection's own segment") {
    passes(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
        "+0...0.1 connect(3, ..., ...) = -1 ECONNREFUSED\n"
        "+0 > S 0:0(0) <...>\n"
        "+.1 < icmp unreachable port_unreachable [0:0(0)]\n"
        "+0 state CLOSED\n");
    fails("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < icmp unreachable nonsense [0:0(0)]\n", 2,
          "there is no connection for an ICMP error");
    fails(kAccepted + "+0 < icmp unreachable nonsense [0:0(0)]\n", 8,
          "there is no unreachable nonsense in ICMP");
}

TEST_CASE("a segment with ports of its own is about another connection") {
    passes(kAccepted +
           "+0 < 5000 > 9999 S 0:0(0) win 1000 <mss 1000>\n"
           "+0 > 9999 > 5000 R. 0:0(0) ack 1\n");
    fails(kAccepted + "+0 < 5000 > 9999 . 1:1(0) ack 1 win 1000\n+0 > R 1:1(0)\n", 9,
          "a packet of another connection: 192.168.0.1:9999 > 192.0.2.1:5000");
}

TEST_CASE("an event that can't happen when it is due any more fails") {
    fails(kAccepted +
              "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n* > P. 1:11(10) ack 1\n"
              ".15 close(4) = 0\n",
          11, "an event that was due at 0.150000 comes after one at ");
}

}  // namespace
}  // namespace terminus::drill
