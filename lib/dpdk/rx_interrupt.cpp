#include "dpdk/rx_interrupt.hpp"

#include <fcntl.h>
#include <rte_ethdev.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace terminus::dpdk {
namespace {

// VFIO and software devices tell by an eventfd. Whatever else drivers give (an RDMA completion channel, a
// TAP) is not readable any more once they have dealt with it.
bool is_eventfd(int descriptor) {
    constexpr std::string_view kWanted = "anon_inode:[eventfd]";
    char target[64];
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t length = readlink(path.c_str(), target, sizeof target);
    return length > 0 && std::string_view(target, static_cast<std::size_t>(length)) == kWanted;
}

}  // namespace

RxInterrupt RxInterrupt::of(std::uint16_t port_id, std::uint16_t queue, bool is_readable_queue,
                            std::mutex& switching) {
    RxInterrupt made;
    made.port_id_ = port_id;
    made.queue_ = queue;
    if (!is_readable_queue) {
        if (rte_eth_dev_rx_intr_enable(port_id, queue) != 0) return {};
        static_cast<void>(rte_eth_dev_rx_intr_disable(port_id, queue));
        made.switching_ = &switching;
    }
    made.descriptor_ = rte_eth_dev_rx_intr_ctl_q_get_fd(port_id, queue);
    if (made.descriptor_ < 0) return {};
    made.is_counter_ = is_eventfd(made.descriptor_);
    if (made.is_counter_ && fcntl(made.descriptor_, F_SETFL, O_NONBLOCK) != 0) return {};
    return made;
}

bool RxInterrupt::enable() {
    if (is_counter_) {
        std::uint64_t told = 0;
        // Nothing to read is as good. What comes between this and the next line is still in the queue.
        if (read(descriptor_, &told, sizeof told) < 0) told = 0;
    }
    if (switching_ == nullptr) return descriptor_ >= 0;
    const std::lock_guard lock(*switching_);
    return rte_eth_dev_rx_intr_enable(port_id_, queue_) == 0;
}

void RxInterrupt::disable() {
    if (switching_ == nullptr) return;
    const std::lock_guard lock(*switching_);
    // mlx5 says so when nothing has been told; what can't be switched off costs a wake-up, no more.
    static_cast<void>(rte_eth_dev_rx_intr_disable(port_id_, queue_));
}

}  // namespace terminus::dpdk
