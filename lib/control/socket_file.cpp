#include "control/socket_file.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

namespace terminus::control {
namespace {

using Fault = std::optional<std::string>;

std::string with_errno(const std::string& what) {
    return what + ": " + std::strerror(errno);
}

Fault check_directory(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
        return with_errno("cannot make " + directory.string());
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) return with_errno("cannot look at " + directory.string());
    if (!S_ISDIR(status.st_mode)) return directory.string() + " is not a directory";
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        return directory.string() + " belongs to neither root nor us: its owner could replace the socket";
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return directory.string() + " can be written to by others, who could replace the socket (chmod go-w)";
    }
    return std::nullopt;
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());  // the length was checked against sun_path
    return address;
}

/// Whether somebody accepts connections on the socket.
bool is_answered(const std::string& path) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return true;  // not known: the safe side
    const sockaddr_un address = address_of(path);
    const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::close(probe);
    return result == 0 || error != ECONNREFUSED;
}

Fault remove_stale(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Fault() : with_errno("cannot look at " + path);
    }
    if (!S_ISSOCK(status.st_mode)) return path + " is there and is not a socket";
    if (is_answered(path)) return "another daemon answers on " + path;
    if (::unlink(path.c_str()) != 0) return with_errno("cannot remove the stale socket " + path);
    return std::nullopt;
}

Fault set_owner(const config::Admin& admin) {
    if (!admin.group.empty()) {
        errno = 0;
        const group* found = ::getgrnam(admin.group.c_str());
        if (found == nullptr) return "there is no group " + admin.group + " (admin.group)";
        if (::chown(admin.socket.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) {
            return with_errno("cannot give " + admin.socket + " to group " + admin.group);
        }
    }
    if (::chmod(admin.socket.c_str(), admin.mode) != 0)
        return with_errno("cannot set the mode of " + admin.socket);
    return std::nullopt;
}

}  // namespace

SocketFile::~SocketFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::exchange(other.path_, {})) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

base::Result<SocketFile, std::string> SocketFile::open(const config::Admin& admin) {
    const auto failure = [](const std::string& what) { return base::Failure{"admin socket: " + what}; };
    const std::string& path = admin.socket;
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return failure(path + " is too long for a socket's path");
    if (Fault fault = check_directory(std::filesystem::path(path).parent_path())) return failure(*fault);
    if (Fault fault = remove_stale(path)) return failure(*fault);

    SocketFile file;
    file.fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file.fd_ < 0) return failure(with_errno("cannot make a socket"));
    // On Linux the file gets the descriptor's mode: nobody can connect before group and mode are right.
    if (::fchmod(file.fd_, 0600) != 0) return failure(with_errno("cannot set the socket's mode"));
    const sockaddr_un address = address_of(path);
    if (::bind(file.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failure(with_errno("cannot make " + path));
    }
    file.path_ = path;
    if (Fault fault = set_owner(admin)) return failure(*fault);
    constexpr int kBacklog = 16;
    if (::listen(file.fd_, kBacklog) != 0) return failure(with_errno("cannot listen on " + path));
    return file;
}

int SocketFile::release() {
    return std::exchange(fd_, -1);
}

}  // namespace terminus::control
