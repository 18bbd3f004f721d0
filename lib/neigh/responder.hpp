#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "neigh/cache.hpp"
#include "neigh/interface.hpp"
#include "neigh/message.hpp"
#include "wire/arp.hpp"
#include "wire/frame.hpp"
#include "wire/nd.hpp"

namespace terminus::neigh {

/// Worker 0's half of ARP and neighbour discovery: what a received message teaches the cache, what it is
/// answered with, and the announcements of our own addresses. Duplicate address detection (RFC 4862 5.4, RFC
/// 5227 2.1) is not done: addresses are configured by an operator who wants them used, and standbys take them
/// over on purpose. Conflicts are counted instead.
class Responder {
 public:
    /// RFC 5227 1.1: ANNOUNCE_NUM rounds, ANNOUNCE_INTERVAL apart.
    static constexpr int kAnnounceRounds = 2;
    static constexpr base::Duration kAnnounceInterval = std::chrono::seconds(2);

    /// `locals` and `cache` outlive this.
    Responder(std::vector<Interface> interfaces, const LocalAddresses& locals, NeighbourCache& cache);

    /// The reply, when the request is for an address of ours on that port.
    [[nodiscard]] std::optional<Message> arp_arrives(const wire::ArpMessage& arp, std::uint16_t port,
                                                     base::Instant now);

    /// `frame` is the packet's, for its addresses.
    [[nodiscard]] std::optional<Message> nd_arrives(const wire::NdMessage& nd, const wire::Frame& frame,
                                                    std::uint16_t port, base::Instant now);

    /// Announces every own address on its port, kAnnounceRounds times: at start, and again when addresses
    /// were added.
    void announce(base::Instant now);
    [[nodiscard]] std::optional<Message> poll_announcement(base::Instant now);
    /// When poll_announcement() will next have something; kNever when all is said.
    [[nodiscard]] base::Instant next_deadline() const;

    /// Somebody else claims an address of ours.
    [[nodiscard]] std::uint64_t address_conflicts() const { return address_conflicts_; }

    template <typename Archive>
    void archive(Archive& a) {
        a(rounds_left_, round_at_, announced_, address_conflicts_);
    }

 private:
    [[nodiscard]] Message advertisement(const wire::NdMessage& nd, const wire::Frame& frame,
                                        const Interface& interface) const;

    std::vector<Interface> interfaces_;
    const LocalAddresses& locals_;
    NeighbourCache& cache_;
    int rounds_left_ = 0;
    base::Instant round_at_ = base::kNever;
    std::size_t announced_ = 0;  // pairs of interface and address done in this round
    std::uint64_t address_conflicts_ = 0;
};

}  // namespace terminus::neigh
