#include "base/memory.hpp"

#include <sys/mman.h>

#include "base/assert.hpp"

namespace terminus::base {

Memory::Memory(std::size_t size_bytes) : size_(size_bytes) {
    if (size_bytes == 0) return;
    data_ =
        mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TERMINUS_ASSERT(data_ != MAP_FAILED, "sizes were checked against the machine before workers were made");
    // Advice only: without transparent huge pages the memory works all the same.
    madvise(data_, size_bytes, MADV_HUGEPAGE);
}

Memory::~Memory() {
    if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace terminus::base
