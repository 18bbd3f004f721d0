#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/config.hpp"
#include "control/socket_file.hpp"

namespace terminus::control {

/// Who asks, as the kernel says.
struct Asker {
    uid_t user = static_cast<uid_t>(-1);
};

/// One command's answer, made piece by piece so that a listing of millions needs no memory.
class Answer : public std::enable_shared_from_this<Answer> {
 public:
    /// Lines that each end in a newline (may be none), and whether they were the last.
    using Deliver = std::function<void(std::string lines, bool last)>;

    Answer() = default;
    virtual ~Answer() = default;
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    /// Calls `deliver` once, now or later on the control thread. Called again only after that, and not after
    /// the last.
    virtual void next(Deliver deliver) = 0;
};

/// An answer that is known at once.
class TextAnswer : public Answer {
 public:
    explicit TextAnswer(std::string lines) : lines_(std::move(lines)) {}
    void next(Deliver deliver) override { deliver(std::move(lines_), true); }

 private:
    std::string lines_;
};

/// {"error": what}, as a line.
[[nodiscard]] std::string error_line(std::string_view what);

/// The admin socket: each line in is a request (JSON), each answer is lines (JSON), the last of them
/// {"done":true}. A connection may send any number of requests, one after the other. All that a client can
/// take is bounded.
class AdminServer {
 public:
    static constexpr std::size_t kConnectionsMax = 16;  // people and their scripts
    static constexpr std::size_t kRequestBytesMax =
        64 << 10;  // the longest sensible one is a tenth of a percent of it
    /// For a request to arrive, and for a piece of an answer to be taken.
    static constexpr std::chrono::seconds kPatience{10};

    /// Makes the answer to one request, which is any line. Never null.
    using Handle = std::function<std::shared_ptr<Answer>(std::string_view request, const Asker& asker)>;

    AdminServer(boost::asio::io_context& io, Handle handle, std::chrono::nanoseconds patience = kPatience);
    ~AdminServer();

    [[nodiscard]] base::Result<void, std::string> listen(const config::Admin& admin);
    /// Closes the socket and removes its file; answers under way go on.
    void stop();

    [[nodiscard]] std::size_t connections() const;

 private:
    struct Shared;
    class Session;

    void accept();
    void accept_later();

    std::shared_ptr<Shared> shared_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    boost::asio::steady_timer retry_;
    SocketFile file_;
};

}  // namespace terminus::control
