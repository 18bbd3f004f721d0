#include "worker/bell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/assert.hpp"

namespace terminus::worker {

Bell::~Bell() {
    if (descriptor_ >= 0) close(descriptor_);
}

bool Bell::hang() {
    if (descriptor_ < 0) descriptor_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return descriptor_ >= 0;
}

// The first to ring takes the flag down: the others have nothing left to do.
void Bell::rouse() {
    if (!is_asleep_.exchange(false, std::memory_order_relaxed)) return;
    const std::uint64_t one = 1;
    const ssize_t written = write(descriptor_, &one, sizeof one);
    TERMINUS_ASSERT(written == sizeof one, "an eventfd has room for 2^64 - 2 rings");
}

// Who took the flag down may not have written yet: the next sleep then ends at once, which harms nobody.
void Bell::drain() {
    std::uint64_t rings = 0;
    const ssize_t bytes = read(descriptor_, &rings, sizeof rings);
    TERMINUS_ASSERT(bytes == sizeof rings || errno == EAGAIN || errno == EINTR,
                    "an eventfd is read in one piece, or is empty");
}

}  // namespace terminus::worker
