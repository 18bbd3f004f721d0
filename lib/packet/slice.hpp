#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <utility>

#include "base/bytes.hpp"

namespace terminus::packet {

/// The owning handle over one mbuf chain: freed when the handle dies, wherever that happens.
class Buffer {
 public:
    Buffer() = default;
    /// Takes over the caller's reference.
    explicit Buffer(rte_mbuf* adopted) : mbuf_(adopted) {}
    Buffer(Buffer&& other) noexcept : mbuf_(std::exchange(other.mbuf_, nullptr)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(mbuf_, other.mbuf_);
        return *this;
    }
    ~Buffer() {
        if (mbuf_ != nullptr) rte_pktmbuf_free(mbuf_);
    }

    explicit operator bool() const { return mbuf_ != nullptr; }
    [[nodiscard]] rte_mbuf* get() const { return mbuf_; }
    /// Gives the reference up to the caller.
    [[nodiscard]] rte_mbuf* release() { return std::exchange(mbuf_, nullptr); }

    /// The first segment's bytes; the whole frame when is_linear().
    [[nodiscard]] base::Bytes bytes() const {
        return {rte_pktmbuf_mtod(mbuf_, const std::uint8_t*), mbuf_->data_len};
    }
    [[nodiscard]] base::MutableBytes mutable_bytes() {
        return {rte_pktmbuf_mtod(mbuf_, std::uint8_t*), mbuf_->data_len};
    }
    [[nodiscard]] std::uint32_t length() const { return mbuf_->pkt_len; }
    [[nodiscard]] bool is_linear() const { return mbuf_->nb_segs == 1; }

 private:
    rte_mbuf* mbuf_ = nullptr;
};

/// Copies `bytes` into `mbuf` from `end` (counted from its data start) on; what was there (Ethernet padding,
/// a part that was trimmed) is overwritten. False, and nothing is done, when the room is too small, when a
/// second reference may be on its way through a device, or when the data lies in somebody else's buffer.
[[nodiscard]] bool write_behind(rte_mbuf* mbuf, std::uint32_t end, base::Bytes bytes);

/// Payload: some bytes of one single-segment mbuf, and the reference that keeps them alive. The mbuf itself
/// is never linked or trimmed for it (DESIGN 3.6): offset and length live here.
class Slice {
 public:
    Slice() = default;
    /// `buffer` is linear; `offset` counts from its data start.
    Slice(Buffer buffer, std::uint16_t offset, std::uint16_t length);
    /// A slice that was moved from is empty.
    Slice(Slice&& other) noexcept;
    Slice& operator=(Slice&& other) noexcept;

    [[nodiscard]] bool empty() const { return length_ == 0; }
    [[nodiscard]] std::uint16_t length() const { return length_; }
    [[nodiscard]] base::Bytes bytes() const;
    void trim_front(std::uint16_t bytes);
    /// Keeps the first `bytes`.
    void truncate(std::uint16_t bytes);
    /// Copies `bytes` behind the slice's own; false where write_behind() says so.
    [[nodiscard]] bool extend(base::Bytes bytes);

    [[nodiscard]] Buffer& buffer() { return buffer_; }
    [[nodiscard]] const Buffer& buffer() const { return buffer_; }
    [[nodiscard]] std::uint16_t offset() const { return offset_; }

 private:
    Buffer buffer_;
    std::uint16_t offset_ = 0;
    std::uint16_t length_ = 0;
};

}  // namespace terminus::packet
