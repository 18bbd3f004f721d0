#pragma once

#include <string>

#include "base/result.hpp"
#include "config/config.hpp"

namespace terminus::control {

/// The admin socket's file: who may open it is decided by its mode and its directory's, so both are checked
/// before anything listens (HARDENING 31).
class SocketFile {
 public:
    SocketFile() = default;
    ~SocketFile();
    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&& other) noexcept;

    /// Binds and listens. The last directory of the path is made when it is missing (0755). Refused: a
    /// directory that others may write to (they could put a socket of their own in its place) or that is not
    /// ours or root's, a file there that is no socket, a socket that a running daemon answers on. A dead
    /// one's socket is removed.
    [[nodiscard]] static base::Result<SocketFile, std::string> open(const config::Admin& admin);

    /// The listening descriptor, given away; the file is still removed by this object.
    [[nodiscard]] int release();

 private:
    int fd_ = -1;
    std::string path_;
};

}  // namespace terminus::control
