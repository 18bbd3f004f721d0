#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "packet/port.hpp"
#include "sim/memory_port.hpp"
#include "support/node.hpp"
#include "support/scripted_app.hpp"

namespace terminus::test {

/// A port with a host behind it, made of the same stack, that lives on the thread of the worker which polls
/// the port: receive() is the host's turn. Time is the process's clock.
class PeerPort : public packet::Port {
 public:
    /// The host has the address `own`; its network's prefix length is 24.
    PeerPort(wire::MacAddress port_mac, wire::MacAddress host_mac, wire::IpAddress own, std::uint64_t seed);

    void receive(packet::Batch& into) override;
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override { return true; }

 protected:
    /// Before each of the host's turns.
    virtual void act(base::Instant now) = 0;
    [[nodiscard]] ScriptedApp& app() { return app_; }
    [[nodiscard]] stack::Stack<ScriptedApp>& stack() { return node_.stack(); }
    [[nodiscard]] const wire::IpAddress& own() const { return own_; }

 private:
    wire::IpAddress own_;
    sim::MemoryPort host_port_;
    ScriptedApp app_;
    Node<ScriptedApp> node_;
};

/// Sends each connection as many bytes as its request asks for, and closes after the client.
class BackendPort final : public PeerPort {
 public:
    static constexpr std::size_t kRequestBytes = 300;
    static constexpr std::size_t kResponseBytes = 12'000;

    BackendPort(wire::MacAddress port_mac, wire::MacAddress host_mac, wire::IpAddress own,
                std::uint16_t port);
    [[nodiscard]] static const std::string& response();

 private:
    void act(base::Instant) override {}
};

/// Clients one after the other, a few at a time: a request, the whole response, and the end.
class ClientPort final : public PeerPort {
 public:
    ClientPort(wire::MacAddress port_mac, wire::MacAddress host_mac, wire::IpAddress own,
               wire::Endpoint service);

    // ---- any thread

    /// Clients up to this one may come.
    void allow(std::uint32_t clients) { allowed_.store(clients, std::memory_order_relaxed); }
    /// Clients that have ended, in whatever way.
    [[nodiscard]] std::uint32_t ended() const { return ended_.load(std::memory_order_relaxed); }
    /// Those of them that got the whole response and an orderly close.
    [[nodiscard]] std::uint32_t served() const { return served_.load(std::memory_order_relaxed); }

 private:
    static constexpr std::size_t kOpenMax = 48;
    static constexpr std::uint16_t kFirstPort = 10'000;

    void act(base::Instant now) override;

    wire::Endpoint service_;
    std::vector<Flow*> open_;
    std::uint32_t begun_ = 0;
    std::atomic<std::uint32_t> allowed_{0};
    std::atomic<std::uint32_t> ended_{0};
    std::atomic<std::uint32_t> served_{0};
};

}  // namespace terminus::test
