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

/// A Connection and what the stack must know to find it, time it and put its segments into frames.
struct ConnectionSlot {
    tcp::Connection tcp;
    flow::Key key;
    std::uint16_t service = 0;
    ProfileId profile = kProcessProfile;
    Cookie cookie = kNoCookie;
    timer::TimerId timer = timer::kNoTimer;
    std::uint32_t flow_label = 0;            ///< kept, for each segment has it
    bool is_dirty = false;                   ///< in the dirty list
    bool is_offered = false;                 ///< the application knows it
    bool is_closed = false;                  ///< the application has had its last call
    bool is_orphan = false;                  ///< counted against max_orphans
    bool is_fast_open = false;               ///< opened by a cookie, its handshake not complete
    bool is_fast_open_cookie_due = false;    ///< its SYN-ACK brings a new one
    bool is_fast_open_experimental = false;  ///< in the option's old form
    bool wants_fast_open = false;            ///< its first SYN is to have the option
    bool is_fast_open_tried = false;         ///< it had, and was not answered yet
    bool is_drained = true;                  ///< nothing received was left after its last turn

    /// An active open.
    ConnectionSlot(const tcp::Connection::OpenParameters& parameters, const tcp::Environment& env,
                   const flow::Key& own_key, const ConnectRequest& request)
        : tcp(parameters, env),
          key(own_key),
          service(request.service),
          profile(request.profile),
          cookie(request.cookie) {}
    /// A promotion.
    ConnectionSlot(const tcp::Connection::OpenParameters& parameters, const tcp::HalfOpen& half_open,
                   const tcp::Environment& env, const flow::Key& own_key, ProfileId own_profile)
        : tcp(parameters, half_open, env), key(own_key), service(half_open.service()), profile(own_profile) {}
    explicit ConnectionSlot(base::ToBeRead to_be_read) : tcp(to_be_read) {}

    template <typename Archive>
    void archive(Archive& a) {
        base::archive_but(a, *this, tcp);
        tcp.archive(a);
    }
};

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
