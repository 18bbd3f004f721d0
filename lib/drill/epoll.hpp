#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "drill/call.hpp"
#include "drill/socket.hpp"

namespace terminus::drill {

/// An epoll instance: what it watches, and the list of what may be ready, in the order in which it became so.
struct Epoll {
    struct Interest {
        Fd fd = -1;
        SocketId socket = 0;
        std::uint32_t events = 0;  ///< EPOLLIN, …, EPOLLET, EPOLLONESHOT
        std::uint64_t data = 0;
        bool is_listed = false;    ///< in `ready`
        bool is_disabled = false;  ///< a one-shot that has been reported
    };

    bool is_used = false;
    std::vector<Interest> interests;
    std::deque<Fd> ready;

    [[nodiscard]] Interest* find(Fd fd) {
        for (Interest& interest : interests) {
            if (interest.fd == fd) return &interest;
        }
        return nullptr;
    }
    void list(Interest& interest) {
        if (interest.is_listed || interest.is_disabled) return;
        interest.is_listed = true;
        ready.push_back(interest.fd);
    }
    void forget(Fd fd);
};

}  // namespace terminus::drill
