#include "control/http_server.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

namespace terminus::control {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp_socket = boost::asio::ip::tcp;
using Response = http::response<http::string_body>;

boost::asio::ip::address address_of(const wire::IpAddress& address) {
    if (address.is_v4()) return boost::asio::ip::make_address_v4(address.v4_host_order());
    return boost::asio::ip::make_address_v6(address.bytes());
}

}  // namespace

struct HttpServer::Shared {
    HttpPages pages;
    std::chrono::nanoseconds patience;
    std::size_t connections = 0;
};

/// One client's connection, alive as long as an operation of it is.
class HttpServer::Session : public std::enable_shared_from_this<Session> {
 public:
    Session(tcp_socket::socket&& socket, std::shared_ptr<Shared> shared)
        : stream_(std::move(socket)), shared_(std::move(shared)) {
        ++shared_->connections;
    }
    ~Session() { --shared_->connections; }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void read() {
        parser_.emplace();
        parser_->header_limit(kHeaderBytesMax);
        parser_->body_limit(kBodyBytesMax);
        stream_.expires_after(shared_->patience);
        http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](beast::error_code error, std::size_t) { self->was_read(error); });
    }

 private:
    void was_read(beast::error_code error) {
        if (!error) return answer(parser_->get());
        Response response;
        response.version(11);
        response.keep_alive(false);
        if (error == http::error::header_limit) {
            response.result(http::status::request_header_fields_too_large);
        } else if (error == http::error::body_limit) {
            response.result(http::status::payload_too_large);
        } else if (error == http::error::end_of_stream || error.category() != bad_request_category()) {
            return;  // closed, timed out or broken: nobody is left to be told
        } else {
            response.result(http::status::bad_request);
        }
        fill(response, std::string(response.reason()) + "\n");
        write(std::move(response));
    }

    static const boost::system::error_category& bad_request_category() {
        static const beast::error_code any = http::error::bad_method;
        return any.category();
    }

    void answer(const http::request<http::string_body>& request) {
        Response response;
        response.version(request.version());
        response.keep_alive(request.keep_alive());
        const std::string path(request.target().substr(0, request.target().find('?')));
        const bool is_known = path == "/metrics" || path == "/healthz" || path == "/readyz";
        const bool is_head = request.method() == http::verb::head;
        std::string body;
        if (!is_known) {
            response.result(http::status::not_found);
            body = "there are /metrics, /healthz and /readyz\n";
        } else if (request.method() != http::verb::get && !is_head) {
            response.result(http::status::method_not_allowed);
            response.set(http::field::allow, "GET, HEAD");
            body = "GET and HEAD only\n";
        } else if (path == "/metrics") {
            response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
            body = shared_->pages.metrics();
        } else if (path == "/healthz") {
            body = "ok\n";
        } else if (shared_->pages.ready()) {
            body = "ready\n";
        } else {
            response.result(http::status::service_unavailable);
            body = "not ready\n";
        }
        fill(response, std::move(body));
        if (is_head) response.body().clear();  // Content-Length stays what GET would have
        write(std::move(response));
    }

    static void fill(Response& response, std::string body) {
        if (response.find(http::field::content_type) == response.end()) {
            response.set(http::field::content_type, "text/plain; charset=utf-8");
        }
        response.set(http::field::cache_control, "no-store");
        response.content_length(body.size());
        response.body() = std::move(body);
    }

    void write(Response&& response) {
        response_ = std::move(response);
        stream_.expires_after(shared_->patience);
        http::async_write(stream_, response_,
                          [self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (error) return;
                              if (self->response_.keep_alive()) return self->read();
                              beast::error_code ignored;
                              self->stream_.socket().shutdown(tcp_socket::socket::shutdown_send, ignored);
                              self->stream_.expires_after(
                                  std::min<std::chrono::nanoseconds>(self->shared_->patience, kLinger));
                              self->linger();
                          });
    }

    /// Takes what the client still sends: closing on unread bytes would be a RST, and the answer lost with
    /// it.
    void linger() {
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(kHeaderBytesMax),
                                [self = shared_from_this()](beast::error_code error, std::size_t) {
                                    if (!error) self->linger();
                                });
    }

    static constexpr std::chrono::seconds kLinger{1};

    beast::tcp_stream stream_;
    std::shared_ptr<Shared> shared_;
    beast::flat_buffer buffer_{kHeaderBytesMax + kBodyBytesMax};
    std::optional<http::request_parser<http::string_body>> parser_;
    Response response_;
};

HttpServer::HttpServer(boost::asio::io_context& io, HttpPages pages, std::chrono::nanoseconds patience)
    : shared_(std::make_shared<Shared>(Shared{std::move(pages), patience, 0})), acceptor_(io), retry_(io) {}

HttpServer::~HttpServer() {
    stop();
}

base::Result<void, std::string> HttpServer::listen(const wire::Endpoint& where) {
    try {
        const tcp_socket::endpoint endpoint(address_of(where.address), where.port);
        acceptor_.open(endpoint.protocol());
        acceptor_.set_option(tcp_socket::acceptor::reuse_address(true));
        acceptor_.bind(endpoint);
        acceptor_.listen();
    } catch (const std::exception& fault) {
        return base::Failure{"cannot listen on " + where.to_string() + " (metrics.listen): " + fault.what()};
    }
    if (!where.address.is_loopback()) {
        spdlog::warn("metrics: {} can be reached from the network, by everybody", where.to_string());
    }
    accept();
    return {};
}

std::uint16_t HttpServer::port() const {
    boost::system::error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
}

void HttpServer::stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
}

std::size_t HttpServer::connections() const {
    return shared_->connections;
}

void HttpServer::accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp_socket::socket socket) {
        if (error == boost::asio::error::operation_aborted) return;
        if (error) return accept_later();
        // Over the cap the connection is closed at once: waiting would let idle ones lock scrapers out.
        if (shared_->connections < kConnectionsMax)
            std::make_shared<Session>(std::move(socket), shared_)->read();
        accept();
    });
}

// Out of descriptors, say: trying again at once would spin.
void HttpServer::accept_later() {
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](const boost::system::error_code& error) {
        if (!error && acceptor_.is_open()) accept();
    });
}

}  // namespace terminus::control
