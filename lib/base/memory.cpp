#include "base/memory.hpp"

#include <sys/mman.h>

#include <atomic>

#include "base/assert.hpp"
#include "base/reserved_memory.hpp"

namespace terminus::base {
namespace {

std::atomic<std::size_t> reserved_bytes{0};

}  // namespace

Memory::Memory(std::size_t size_bytes) : size_(size_bytes) {
    if (size_bytes == 0) return;
    data_ =
        mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TERMINUS_ASSERT(data_ != MAP_FAILED, "sizes were checked against the machine before workers were made");
    // Advice only: without transparent huge pages the memory works all the same.
    madvise(data_, size_bytes, MADV_HUGEPAGE);
    reserved_bytes.fetch_add(size_bytes, std::memory_order_relaxed);
}

Memory::~Memory() {
    if (data_ == nullptr) return;
    munmap(data_, size_);
    reserved_bytes.fetch_sub(size_, std::memory_order_relaxed);
}

std::size_t reserved_memory_bytes() {
    return reserved_bytes.load(std::memory_order_relaxed);
}

}  // namespace terminus::base
