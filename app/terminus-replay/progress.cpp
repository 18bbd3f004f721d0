#include "progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace terminus::app {

Progress::Progress()
    : is_shown_(isatty(STDERR_FILENO) == 1), began_(std::chrono::steady_clock::now()), shown_(began_) {}

void Progress::stepped(std::uint64_t packets, base::Duration elapsed) {
    if (!is_shown_ || ++steps_ % kStepsBetween != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    std::fprintf(stderr, "\r%llu packets, %.3f s of virtual time, %.0f packets/s \033[K",
                 static_cast<unsigned long long>(packets), static_cast<double>(elapsed.count()) / 1e9,
                 static_cast<double>(packets) / seconds);
}

void Progress::end() const {
    if (is_shown_) std::fputs("\r\033[K", stderr);
}

}  // namespace terminus::app
