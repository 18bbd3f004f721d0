#include "link.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <time.h>

#include <stdexcept>

#include "capture/writer.hpp"

namespace terminus::differential {
namespace {

base::Instant instant(const timespec& time) {
    return base::Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

base::Instant clock_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return instant(now);
}

Link::Link(const std::string& interface) : socket_(interface) {
    // The first question only turns the stamps on.
    timespec none{};
    ioctl(socket_.descriptor(), SIOCGSTAMPNS, &none);
}

std::optional<Link::Heard> Link::receive() {
    const std::optional<relay::Frame> frame = socket_.receive();
    if (!frame) return std::nullopt;
    timespec stamp{};
    const bool is_stamped = ioctl(socket_.descriptor(), SIOCGSTAMPNS, &stamp) == 0;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(frame->data());
    Heard heard{is_stamped ? instant(stamp) : clock_now(), {bytes, bytes + frame->size()}};
    frames_.emplace(heard.at, heard.frame);
    return heard;
}

void Link::send(base::Bytes frame) {
    const auto* bytes = reinterpret_cast<const std::byte*>(frame.data());
    // Before: the peer may answer while we are still sending.
    frames_.emplace(clock_now(), std::vector<std::uint8_t>(frame.begin(), frame.end()));
    if (!socket_.send({bytes, bytes + frame.size()}))
        throw std::runtime_error("the interface's queue is full");
}

void Link::write(const std::string& path) const {
    auto created = capture::Writer::create(path);
    if (!created) throw std::runtime_error(created.error());
    capture::Writer& writer = created.value();
    for (const auto& [at, frame] : frames_) {
        writer.begin(at.time_since_epoch(), static_cast<std::uint32_t>(frame.size()));
        writer.add(frame);
    }
    if (const auto closed = writer.close(); !closed) throw std::runtime_error(closed.error());
}

}  // namespace terminus::differential
