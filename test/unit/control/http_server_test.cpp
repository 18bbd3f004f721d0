#include "control/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch.hpp>
#include <memory>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using control::HttpServer;

namespace {

struct Setup {
    explicit Setup(std::chrono::nanoseconds patience = 10s)
        : server(io, {[] { return std::string("a_metric 1\n"); }, [this] { return ready; }}, patience) {
        REQUIRE(server.listen({wire::IpAddress::v4(127, 0, 0, 1), 0}).ok());
    }
    int connect() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(server.port());
        REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        return fd;
    }
    /// The whole answer to a request on a connection that the server closes after it.
    std::string ask(const std::string& request) {
        Client client(connect());
        client.send(request);
        CHECK(run_until(io, [&] { return !client.receive(); }));
        return client.received;
    }
    std::string get(const std::string& path, const std::string& method = "GET") {
        return ask(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }

    boost::asio::io_context io;
    bool ready = true;
    HttpServer server;
};

bool begins(const std::string& text, const std::string& with) {
    return text.rfind(with, 0) == 0;
}
std::string body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("/metrics is the text with its content type") {
    Setup s;
    const std::string answer = s.get("/metrics");
    CHECK(begins(answer, "HTTP/1.1 200 OK\r\n"));
    CHECK(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
    CHECK(body(answer) == "a_metric 1\n");
    CHECK(body(s.get("/metrics?collect=all")) == "a_metric 1\n");
}

TEST_CASE("/readyz says 503 as soon as it is not ready, /healthz goes on") {
    Setup s;
    CHECK(begins(s.get("/readyz"), "HTTP/1.1 200 "));
    s.ready = false;
    CHECK(begins(s.get("/readyz"), "HTTP/1.1 503 "));
    CHECK(begins(s.get("/healthz"), "HTTP/1.1 200 "));
}

TEST_CASE("other paths are 404 and other methods 405") {
    Setup s;
    CHECK(begins(s.get("/"), "HTTP/1.1 404 "));
    CHECK(begins(s.get("/metricsx"), "HTTP/1.1 404 "));
    const std::string answer = s.get("/metrics", "POST");
    CHECK(begins(answer, "HTTP/1.1 405 "));
    CHECK(answer.find("Allow: GET, HEAD\r\n") != std::string::npos);
}

TEST_CASE("HEAD has the length and no body") {
    Setup s;
    const std::string answer = s.get("/metrics", "HEAD");
    CHECK(begins(answer, "HTTP/1.1 200 "));
    CHECK(answer.find("Content-Length: 11\r\n") != std::string::npos);
    CHECK(body(answer).empty());
}

TEST_CASE("a connection serves one request after the other") {
    Setup s;
    Client client(s.connect());
    for (int i = 0; i < 3; ++i) {
        client.received.clear();
        client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        REQUIRE(run_until(s.io, [&] { return client.has("ok\n"); }));
    }
    CHECK(s.server.connections() == 1);
    client.close();
    CHECK(run_until(s.io, [&] { return s.server.connections() == 0; }));
}

// HARDENING 31
TEST_CASE("malformed and oversized requests are answered with an error") {
    Setup s;
    CHECK(begins(s.ask("nonsense\r\n\r\n"), "HTTP/1.1 400 "));
    CHECK(begins(s.ask("GET /metrics HTTP/9.9\r\n\r\n"), "HTTP/1.1 400 "));
    CHECK(begins(
        s.ask("GET /metrics HTTP/1.1\r\nX: " + std::string(HttpServer::kHeaderBytesMax, 'x') + "\r\n\r\n"),
        "HTTP/1.1 431 "));
    CHECK(begins(s.ask("GET /metrics HTTP/1.1\r\nContent-Length: 1025\r\n\r\n"), "HTTP/1.1 413 "));
    CHECK(begins(s.ask("GET /metrics HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"),
                 "HTTP/1.1 200 "));
}

TEST_CASE("a client that is slow with its request is cut off") {
    Setup s(20ms);
    Client client(s.connect());
    client.send("GET /met");
    CHECK(run_until(s.io, [&] { return !client.receive(); }));
    CHECK(client.received.empty());
    CHECK(run_until(s.io, [&] { return s.server.connections() == 0; }));
}

TEST_CASE("connections are capped, and one over the cap is closed at once") {
    Setup s;
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < HttpServer::kConnectionsMax; ++i)
        clients.push_back(std::make_unique<Client>(s.connect()));
    REQUIRE(run_until(s.io, [&] { return s.server.connections() == HttpServer::kConnectionsMax; }));
    Client over(s.connect());
    CHECK(run_until(s.io, [&] { return !over.receive(); }));
    CHECK(s.server.connections() == HttpServer::kConnectionsMax);
    clients.pop_back();
    REQUIRE(run_until(s.io, [&] { return s.server.connections() < HttpServer::kConnectionsMax; }));
    CHECK(begins(s.get("/healthz"), "HTTP/1.1 200 "));
}

TEST_CASE("a port that is taken is reported") {
    Setup s;
    boost::asio::io_context io;
    HttpServer second(io, {});
    const auto listening = second.listen({wire::IpAddress::v4(127, 0, 0, 1), s.server.port()});
    REQUIRE_FALSE(listening.ok());
    CHECK(listening.error().find("cannot listen on 127.0.0.1:") == 0);
}
