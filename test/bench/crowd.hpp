#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/rng.hpp"
#include "delays.hpp"
#include "memory_device.hpp"
#include "wire/address.hpp"

namespace terminus::bench {

/// What the world looks like to the worker under test.
struct Landscape {
    bool is_v6 = false;
    std::uint32_t clients = 0;  ///< 4-tuples from which clients connect
    std::uint16_t backends = 1;
    std::uint16_t sources = 1;  ///< addresses from which the worker connects to them

    enum Net : std::uint32_t { kLink, kServices, kBackends, kSources, kClients };

    [[nodiscard]] static wire::MacAddress router_mac() { return {{2, 0, 0, 0, 0, 0xfe}}; }
    [[nodiscard]] wire::IpAddress router() const { return address(kLink, 0xfe); }
    [[nodiscard]] wire::IpAddress own() const { return address(kLink, 1); }
    [[nodiscard]] wire::IpAddress service() const { return address(kServices, 1); }
    [[nodiscard]] wire::IpAddress backend(std::uint32_t index) const { return address(kBackends, index); }
    [[nodiscard]] wire::IpAddress source(std::uint32_t index) const { return address(kSources, index); }
    [[nodiscard]] wire::IpAddress client(std::uint32_t index) const { return address(kClients, index); }
    /// Number `index` (below 2^20) of a net.
    [[nodiscard]] wire::IpAddress address(Net net, std::uint32_t index) const;

    static constexpr std::uint16_t kServicePort = 443;
    static constexpr std::uint16_t kBackendPort = 8080;
    /// Ports from which one client address connects.
    static constexpr std::uint32_t kClientPorts = 32768;
    static constexpr std::uint32_t kClientPortFirst = 16384;
};

/// Who is at the far end of a leg.
enum Side : std::uint8_t { kClient, kBackend };

/// What is done over and over. All but PureAck are proxied whole, with real TCP on both sides.
enum class Work : std::uint8_t {
    Open,     ///< a connection that stays
    Whole,    ///< a connection: opened, a request, its response, closed
    Request,  ///< a request and its response on a connection that stays
    Offered,  ///< the same, begun by offer_request() and not by the end of another
    PureAck,  ///< a segment from a client that says nothing but that it is still there
    Bulk,     ///< a full segment from a backend
    Close,    ///< a connection that stayed is closed by its client, the last one first
};

/// How clients and backends behave.
struct Manners {
    std::uint16_t request_bytes = 100;
    std::uint16_t response_bytes = 200;
    /// Acknowledgements and FINs in frames of their own, as a kernel sends them when the application is slow:
    /// 9 or 10 frames a leg. Otherwise they go with what is sent anyway: 6.
    bool is_kernel_like = false;
    bool backend_closes_first = true;
    /// Requests and responses are their connection's own (text.hpp) and checked at the other end.
    bool has_own_text = false;
    std::uint32_t bulk_flows = 16;
    std::uint32_t bulk_window = 32;  ///< segments that a backend has on the way, in each flow
};

/// All clients and all backends of a worker, played with as little as that takes: 20 bytes for each leg,
/// found by address and port. Nothing is lost between them and the worker, so whatever a peer does not expect
/// is an error and thrown.
class Crowd {
 public:
    Crowd(const Landscape& landscape, MemoryDevice& device);

    /// Text of a full segment, with timestamps.
    [[nodiscard]] std::uint32_t mss() const { return landscape_.is_v6 ? 1428 : 1448; }

    void set_manners(const Manners& manners) { manners_ = manners; }

    /// Does `work` until done() is `count`, with `concurrency` of it at any time. Connections that stay have
    /// been opened before (Open).
    void begin(Work work, std::uint64_t count, std::uint32_t concurrency);
    /// Work::Offered: a request on the next of the connections that stay, which was due at `when`. False when
    /// that connection still has one under way, or the worker has not taken what came before.
    [[nodiscard]] bool offer_request(std::uint64_t when);
    /// Takes what the worker sent and answers it; between two turns. `now_ms` is what the peers' timestamps
    /// say.
    void turn(std::uint32_t now_ms);

