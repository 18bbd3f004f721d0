#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "base/rng.hpp"
#include "drill/rig.hpp"

namespace terminus::drill::test {

namespace {

/// System calls and packets in no sensible order: whatever they are, the machine must come to rest.
class Chaos {
 public:
    explicit Chaos(std::uint64_t seed) : rig_(seed % 2 == 1), rng_(seed) {}

    void run(int steps) {
        (void)rig_.listener();
        for (int i = 0; i < steps; ++i) {
            if (rng_.below(2) == 0) {
                call();
            } else {
                packet();
            }
            if (rng_.below(8) == 0) rig_.advance(base::Duration(rng_.next() % 2'000'000'000));
            learn();
        }
    }

    /// Nothing may be left once everybody has gone.
    void end() {
        const struct linger now { .l_onoff = 1, .l_linger = 0 };
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&now);
        for (Fd fd = 0; fd < 128; ++fd) {
            (void)rig_.sockets().setsockopt(fd, SOL_SOCKET, SO_LINGER, {bytes, sizeof now});
            (void)rig_.sockets().close(fd);
        }
        for (std::uint32_t id = 1; id < 5000; ++id)
            rig_.sockets().interrupt(CallId{id});
        rig_.advance(3h);
        CHECK(rig_.sockets().blocked_count() == 0);
        CHECK_FALSE(rig_.machine().leftovers().any());
    }

 private:
    Fd some_fd() { return 3 + static_cast<Fd>(rng_.below(8)); }

    void call() {
        Sockets& sockets = rig_.sockets();
        const Fd fd = some_fd();
        const std::vector<std::uint8_t> bytes(rng_.below(6000));
        const int flags = rng_.below(2) == 0 ? MSG_DONTWAIT : 0;
        const pollfd asked{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
        switch (rng_.below(18)) {
            case 0:
                (void)sockets.socket(rig_.family(), SOCK_STREAM | (flags != 0 ? SOCK_NONBLOCK : 0), 0);
                break;
            case 1:
                (void)sockets.connect(fd, rig_.remote(static_cast<std::uint16_t>(80 + rng_.below(3))));
                break;
            case 2:
            case 3:
                (void)sockets.accept4(fd, flags != 0 ? SOCK_NONBLOCK : 0);
                break;
            case 4:
            case 5:
                (void)sockets.send(fd, bytes, flags);
                break;
            case 6:
            case 7:
                (void)sockets.recv(fd, rng_.below(3000), flags | (rng_.below(4) == 0 ? MSG_PEEK : 0));
                break;
            case 8:
                (void)sockets.shutdown(fd, static_cast<int>(rng_.below(3)));
                break;
            case 9:
                (void)sockets.close(fd);
                break;
            case 10:
                (void)sockets.poll({&asked, 1}, static_cast<int>(rng_.below(3)) - 1);
                break;
            case 11:
                (void)sockets.epoll_create1(0);
                break;
            case 12:
                (void)sockets.epoll_ctl(some_fd(), EPOLL_CTL_ADD, fd,
                                        {EPOLLIN | EPOLLOUT | (flags != 0 ? EPOLLET : 0u), 1});
                break;
            case 13:
                (void)sockets.epoll_wait(fd, 4, static_cast<int>(rng_.below(3)) - 1);
                break;
            case 14:
                option(fd);
                break;
            case 15:
                (void)sockets.ioctl(fd, SIOCOUTQ);
                (void)sockets.tcp_info(fd);
                (void)sockets.state(fd);
                (void)sockets.getpeername(fd);
                break;
            case 16:
                sockets.interrupt(CallId{1 + rng_.below(200)});
                break;
            case 17:
                if (rng_.below(4) == 0) (void)sockets.connect(fd, {AF_UNSPEC, {}});
                break;
        }
    }

    void option(Fd fd) {
        constexpr int kOptions[][2] = {{SOL_SOCKET, SO_KEEPALIVE},      {SOL_SOCKET, SO_SNDBUF},
                                       {SOL_SOCKET, SO_RCVBUF},         {SOL_SOCKET, SO_RCVLOWAT},
                                       {IPPROTO_TCP, TCP_NODELAY},      {IPPROTO_TCP, TCP_KEEPIDLE},
                                       {IPPROTO_TCP, TCP_USER_TIMEOUT}, {IPPROTO_TCP, TCP_LINGER2}};
        const auto& option = kOptions[rng_.below(std::size(kOptions))];
        const int number = static_cast<int>(rng_.below(5000));
        std::vector<std::uint8_t> bytes(sizeof number);
        std::memcpy(bytes.data(), &number, sizeof number);
        (void)rig_.sockets().setsockopt(fd, option[0], option[1], bytes);
    }

    // Mostly what a peer would say, now and then anything.
    void packet() {
        if (peers_.empty() || rng_.below(6) == 0) {
            peers_.push_back(
                {.tuple = {{rig_.local_address(), kServicePort},
                           {rig_.remote_address(), static_cast<std::uint16_t>(50000 + rng_.below(6))}},
                 .seq = wire::SeqNum(static_cast<std::uint32_t>(rng_.next()))});
            rig_.say(peers_.back(), kSyn);
            return;
        }
        Peer& peer = peers_[rng_.below(static_cast<std::uint32_t>(peers_.size()))];
        constexpr std::uint8_t kUsual[] = {kAck,        kAck, kAck | kPsh, kAck,
                                           kFin | kAck, kRst, kSyn | kAck, kSyn};
        const std::uint8_t flags = rng_.below(16) == 0 ? static_cast<std::uint8_t>(rng_.next() & 0x3f)
                                                       : kUsual[rng_.below(std::size(kUsual))];
        peer.window = static_cast<std::uint16_t>(rng_.below(4) == 0 ? rng_.below(3) : 20000);
        const std::string payload(rng_.below(3) == 0 ? rng_.below(2000) : 0, 'x');
        if (rng_.below(8) == 0) {
            Peer strange = peer;
            strange.seq += rng_.below(3000);
            strange.seq = strange.seq - 1500u;
            rig_.give(strange, flags, payload);
        } else {
            rig_.say(peer, flags, payload);
        }
    }

    // What the machine sent tells peers what to acknowledge, and of connections that it opens.
    void learn() {
        for (const Sent& sent : rig_.sent()) {
            Peer* found = nullptr;
            for (Peer& peer : peers_) {
                if (peer.tuple == sent.tuple) found = &peer;
            }
            if (found == nullptr) {
                peers_.push_back({.tuple = sent.tuple, .seq = wire::SeqNum(777)});
                found = &peers_.back();
            }
            if (rng_.below(8) != 0) found->ack = sent.tcp.seq + sent.tcp.seg_len();
        }
    }

    Rig rig_;
    base::Rng rng_;
    std::vector<Peer> peers_;
};

}  // namespace

TEST_CASE("whatever programs and peers do, the machine comes to rest and holds nothing") {
    // HARDENING 10, 26.
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        INFO("seed " << seed);
        Chaos chaos(seed);
        chaos.run(400);
        chaos.end();
    }
}

}  // namespace terminus::drill::test
