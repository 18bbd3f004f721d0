#include "packet/slice.hpp"

#include "base/assert.hpp"

namespace terminus::packet {

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

}  // namespace terminus::packet
