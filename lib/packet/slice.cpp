#include "packet/slice.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace terminus::packet {

bool write_behind(rte_mbuf* mbuf, std::uint32_t end, base::Bytes bytes) {
    if (rte_mbuf_refcnt_read(mbuf) != 1 || !RTE_MBUF_DIRECT(mbuf)) return false;
    TERMINUS_ASSERT(end <= mbuf->data_len, "what stands before the copy lies in the mbuf");
    const std::uint32_t room = std::uint32_t{mbuf->buf_len} - mbuf->data_off - end;
    if (bytes.size() > room) return false;
    std::memcpy(rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, end), bytes.data(), bytes.size());
    mbuf->data_len = static_cast<std::uint16_t>(end + bytes.size());
    mbuf->pkt_len = mbuf->data_len;
    return true;
}

Slice::Slice(Buffer buffer, std::uint16_t offset, std::uint16_t length)
    : buffer_(std::move(buffer)), offset_(offset), length_(length) {
    TERMINUS_ASSERT(buffer_, "a slice keeps bytes of a buffer alive, so there is one");
    TERMINUS_ASSERT(buffer_.is_linear(), "chains are split before their bytes are sliced");
    TERMINUS_ASSERT(std::uint32_t{offset} + length <= buffer_.get()->data_len,
                    "callers slice bytes that are there");
}

Slice::Slice(Slice&& other) noexcept
    : buffer_(std::move(other.buffer_)),
      offset_(std::exchange(other.offset_, std::uint16_t{0})),
      length_(std::exchange(other.length_, std::uint16_t{0})) {}

Slice& Slice::operator=(Slice&& other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(offset_, other.offset_);
    std::swap(length_, other.length_);
    return *this;
}

base::Bytes Slice::bytes() const {
    if (length_ == 0) return {};
    return {rte_pktmbuf_mtod_offset(buffer_.get(), const std::uint8_t*, offset_), length_};
}

void Slice::trim_front(std::uint16_t bytes) {
    TERMINUS_ASSERT(bytes <= length_, "callers trim bytes that they counted in length()");
    offset_ = static_cast<std::uint16_t>(offset_ + bytes);
    length_ = static_cast<std::uint16_t>(length_ - bytes);
}

void Slice::truncate(std::uint16_t bytes) {
    TERMINUS_ASSERT(bytes <= length_, "a slice can't grow");
    length_ = bytes;
}

bool Slice::extend(base::Bytes bytes) {
    if (!buffer_ || !write_behind(buffer_.get(), std::uint32_t{offset_} + length_, bytes)) return false;
    length_ = static_cast<std::uint16_t>(length_ + bytes.size());
    return true;
}

}  // namespace terminus::packet
