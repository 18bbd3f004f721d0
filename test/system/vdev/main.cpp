// Splices with loss and reordering through one kind of DPDK device, everything in this process:
//
//     vdev_splice MODE FOLDER [SEED]
//
// MODE is ring, memif, af_packet, af_xdp, tap or pcap; FOLDER takes sockets and captures. Exit 0 when every
// byte arrived and no buffer was leaked, 1 with a sentence for each fault, 2 when the devices can't be
// opened.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "live.hpp"
#include "replay.hpp"

namespace {

using namespace terminus;

/// A run takes a few seconds; on a busy machine a multiple of it.
constexpr base::Duration kLimit = std::chrono::seconds(60);

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: vdev_splice MODE FOLDER [SEED]\n");
        return 2;
    }
    const std::string_view mode = arguments[1];
    const std::string folder = arguments[2];
    vdev::SceneOptions options;
    if (count > 3) options.seed = std::strtoull(arguments[3], nullptr, 10);
    if (mode == "pcap") return vdev::run_replay(folder, options);
    for (const vdev::Kind kind :
         {vdev::Kind::Ring, vdev::Kind::Memif, vdev::Kind::AfPacket, vdev::Kind::AfXdp, vdev::Kind::Tap}) {
        if (mode == vdev::name_of(kind)) return vdev::run_live(kind, folder, options, kLimit);
    }
    std::fprintf(stderr, "there is no mode %s\n", arguments[1]);
    return 2;
}
