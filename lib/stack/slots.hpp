#pragma once

#include <bit>
#include <cstdint>

#include "base/archive.hpp"
#include "base/assert.hpp"
#include "base/memory.hpp"
#include "flow/table.hpp"
#include "stack/application.hpp"
#include "stack/connection_id.hpp"
#include "tcp/connection.hpp"
#include "tcp/half_open.hpp"
#include "timer/wheel.hpp"

namespace terminus::stack {

/// What the stack must know of a connection to find it, time it and put its segments into frames: one cache
/// line. The connection itself lies elsewhere, and while it rests in few bytes (stack/connections.hpp).
struct ConnectionSlot {
    flow::Key key;
    tcp::Connection* tcp = nullptr;    ///< nullptr while it rests
    std::uint32_t place = UINT32_MAX;  ///< where it lies, awake or at rest: Connections' own
    Cookie cookie = kNoCookie;
    timer::TimerId timer = timer::kNoTimer;
    std::uint32_t flow_label = 0;  ///< kept, for each segment has it
    std::uint16_t service = 0;
    ProfileId profile = kProcessProfile;
    std::uint16_t touched = 0;                   ///< when it last had a turn (Connections::tick_of)
    bool is_dirty : 1 = false;                   ///< in the dirty list; then it is awake
    bool is_offered : 1 = false;                 ///< the application knows it
    bool is_closed : 1 = false;                  ///< the application has had its last call
    bool is_orphan : 1 = false;                  ///< counted against max_orphans
    bool is_fast_open : 1 = false;               ///< opened by a cookie, its handshake not complete
    bool is_fast_open_cookie_due : 1 = false;    ///< its SYN-ACK brings a new one
    bool is_fast_open_experimental : 1 = false;  ///< in the option's old form
    bool wants_fast_open : 1 = false;            ///< its first SYN is to have the option
    bool is_fast_open_tried : 1 = false;         ///< it had, and was not answered yet
    bool is_drained : 1 = true;                  ///< nothing received was left after its last turn
    bool is_rare : 1 = false;    ///< had no turn for long before this one, or those just before
    bool is_sample : 1 = false;  ///< what rests was learnt from it, too: once is enough

    /// An active open.
    ConnectionSlot(const flow::Key& own_key, const ConnectRequest& request)
        : key(own_key), cookie(request.cookie), service(request.service), profile(request.profile) {}
    /// A promotion.
    ConnectionSlot(const flow::Key& own_key, const tcp::HalfOpen& half_open, ProfileId own_profile)
        : key(own_key), service(half_open.service()), profile(own_profile) {}
    explicit ConnectionSlot(base::ToBeRead) {}

    template <typename Archive>
    void archive(Archive& a) {
        base::archive_but(a, *this, tcp, place);
    }
};
static_assert(sizeof(ConnectionSlot) <= 60, "a cache line with the slab's own four bytes");

struct HalfOpenSlot {
    tcp::HalfOpen tcp;
    timer::TimerId timer = timer::kNoTimer;
};

/// The connections this turn has touched, first come first served. Each is in it at most once (its slot's
/// is_dirty says so) and is released only when it has been taken out, so it can neither overflow nor name a
/// connection that is gone.
class DirtyList {
 public:
    explicit DirtyList(std::uint32_t connections_max)
        : memory_(std::size_t{std::bit_ceil(connections_max)} * sizeof(std::uint32_t)),
          ring_(static_cast<std::uint32_t*>(memory_.data())),
          mask_(std::bit_ceil(connections_max) - 1) {}

    [[nodiscard]] bool empty() const { return head_ == tail_; }
    [[nodiscard]] std::uint32_t size() const { return tail_ - head_; }
    [[nodiscard]] std::uint32_t at(std::uint32_t position) const { return ring_[(head_ + position) & mask_]; }
    void push_back(std::uint32_t index) {
        TERMINUS_ASSERT(size() <= mask_, "each connection is in the list at most once");
        ring_[tail_++ & mask_] = index;
    }
    [[nodiscard]] std::uint32_t pop_front() {
        TERMINUS_ASSERT(!empty(), "callers ask empty() first");
        return ring_[head_++ & mask_];
    }

    /// Into an empty list.
    template <typename Archive>
    void archive(Archive& a) {
        const std::uint32_t count = a.count(size(), std::size_t{mask_} + 1);
        for (std::uint32_t position = 0; position < count; ++position) {
            std::uint32_t index = Archive::kReads ? 0 : at(position);
            a(index);
            if constexpr (Archive::kReads) push_back(index);
        }
    }

 private:
    base::Memory memory_;
    std::uint32_t* ring_;
    std::uint32_t mask_;
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
};

}  // namespace terminus::stack
