#include "replay/backend_host.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "packet/frame_access.hpp"
#include "replay/frame_bytes.hpp"
#include "sim/frame_copy.hpp"
#include "sim/gateway.hpp"
#include "sim/memory_port.hpp"
#include "support/node.hpp"
#include "support/pool.hpp"
#include "support/scripted_app.hpp"
#include "wire/frame.hpp"

namespace terminus::replay {
namespace {

using namespace std::chrono_literals;
using capture::RecordedConversation;
using capture::ResponseStep;
using terminus::test::Flow;
using terminus::test::Script;
using terminus::test::ScriptedApp;

constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);
const wire::IpAddress kOurs = wire::IpAddress::v4(192, 0, 2, 2);
const wire::Endpoint kBackend{wire::IpAddress::v4(198, 51, 100, 10), 8080};

base::Bytes bytes_of_text(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

stack::Buffers buffers() {
    return {terminus::test::pool(), terminus::test::pool(), terminus::test::indirect_pool(), 512};
}

stack::Settings client_settings() {
    stack::Settings settings;
    settings.connections_max = settings.half_open_max = settings.time_wait_max = 16;
    settings.buffers = buffers();
    settings.local_addresses = {kOurs};
    settings.interfaces = {{.port = 0, .mac = {{2, 0, 0, 0, 0, 9}}, .addresses = {{kOurs, 24}}}};
    settings.routes = {{{wire::IpAddress::v4(0u), 0}, std::nullopt, 0}};
    settings.steering.emplace_back();
    return settings;
}

/// What stands where Terminus does, and the backends, with nothing between them.
class World {
 public:
    World()
        : host_({.listen = {kBackend}, .buffers = buffers()}, kStart),
          port_({.mac = {{2, 0, 0, 0, 0, 9}}, .capabilities = sim::MemoryPort::plain()}),
          node_(client_settings(), {&port_}, app_, kStart) {}

    Flow& connect(Script script, std::uint16_t to = kBackend.port) {
        node_.stack().begin_turn(now_);
        return app_.connect(node_.stack(), tuple(to), 0, std::move(script));
    }
    /// After a change of the flow's script.
    void act(Flow& flow) {
        node_.stack().begin_turn(now_);
        app_.act(node_.stack(), flow);
    }
    /// The connection's name as the backends see it.
    [[nodiscard]] static wire::FourTuple name() { return {kBackend, tuple(kBackend.port).local}; }

    void run(base::Duration span) {
        for (const base::Instant end = now_ + span; now_ < end; now_ += 100us) {
            node_.turn(now_);
            while (const auto frame = port_.take_transmitted()) {
                const auto heard = sim::Gateway::hear(*frame);
                if (!heard.answer.empty()) arrive(heard.answer);
                if (!heard.packet.empty()) to_host(bytes_of(*frame));
            }
            host_.turn(now_);
            while (const auto frame = host_.take_sent())
                arrive(*frame);
        }
    }

    [[nodiscard]] base::Instant now() const { return now_; }
    [[nodiscard]] BackendHost& host() { return host_; }
    bool refuses = false;

 private:
    static wire::FourTuple tuple(std::uint16_t to) { return {{kOurs, 40000}, {kBackend.address, to}}; }
    void arrive(const std::vector<std::uint8_t>& frame) {
        packet::Buffer copy = sim::copy_bytes(frame, terminus::test::pool(), 0);
        packet::set_destination_mac(copy, port_.mac());
        port_.arrive(std::move(copy));
    }
    void to_host(const std::vector<std::uint8_t>& frame) {
        const wire::Frame header = wire::parse_frame(frame, static_cast<std::uint32_t>(frame.size())).value();
        const auto segment = wire::parse_tcp(base::Bytes(frame).subspan(header.l4_offset), header.l4_length);
        if (refuses && segment.value().flags.syn()) return host_.refuse(name(), segment.value());
        REQUIRE(host_.arrive(frame));
    }

    base::Instant now_ = kStart;
    BackendHost host_;
    sim::MemoryPort port_;
    ScriptedApp app_;
    terminus::test::Node<ScriptedApp> node_;
};

/// The texts outlive it.
RecordedConversation conversation(std::string_view request, std::string_view response,
                                  std::vector<ResponseStep> steps) {
    RecordedConversation recorded;
    recorded.request = capture::RecordedStream({{0, bytes_of_text(request)}}, {}, request.size());
    recorded.response = capture::RecordedStream({{0, bytes_of_text(response)}}, {}, response.size());
    recorded.steps = std::move(steps);
    return recorded;
}

ResponseStep bytes_step(std::uint64_t after_received, base::Duration after, std::uint64_t begin,
                        std::uint64_t length) {
    ResponseStep step;
    step.after_received = after_received;
    step.after = after;
    step.begin = begin;
    step.length = length;
    return step;
}

TEST_CASE("a recorded server answers when it has what it waited for, after the time that it took") {
    World world;
    const std::string request = "GET / HTTP/1.1", response = "200 OK and the rest of it";
    ResponseStep fin;
    fin.kind = ResponseStep::Kind::Fin;
    fin.after_received = request.size();
    fin.after_client_fin = true;
    const RecordedConversation recorded =
        conversation(request, response,
                     {bytes_step(request.size(), 30ms, 0, 6), bytes_step(request.size(), 20ms, 6, 19), fin});
    ServerPart part(recorded);
    world.host().app().announce(World::name(), part);
    Flow& client = world.connect({.send = request.substr(0, 5)});
    world.run(100ms);
    CHECK(client.received.empty());
    CHECK(part.request.reached() == 5);
    client.script.send = request;
    world.act(client);
    world.run(29ms);
    CHECK(client.received.empty());
    world.run(2ms);
    CHECK(client.received == "200 OK");
    world.run(18ms);
    CHECK(client.received == "200 OK");
    world.run(2ms);
    CHECK(client.received == response);
    CHECK(part.request.is_whole());
    CHECK(part.given == response.size());
    CHECK_FALSE(client.peer_finished);
    client.script.finish_when_sent = true;
    world.act(client);
    world.run(10ms);
    CHECK(client.peer_finished);
    CHECK(part.closed == stats::CloseReason::Normal);
    CHECK(world.host().app().strangers() == 0);
}

TEST_CASE("a response beyond what the connection takes at once goes on as there is room") {
    World world;
    std::string response(3'000'000, '\0');
    for (std::size_t i = 0; i < response.size(); ++i)
        response[i] = static_cast<char>(i % 251);
    const RecordedConversation recorded =
        conversation("", response, {bytes_step(0, 0ms, 0, response.size())});
    ServerPart part(recorded);
    world.host().app().announce(World::name(), part);
    Flow& client = world.connect({});
    world.run(5s);
    CHECK(client.received == response);
}

TEST_CASE("a recorded server resets where it did") {
    World world;
    ResponseStep reset;
    reset.kind = ResponseStep::Kind::Reset;
    reset.after_received = 3;
    const RecordedConversation recorded = conversation("GET", "", {reset});
    ServerPart part(recorded);
    world.host().app().announce(World::name(), part);
    Flow& client = world.connect({.send = "GET"});
    world.run(10ms);
    CHECK(client.closed == stats::CloseReason::ResetReceived);
    CHECK(part.request.is_whole());
}

TEST_CASE("a connection that was not announced is accepted and closed in order") {
    World world;
    Flow& client = world.connect({.send = "who are you", .finish_when_peer_finished = true});
    world.run(10ms);
    CHECK(client.closed == stats::CloseReason::Normal);
    CHECK(world.host().app().strangers() == 1);
}

TEST_CASE("a refusal is a RST, by hand as from a port where nobody listens") {
    World world;
    world.refuses = GENERATE(false, true);
    Flow& client = world.connect({}, world.refuses ? kBackend.port : std::uint16_t{81});
    world.run(10ms);
    CHECK(client.closed == stats::CloseReason::Refused);
    CHECK_FALSE(client.is_established);
}

}  // namespace
}  // namespace terminus::replay
