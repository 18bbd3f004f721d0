#include "control/admin_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <nlohmann/json.hpp>
#include <utility>

namespace terminus::control {
namespace {
using local = boost::asio::local::stream_protocol;
using boost::system::error_code;
constexpr const char* kDone = "{\"done\":true}\n";

Asker asker_at(local::socket& socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    const int done = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return done == 0 ? Asker{peer.uid} : Asker{};
}
}  // namespace

std::string error_line(std::string_view what) {
    // What a client sent may be quoted here and need not be text.
    return nlohmann::json{{"error", what}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
           "\n";
}

struct AdminServer::Shared {
    Handle handle;
    std::chrono::nanoseconds patience;
    std::size_t connections = 0;
};

/// One client's connection, alive as long as an operation of it is.
class AdminServer::Session : public std::enable_shared_from_this<Session> {
 public:
    Session(local::socket&& socket, std::shared_ptr<Shared> shared)
        : asker_(asker_at(socket)), stream_(std::move(socket)), shared_(std::move(shared)) {
        ++shared_->connections;
    }
    ~Session() { --shared_->connections; }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void read() {
        stream_.expires_after(shared_->patience);
        boost::asio::async_read_until(stream_, boost::asio::dynamic_buffer(input_, kRequestBytesMax), '\n',
                                      [self = shared_from_this()](const error_code& error, std::size_t size) {
                                          self->was_read(error, size);
                                      });
    }

 private:
    void was_read(const error_code& error, std::size_t size) {
        if (error == boost::asio::error::not_found) {
            return write(
                error_line("the request is longer than " + std::to_string(kRequestBytesMax) + " bytes"), true,
                /*then_close=*/true);
        }
        if (error) return;  // closed, or too slow
        const std::string line = input_.substr(0, size - 1);
        input_.erase(0, size);
        answer_ = shared_->handle(line, asker_);
        proceed();
    }

    void proceed() {
        answer_->next([self = shared_from_this()](std::string lines, bool last) {
            self->write(std::move(lines), last, false);
        });
    }

    void write(std::string lines, bool last, bool then_close) {
        output_ = std::move(lines);
        if (last) output_ += kDone;
        stream_.expires_after(shared_->patience);
        boost::asio::async_write(
            stream_, boost::asio::buffer(output_),
            [self = shared_from_this(), last, then_close](const error_code& error, std::size_t) {
                if (error) return;
                if (then_close) return self->linger();
                if (!last) return self->proceed();
                self->answer_.reset();
                self->read();
            });
    }

    /// Takes what the client still sends, for a while: closing on unread bytes could cost it the answer.
    void linger() {
        error_code ignored;
        stream_.socket().shutdown(local::socket::shutdown_send, ignored);
        stream_.expires_after(std::min<std::chrono::nanoseconds>(shared_->patience, kLinger));
        discard();
    }

    void discard() {
        input_.resize(kRequestBytesMax);
        stream_.async_read_some(boost::asio::buffer(input_),
                                [self = shared_from_this()](const error_code& error, std::size_t) {
                                    if (!error) self->discard();
                                });
    }

    static constexpr std::chrono::seconds kLinger{1};

    Asker asker_;
    boost::beast::basic_stream<local, boost::asio::any_io_executor> stream_;
    std::shared_ptr<Shared> shared_;
    std::string input_;
    std::string output_;
    std::shared_ptr<Answer> answer_;
};

AdminServer::AdminServer(boost::asio::io_context& io, Handle handle, std::chrono::nanoseconds patience)
    : shared_(std::make_shared<Shared>(Shared{std::move(handle), patience, 0})), acceptor_(io), retry_(io) {}

AdminServer::~AdminServer() {
    stop();
}

base::Result<void, std::string> AdminServer::listen(const config::Admin& admin) {
    auto file = SocketFile::open(admin);
    if (!file) return base::Failure{file.error()};
    file_ = std::move(file).value();
    error_code error;
    acceptor_.assign(local(), file_.release(), error);
    if (error) return base::Failure{"admin socket: " + error.message()};
    accept();
    return {};
}

void AdminServer::stop() {
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    file_ = SocketFile();
}

std::size_t AdminServer::connections() const {
    return shared_->connections;
}

void AdminServer::accept() {
    acceptor_.async_accept([this](const error_code& error, local::socket socket) {
        if (error == boost::asio::error::operation_aborted) return;
        if (error) return accept_later();
        if (shared_->connections < kConnectionsMax) {
            std::make_shared<Session>(std::move(socket), shared_)->read();
        } else {
            // One try without waiting: the client learns why, and can't hold us up.
            error_code ignored;
            socket.non_blocking(true, ignored);
            const std::string line = error_line("too many connections to the admin socket") + kDone;
            (void)socket.write_some(boost::asio::buffer(line), ignored);
        }
        accept();
    });
}

// Out of descriptors, say: trying again at once would spin.
void AdminServer::accept_later() {
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](const error_code& error) {
        if (!error && acceptor_.is_open()) accept();
    });
}

}  // namespace terminus::control
