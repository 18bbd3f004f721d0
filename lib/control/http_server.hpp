#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"

namespace terminus::control {

/// What the HTTP server is asked for.
struct HttpPages {
    std::function<std::string()> metrics;  ///< the text of /metrics
    std::function<bool()> ready;           ///< /readyz: 200 or 503
};

/// /metrics, /healthz and /readyz for Prometheus and load balancers, on the control thread's io_context. Read
/// only; every resource a client can take is bounded (HARDENING 31).
class HttpServer {
 public:
    static constexpr std::size_t kConnectionsMax = 64;    // scrapers and health checks are few
    static constexpr std::size_t kHeaderBytesMax = 8192;  // what nginx and Apache allow
    static constexpr std::size_t kBodyBytesMax = 1024;    // no request here has a body
    /// For a whole request to arrive, and for an answer to be taken.
    static constexpr std::chrono::seconds kPatience{10};

    HttpServer(boost::asio::io_context& io, HttpPages pages, std::chrono::nanoseconds patience = kPatience);
    ~HttpServer();

    /// Listens and begins to accept. The error says what the system refused.
    [[nodiscard]] base::Result<void, std::string> listen(const wire::Endpoint& where);
    /// Where it listens: the port that the system chose for port 0.
    [[nodiscard]] std::uint16_t port() const;
    void stop();

    [[nodiscard]] std::size_t connections() const;

 private:
    struct Shared;
    class Session;

    void accept();
    void accept_later();

    std::shared_ptr<Shared> shared_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer retry_;
};

}  // namespace terminus::control
