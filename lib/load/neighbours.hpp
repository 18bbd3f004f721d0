#pragma once

#include <cstdint>
#include <optional>

#include "base/fixed_vector.hpp"
#include "base/time.hpp"
#include "load/settings.hpp"
#include "packet/batch.hpp"
#include "packet/frame_builder.hpp"
#include "wire/frame.hpp"

namespace terminus::load {

/// A side's ARP and neighbour discovery: answers for its own addresses, and finds the one next hop.
class Neighbours {
 public:
    static constexpr base::Duration kAskEvery = std::chrono::milliseconds(200);

    explicit Neighbours(const SideSettings& settings) : Neighbours(settings, false) {}
    /// `answers_for_all`: whatever address is asked for is here.
    Neighbours(const SideSettings& settings, bool answers_for_all);

    /// A frame that SegmentReader found to be perhaps a matter of ours; whether it was one.
    bool receive(const packet::Buffer& frame);
    /// Answers, the question for the next hop until it is answered, and once where each own address is:
    /// whoever was here before may have had another MAC address.
    void run(base::Instant now, packet::Batch& out);
    /// The next hop's address, when it is known.
    [[nodiscard]] const std::optional<wire::MacAddress>& peer() const { return peer_; }
    /// For a side that asks nobody: where the last SYN came from.
    void learn(const wire::MacAddress& mac) { peer_ = mac; }

 private:
    [[nodiscard]] bool is_ours(const wire::IpAddress& address) const;
    bool arp_arrives(base::Bytes message);
    bool nd_arrives(const wire::Frame& frame, base::Bytes message);
    [[nodiscard]] packet::Buffer arp_question(const wire::IpAddress& sender, const wire::IpAddress& target);
    [[nodiscard]] packet::Buffer solicitation();
    [[nodiscard]] packet::Buffer announcement(const wire::IpAddress& own);
    void announce(packet::Batch& out);
    [[nodiscard]] packet::Buffer nd_frame(const wire::IpAddress& source, const wire::IpAddress& destination,
                                          const wire::MacAddress& to, base::Bytes message);

    SideSettings settings_;
    bool answers_for_all_;
    packet::FrameBuilder builder_;
    std::optional<wire::MacAddress> peer_;
    base::Instant ask_at_{};
    std::uint32_t announced_ = 0;  ///< of settings_.local, and then also_answers
    /// Answers that wait for run(); who finds it full asks again.
    base::FixedVector<packet::Buffer, 32> answers_;
};

}  // namespace terminus::load
