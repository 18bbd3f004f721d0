#include "privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace terminus::app {

std::vector<std::string> drop_privileges() {
    std::vector<std::string> done;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        done.push_back(std::string("no_new_privs could not be set: ") + std::strerror(errno));
    }
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, sets) != 0) {
        done.push_back(std::string("capabilities could not be read: ") + std::strerror(errno));
        return done;
    }
    std::uint32_t kept = 0;
    for (std::size_t word = 0; word < _LINUX_CAPABILITY_U32S_3; ++word) {
        const std::uint32_t keep = word == CAP_TO_INDEX(CAP_NET_ADMIN) ? CAP_TO_MASK(CAP_NET_ADMIN) : 0u;
        sets[word].permitted &= keep;
        sets[word].effective &= keep;
        sets[word].inheritable = 0;
        kept |= sets[word].permitted;
    }
    // Per thread, and inherited by those that are started from now on: the workers.
    if (syscall(SYS_capset, &header, sets) != 0) {
        done.push_back(std::string("capabilities could not be dropped: ") + std::strerror(errno));
        return done;
    }
    done.push_back(kept != 0 ? "privileges dropped: CAP_NET_ADMIN stays, for closing ports"
                             : "privileges dropped: no capability stays");
    return done;
}

}  // namespace terminus::app
