#include "dpdk/thread.hpp"

#include <rte_lcore.h>

namespace terminus::dpdk {

RegisteredThread::RegisteredThread() : registered_(rte_thread_register() == 0) {}

RegisteredThread::~RegisteredThread() {
    if (registered_) rte_thread_unregister();
}

}  // namespace terminus::dpdk