    [[nodiscard]] std::uint64_t done() const { return done_; }
    /// Connections that stay.
    [[nodiscard]] std::uint32_t opened() const { return opened_; }
    [[nodiscard]] std::uint64_t frames_to_worker() const { return frames_to_worker_; }
    [[nodiscard]] std::uint64_t frames_from_worker() const { return frames_from_worker_; }
    /// Bytes of text that all clients or all backends have sent, and received.
    [[nodiscard]] std::uint64_t text_sent(Side side) const { return text_sent_[side]; }
    [[nodiscard]] std::uint64_t text_received(Side side) const { return text_received_[side]; }

    /// Whose times are taken down while Offered is done, by number of the connection; outlives the work.
    void set_delays(Delays* delays) { delays_ = delays; }

 private:
    /// One end of a leg.
    struct Peer {
        std::uint32_t next = 0;            // sequence number to be sent
        std::uint32_t unacknowledged = 0;  // the oldest
        std::uint32_t expected = 0;        // sequence number to be received
        std::uint32_t echo = 0;            // the worker's last timestamp
        std::uint16_t received = 0;        // of the request or response; in Bulk, segments not acknowledged
        bool has_sent_fin : 1 = false;
        bool has_seen_fin : 1 = false;
        bool stays : 1 = false;
        bool is_bulk : 1 = false;  // a backend that was asked for bulk
    };
    static_assert(sizeof(Peer) == 20);
    struct Seen {
        Side side;
        std::uint32_t index;
        std::uint32_t seq, ack, timestamp;
        std::uint32_t text;
        std::uint8_t flags;
        const rte_mbuf* frame;
    };
    static constexpr std::uint32_t kHeader = 86;  // IPv6, with timestamps
    static constexpr std::uint32_t kSynOptions = 20;

    void make_templates();
    [[nodiscard]] bool is_tcp(const rte_mbuf& mbuf) const;
    void answer_neighbour_question(const rte_mbuf& mbuf);
    [[nodiscard]] Seen read(const rte_mbuf& mbuf) const;
    void take(const Seen& seen);
    void client_takes(const Seen& seen, Peer& peer);
    void client_opened(const Seen& seen, Peer& peer);
    void backend_takes(const Seen& seen, Peer& peer);
    [[nodiscard]] static std::uint32_t text_offset(const Seen& seen);
    [[nodiscard]] std::uint32_t requester(const Seen& seen) const;
    void next_kept();
    void start_one();
    void one_done();
    void connect(std::uint32_t client);
    /// `connection` is whose text it is, where each has its own.
    void send(Side side, std::uint32_t index, std::uint8_t flags, std::uint32_t text = 0,
              std::uint32_t connection = 0);
    void fill_window(std::uint32_t index, Peer& peer);

    [[nodiscard]] std::uint32_t l3_bytes() const { return landscape_.is_v6 ? 40 : 20; }

    Landscape landscape_;
    MemoryDevice& device_;
    Manners manners_;
    base::Rng rng_{1};
    std::array<std::vector<Peer>, 2> peers_;
    std::array<std::array<std::uint8_t, kHeader>, 2> templates_{};
    std::array<std::uint32_t, 2> template_sums_{};
    Work work_ = Work::Open;
    std::uint64_t left_ = 0;  // to be started
    std::uint64_t done_ = 0;
    std::uint32_t opened_ = 0;
    std::uint32_t passing_ = 0;  // next 4-tuple of Whole, behind those that stay
    std::uint32_t kept_ = 0;     // next connection of Request
    std::uint32_t kept_step_ = 1;
    std::uint32_t now_ms_ = 0;
    std::uint64_t frames_to_worker_ = 0;
    std::uint64_t frames_from_worker_ = 0;
    std::array<std::uint64_t, 2> text_sent_{}, text_received_{};
    Delays* delays_ = nullptr;
};

}  // namespace terminus::bench
