#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "base/archive.hpp"
#include "packet/batch.hpp"
#include "packet/frame_layout.hpp"
#include "packet/slice.hpp"

/// Buffers in an archive (base/archive.hpp): their bytes, and where in a buffer these lie, because that
/// decides what can be written behind them.
namespace terminus::packet {

/// Puts them into buffers of a pool.
class BufferReader : public base::ArchiveReader {
 public:
    static constexpr const char* kNoBuffer = "the pool has no buffer that could hold what was queued";

    BufferReader(base::Bytes rest, rte_mempool* pool) : ArchiveReader(rest), pool_(pool) {}

    /// A buffer whose data are the next `length` bytes, `offset` behind its beginning; none after a fault.
    [[nodiscard]] Buffer buffer(std::uint16_t offset, std::uint16_t length) {
        FrameAssembly assembly(pool_, false);
        return add(assembly, offset, length) ? assembly.finish() : Buffer();
    }
    /// The next part of a frame; false after a fault.
    bool add(FrameAssembly& assembly, std::uint16_t offset, std::uint16_t length) {
        const base::Bytes bytes = take(length);
        if (ok() && !assembly.add(offset, bytes)) fail(kNoBuffer);
        return ok();
    }
    [[nodiscard]] rte_mempool* pool() const { return pool_; }

 private:
    rte_mempool* pool_;
};

/// A slice in an archive; its bytes follow.
struct ArchivedSlice {
    std::uint16_t offset = 0;  ///< from the buffer's beginning
    std::uint16_t length = 0;
    std::uint16_t ends_record = 0;
};
struct ArchivedFrame {
    std::uint16_t segments = 0;
    std::uint16_t is_verified = 0;
};

/// A frame, in as many buffers.
inline void archive_frame(base::ArchiveWriter& a, const rte_mbuf* frame) {
    a(ArchivedFrame{segment_count(frame), is_verified(frame)});
    for_each_segment(frame, [&a](std::uint16_t offset, base::Bytes bytes) {
        a(ArchivedSlice{offset, static_cast<std::uint16_t>(bytes.size())});
        a.bytes(bytes.data(), bytes.size());
    });
}
/// None after a fault.
inline Buffer archive_frame(BufferReader& a) {
    ArchivedFrame frame;
    a(frame);
    a.require(frame.segments > 0);
    FrameAssembly assembly(a.pool(), frame.is_verified != 0);
    for (; frame.segments > 0 && a.ok(); --frame.segments) {
        ArchivedSlice segment;
        a(segment);
        a.add(assembly, segment.offset, segment.length);
    }
    return a.ok() ? assembly.finish() : Buffer();
}

template <typename Archive>
void archive_batch(Archive& a, Batch& batch) {
    const std::uint32_t count = a.count(batch.size(), Batch::kCapacity);
    for (std::uint16_t i = 0; i < count && a.ok(); ++i) {
        if constexpr (Archive::kReads) {
            if (Buffer frame = archive_frame(a)) batch.push_back(std::move(frame));
        } else {
            archive_frame(a, batch.peek(i));
        }
    }
}

}  // namespace terminus::packet
