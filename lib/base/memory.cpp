#include "base/memory.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>

#include "base/assert.hpp"
#include "base/reserved_memory.hpp"

namespace terminus::base {
namespace {

constexpr std::size_t kPageBytes = 4096;
std::atomic<std::size_t> reserved_bytes{0};

void* mapped(std::size_t bytes) {
    // Kernels before 6.7 begin anywhere: more is asked for, and what is too much at either end goes back.
    const std::size_t more = bytes >= Memory::kHugePageBytes ? Memory::kHugePageBytes : 0;
    void* const all = mmap(nullptr, bytes + more, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TERMINUS_ASSERT(all != MAP_FAILED, "sizes were checked against the machine before workers were made");
    if (more == 0) return all;
    auto* const begin = static_cast<std::byte*>(all);
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) % Memory::kHugePageBytes;
    const std::size_t end = (before + bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (before > 0) munmap(begin, before);
    if (end < bytes + more) munmap(begin + end, bytes + more - end);
    return begin + before;
}

}  // namespace

Memory::Memory(std::size_t size_bytes) : size_(size_bytes) {
    if (size_bytes == 0) return;
    data_ = mapped(size_bytes);
    // Advice only: without transparent huge pages the memory works all the same.
    madvise(data_, size_bytes, MADV_HUGEPAGE);
    reserved_bytes.fetch_add(size_bytes, std::memory_order_relaxed);
}

Memory::~Memory() {
    if (data_ == nullptr) return;
    munmap(data_, size_);
    reserved_bytes.fetch_sub(size_, std::memory_order_relaxed);
}

bool Memory::discard(std::size_t offset, std::size_t bytes) {
    TERMINUS_ASSERT(offset + bytes <= size_ && offset % kPageBytes == 0, "it lies within, from a page on");
    return madvise(static_cast<std::byte*>(data_) + offset, bytes, MADV_DONTNEED) == 0;
}

std::size_t reserved_memory_bytes() {
    return reserved_bytes.load(std::memory_order_relaxed);
}

}  // namespace terminus::base
