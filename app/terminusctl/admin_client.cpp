#include "admin_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace terminusctl {
namespace {

/// Longer than any answer of a living daemon takes to go on.
constexpr timeval kPatience{15, 0};
/// Longer than any line of an answer.
constexpr std::size_t kLineBytesMax = 1 << 20;

std::string advice(int error) {
    if (error == ENOENT || error == ECONNREFUSED) return "; is terminusd running?";
    if (error == EACCES) return "; the socket is for root and its group (admin.group)";
    return "";
}

}  // namespace

AdminClient::AdminClient(const std::string& socket_path)
    : path_(socket_path), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (fd_ < 0) throw Fault(std::string("cannot make a socket: ") + std::strerror(errno));
    if (path_.size() >= sizeof address.sun_path) {
        ::close(fd_);
        throw Fault(path_ + " is too long for a socket's path");
    }
    std::memcpy(address.sun_path, path_.data(), path_.size());
    (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    (void)::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        ::close(fd_);
        throw Fault("cannot connect to " + path_ + ": " + std::strerror(error) + advice(error));
    }
}

AdminClient::~AdminClient() {
    ::close(fd_);
}

void AdminClient::ask(const std::string& command, const nlohmann::json& options,
                      const std::function<void(const nlohmann::json&)>& take) {
    const std::string request = nlohmann::json{{"command", command}, {"options", options}}.dump() + "\n";
    std::size_t sent = 0;
    while (sent < request.size()) {
        const ssize_t count = ::send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        // A daemon that refuses us (too many connections) has said why before it closed: that is read below.
        if (count < 0) break;
        sent += static_cast<std::size_t>(count);
    }
    while (true) {
        const nlohmann::json line = nlohmann::json::parse(read_line(), nullptr, /*allow_exceptions=*/false);
        if (!line.is_object())
            throw Fault("terminusd at " + path_ + " answered something that is not its language");
        if (line.contains("done")) return;
        if (line.contains("error"))
            throw Fault(line["error"].is_string() ? line["error"].get<std::string>() : "?");
        take(line);
    }
}

std::string AdminClient::read_line() {
    while (true) {
        const std::size_t end = input_.find('\n');
        if (end != std::string::npos) {
            std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            return line;
        }
        if (input_.size() > kLineBytesMax) throw Fault("terminusd at " + path_ + " sent an endless line");
        char buffer[65536];
        const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
        if (count < 0 && errno == EINTR) {
            interrupted_();
            continue;
        }
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            throw Fault("terminusd at " + path_ + " does not answer");
        }
        if (count < 0) throw Fault("cannot read from " + path_ + ": " + std::strerror(errno));
        if (count == 0)
            throw Fault("terminusd at " + path_ + " closed the connection before its answer was over");
        input_.append(buffer, static_cast<std::size_t>(count));
    }
}

}  // namespace terminusctl
