// The clients of captures, for a comparison with the kernel's TCP:
//
//     played_clients steps CAPTURE...
//     played_clients play INTERFACE PEER_MAC TAIL_MS PATIENCE_MS verify|repair WRITTEN CAPTURE...
//
// `steps` prints what the server's application did (captures.hpp). `play` says `ready` and plays the clients
// on INTERFACE to the host that has PEER_MAC, each packet when what it acknowledges has been sent; every
// address but that host's is a client's. It ends TAIL_MS after the last packet, or at SIGTERM, writes what
// went both ways as a capture, and says which packets couldn't be played as recorded: for those that wait for
// what never comes it waits PATIENCE_MS. Wrong checksums of the captures stay wrong, or are repaired.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "captures.hpp"
#include "link.hpp"
#include "stage.hpp"

namespace {

using namespace terminus;
using namespace terminus::differential;

volatile sig_atomic_t stopped = 0;

base::Duration milliseconds(const std::string& word) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size())
        throw std::invalid_argument("milliseconds are wanted instead of " + word);
    return std::chrono::milliseconds(number);
}

wire::MacAddress mac_address(const std::string& word) {
    wire::MacAddress made;
    auto& to = made.bytes;
    if (std::sscanf(word.c_str(), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1], &to[2], &to[3], &to[4],
                    &to[5]) != 6)
        throw std::invalid_argument("a MAC address is wanted instead of " + word);
    return made;
}

void wait(const Link& link, base::Instant until, const sigset_t& during_wait) {
    constexpr base::Duration kLongest = std::chrono::seconds(1);
    const base::Duration left = std::clamp(until - clock_now(), base::Duration::zero(), kLongest);
    const timespec time{static_cast<time_t>(left.count() / 1'000'000'000),
                        static_cast<long>(left.count() % 1'000'000'000)};
    pollfd waiting{link.descriptor(), POLLIN, 0};
    ppoll(&waiting, 1, &time, &during_wait);
}

void play(const std::vector<std::string>& words) {
    // SIGTERM is let in only while waiting, so that none is missed.
    sigset_t during_wait, blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &during_wait);
    struct sigaction action = {};
    action.sa_handler = [](int) { stopped = 1; };
    sigaction(SIGTERM, &action, nullptr);

    Link link(words[0]);
    const base::Duration tail = milliseconds(words[2]);
    const std::vector<capture::RecordedConversations> captures = load({words.begin() + 6, words.end()});
    Stage stage(link, captures, clock_now(),
                {mac_address(words[1]), milliseconds(words[3]), words[4] == "repair"});
    std::puts("ready");
    std::fflush(stdout);
    while (stopped == 0) {
        stage.turn(clock_now());
        const bool is_over = stage.is_over();
        const base::Instant end = stage.last_played() + tail;
        if (is_over && clock_now() >= end) break;
        wait(link, is_over ? end : stage.next_at(), during_wait);
    }
    link.write(words[5]);
    stage.report();
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    try {
        if (words.size() > 1 && words[0] == "steps") {
            for (const auto& recorded : load({words.begin() + 1, words.end()}))
                print_steps(recorded);
            return 0;
        }
        if (words.size() > 7 && words[0] == "play") {
            play({words.begin() + 1, words.end()});
            return 0;
        }
        std::fprintf(stderr,
                     "usage: played_clients steps CAPTURE... | played_clients play INTERFACE PEER_MAC "
                     "TAIL_MS PATIENCE_MS verify|repair WRITTEN CAPTURE...\n");
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "played_clients: %s\n", error.what());
        return 1;
    }
}
