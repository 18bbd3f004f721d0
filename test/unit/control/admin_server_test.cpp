#include "control/admin_server.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "control/admin_commands.hpp"
#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using control::AdminServer;

namespace {

using Json = nlohmann::json;

/// The whole of the admin side over two fake workers.
struct Setup {
    explicit Setup(std::chrono::nanoseconds patience = 10s)
        : server(
              io,
              [this](std::string_view line, const control::Asker& asker) {
                  return commands.handle(line, asker);
              },
              patience) {
        REQUIRE(server.listen(runtime.config().admin).ok());
        record::Head head;
        head.workers = 2;
        head.ports.resize(1);
        recording.set_head(head);
    }
    /// The answer's lines without the last, which is {"done":true}.
    std::vector<Json> ask(const std::string& request) {
        Client client(connect_unix(runtime.config().admin.socket));
        return ask(client, request);
    }
    std::vector<Json> ask(Client& client, const std::string& request) {
        client.received.clear();
        client.send(request + "\n");
        const std::string done = "{\"done\":true}\n";
        REQUIRE(run_until(
            io, [&] { return client.has(done); }, [&] { workers.serve(); }));
        std::vector<Json> lines;
        std::istringstream in(client.received);
        for (std::string line; std::getline(in, line);)
            lines.push_back(Json::parse(line));
        CHECK(lines.back() == Json{{"done", true}});
        lines.pop_back();
        return lines;
    }
    std::string error(const std::string& request) {
        const auto lines = ask(request);
        REQUIRE(lines.size() == 1);
        return lines[0].value("error", "no error");
    }

    TempDirectory dir;
    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    control::Runtime runtime{mailroom, config_of(config_text(dir.path()))};
    control::ProcessFacts facts{"1.2.3"};
    control::Metrics metrics{workers.group, runtime.config(), facts};
    control::Recording recording{io, mailroom};
    control::AdminCommands commands{mailroom, runtime, recording, metrics, facts};
    AdminServer server;
};

}  // namespace

TEST_CASE("version and help answer") {
    Setup s;
    CHECK(s.ask(R"({"command":"version"})") == std::vector<Json>{{{"version", "1.2.3"}}});
    const auto help = s.ask(R"({"command":"help","options":{}})");
    REQUIRE(help.size() == 6);
    CHECK(help[0]["command"] == "ss");
}

TEST_CASE("ss streams the connections of all workers") {
    Setup s;
    s.workers.rows[0].resize(300);
    s.workers.rows[1].resize(5);
    for (auto& rows : s.workers.rows) {
        for (auto& row : rows)
            row.state = tcp::State::Established;
    }
    CHECK(s.ask(R"({"command":"ss"})").size() == 306);
    CHECK(s.ask(R"({"command":"ss","options":{"state":"established"}})").size() == 305);
    CHECK(s.ask(R"({"command":"ss","options":{"state":"listening"}})").size() == 1);
    CHECK(s.ask(R"({"command":"ss","options":{"leg":"backend"}})").empty());
    CHECK(s.error(R"({"command":"ss","options":{"leg":"left"}})") == "a leg is `client` or `backend`");
    CHECK(s.error(R"({"command":"ss","options":{"state":"odd"}})").find("there is no state `odd`") == 0);
}

TEST_CASE("stats are the metrics' values as JSON") {
    Setup s;
    s.workers.group.mailbox(1).stats().half_open.set(7);
    for (const Json& line : s.ask(R"({"command":"stats"})")) {
        if (line["name"] == "terminus_half_open_connections") CHECK(line["value"] == 7);
        if (line["name"] == "terminus_build_info") CHECK(line["labels"]["version"] == "1.2.3");
    }
}

TEST_CASE("sysctl lists, shows and sets tunables") {
    Setup s;
    CHECK(s.ask(R"({"command":"sysctl"})").size() == config::list_tunables(config::Tcp{}).size());
    CHECK(s.ask(R"({"command":"sysctl","options":{"name":"tcp_fin_timeout"}})").at(0)["value"] == "60s");
    CHECK(s.ask(R"({"command":"sysctl","options":{"name":"fin_timeout","value":"30s"}})").at(0)["value"] ==
          "30s");
    CHECK(s.workers.tunables[1].fin_timeout == 30s);
    CHECK(s.error(R"({"command":"sysctl","options":{"name":"fin_timeout","value":"30"}})") ==
          "fin_timeout: `30` has no unit; did you mean `30s`?");
    CHECK(s.error(R"({"command":"sysctl","options":{"value":"30"}})") == "`value` needs a `name`");
    CHECK(s.error(R"({"command":"sysctl","options":{"name":"fack"}})") == "`fack` is not in this version");
}

TEST_CASE("one connection may ask again and again") {
    Setup s;
    Client client(connect_unix(s.runtime.config().admin.socket));
    for (int i = 0; i < 5; ++i)
        CHECK(s.ask(client, R"({"command":"version"})").size() == 1);
    CHECK(s.server.connections() == 1);
    client.close();
    CHECK(run_until(s.io, [&] { return s.server.connections() == 0; }));
}

TEST_CASE("requests that arrive together are answered in order") {
    Setup s;
    Client client(connect_unix(s.runtime.config().admin.socket));
    client.send("{\"command\":\"version\"}\n{\"command\":\"nothing\"}\n");
    REQUIRE(run_until(
        s.io, [&] { return client.has("there is no command") && client.received.ends_with("true}\n"); }));
    CHECK(client.received.find("1.2.3") < client.received.find("there is no command"));
}

// HARDENING 31
TEST_CASE("malformed requests are answered by an error") {
    Setup s;
    CHECK(s.error("hello").find("the request is not JSON: ") == 0);
    CHECK(s.error("").find("the request is not JSON: ") == 0);
    CHECK(s.error("\xff\xfe\x01").find("the request is not JSON: ") == 0);
    CHECK(s.error("[]").find("a request is ") == 0);
    CHECK(s.error("{}").find("a request is ") == 0);
    CHECK(s.error(R"({"command":5})").find("a request is ") == 0);
    CHECK(s.error(R"({"command":"rm"})") == "there is no command `rm`; see `help`");
    CHECK(s.error(R"({"command":"ss","options":[]})") == "`options` is not an object");
    CHECK(s.error(R"({"command":"ss","options":{"color":"x"}})") == "`ss` has no option `color`");
    CHECK(s.error(R"({"command":"ss","options":{"leg":5}})") == "option `leg` is not a string");
    CHECK(s.error(std::string(50'000, '[')).find("the request is not JSON: ") == 0);
}

TEST_CASE("a request of the greatest length is read and one byte more is refused") {
    Setup s;
    const std::string command = R"({"command":"version"})";
    const std::string longest =
        command + std::string(AdminServer::kRequestBytesMax - command.size() - 1, ' ');
    CHECK(s.ask(longest).size() == 1);
    CHECK(s.error(longest + " ") == "the request is longer than 65536 bytes");
}

TEST_CASE("a client that sends far too much still gets its error") {
    Setup s;
    Client client(connect_unix(s.runtime.config().admin.socket));
    const std::string megabyte(1 << 20, 'x');
    std::size_t sent = 0;
    CHECK(run_until(
        s.io, [&] { return !client.receive(); },
        [&] {
            if (sent < megabyte.size()) sent += client.send(megabyte.substr(sent, 32768));
        }));
    CHECK(client.received.find("the request is longer than 65536 bytes") != std::string::npos);
    CHECK(sent > AdminServer::kRequestBytesMax);
}

TEST_CASE("a client that is slow to ask or to take the answer is cut off") {
    Setup s(20ms);
    SECTION("to ask") {
        Client client(connect_unix(s.runtime.config().admin.socket));
        client.send("{\"command\":");
        CHECK(run_until(s.io, [&] { return !client.receive(); }));
    }
    SECTION("to take") {
        s.workers.rows[0].resize(100'000);
        Client client(connect_unix(s.runtime.config().admin.socket));
        client.send("{\"command\":\"ss\"}\n");
        REQUIRE(run_until(
            s.io, [&] { return s.workers.pages > 0; }, [&] { s.workers.serve(); }));
        CHECK(run_until(
            s.io, [&] { return s.server.connections() == 0; }, [&] { s.workers.serve(); }));
        CHECK(s.workers.pages < 100);  // nobody read, so the rest was not even asked for
    }
    CHECK(run_until(s.io, [&] { return s.server.connections() == 0; }));
}

TEST_CASE("connections are capped, and one over the cap learns why") {
    Setup s;
    const std::string path = s.runtime.config().admin.socket;
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < AdminServer::kConnectionsMax; ++i) {
        clients.push_back(std::make_unique<Client>(connect_unix(path)));
        REQUIRE(run_until(s.io, [&] { return s.server.connections() == i + 1; }));
    }
    Client over(connect_unix(path));
    CHECK(run_until(s.io, [&] { return !over.receive(); }));
    CHECK(over.received.find("too many connections") != std::string::npos);
    CHECK(s.server.connections() == AdminServer::kConnectionsMax);
}

TEST_CASE("the socket's file is gone after stop") {
    Setup s;
    REQUIRE(std::filesystem::exists(s.runtime.config().admin.socket));
    s.server.stop();
    CHECK_FALSE(std::filesystem::exists(s.runtime.config().admin.socket));
}

TEST_CASE("a capture tells how it goes until it is stopped, and leaves a recording") {
    Setup s;
    const std::string file = s.dir.file("one.rec");
    CHECK(s.ask(R"({"command":"capture"})").at(0)["state"] == "none");
    Client asker(connect_unix(s.runtime.config().admin.socket));
    asker.send(R"({"command":"capture","options":{"file":")" + file + "\"}}\n");
    REQUIRE(run_until(
        s.io, [&] { return asker.has("begun"); }, [&] { s.workers.serve(); }));
    const Json begun = Json::parse(asker.received.substr(0, asker.received.find('\n')));
    CHECK(begun["state"] == "begun");
    CHECK(begun["file"] == file);
    CHECK(begun["connections"] == 0);
    CHECK(begun["pause_ms"] == 2.0);
    CHECK(s.ask(R"({"command":"capture"})").at(0)["state"] == "running");
    CHECK(s.error(R"({"command":"capture","options":{"file":"/other.rec"}})") ==
          "there is a recording already, into " + file);
    const auto stopped = s.ask(R"({"command":"capture","options":{"stop":"yes"}})");
    REQUIRE(stopped.size() == 1);
    CHECK(stopped[0]["state"] == "ended");
    CHECK(stopped[0]["why"] == "it was told to end");
    CHECK(stopped[0]["bytes"] == std::filesystem::file_size(file));
    REQUIRE(run_until(s.io, [&] { return asker.has("{\"done\":true}\n"); }));
    CHECK(asker.has("it was told to end"));
}

TEST_CASE("a capture ends when its asker is gone, unless it is detached") {
    Setup s;
    const bool is_detached = GENERATE(false, true);
    const std::string request = R"({"command":"capture","options":{"file":")" + s.dir.file("one.rec") + '"' +
                                (is_detached ? R"(,"detach":"yes"}})" : "}}") + '\n';
    {
        Client asker(connect_unix(s.runtime.config().admin.socket));
        asker.send(request);
        REQUIRE(run_until(
            s.io, [&] { return asker.has("begun"); }, [&] { s.workers.serve(); }));
        CHECK(asker.has("{\"done\":true}\n") == is_detached);
    }
    if (is_detached) {
        s.io.restart();
        s.io.run_for(3 * control::Recording::kLook);
        CHECK(s.recording.state() == control::Recording::State::Running);
        CHECK(s.ask(R"({"command":"capture","options":{"stop":"yes"}})").at(0)["state"] == "ended");
    } else {
        REQUIRE(run_until(
            s.io, [&] { return s.recording.state() == control::Recording::State::Ended; },
            [&] { s.workers.serve(); }));
        CHECK(s.recording.why() == "who had asked for it is gone");
    }
}

TEST_CASE("a capture that is asked for wrongly is refused in words") {
    Setup s;
    const auto refused = [&](const std::string& options) {
        return s.error(R"({"command":"capture","options":{)" + options + "}}");
    };
    CHECK(refused(R"("file":"one.rec")") == "`one.rec` is not an absolute path, and `file` must be one");
    CHECK(refused(R"("file":"/x.rec","limit":"much")").find("`limit`: `much`") == 0);
    CHECK(refused(R"("file":"/x.rec","for":"30")") == "`for`: `30` has no unit; did you mean `30s`?");
    CHECK(refused(R"("limit":"5")") == "a recording needs a `file`");
    CHECK(refused(R"("file":"/x.rec","stop":"yes")") == "`stop` comes alone");
    CHECK(refused(R"("stop":"yes")") == "nothing is being recorded");
    CHECK(refused(R"("file":"/none/at/all.rec")").find("cannot create /none/at/all.rec: No such file") !=
          std::string::npos);
    CHECK(s.recording.number() == 0);
}

TEST_CASE("a capture is for root and the daemon's user; others may look at it") {
    Setup s;
    const auto ask = [&](uid_t user, const std::string& request) {
        std::string lines;
        const auto answer = s.commands.handle(request, {user});
        answer->next([&](std::string text, bool) { lines = std::move(text); });
        return lines;
    };
    const uid_t other = ::geteuid() + 1;
    CHECK(ask(other, R"({"command":"capture","options":{"file":"/none/x.rec"}})").find("only root and") !=
          std::string::npos);
    CHECK(
        ask(::geteuid(), R"({"command":"capture","options":{"file":"/none/x.rec"}})").find("cannot create") !=
        std::string::npos);
    CHECK(ask(0, R"({"command":"capture","options":{"file":"/none/x.rec"}})").find("cannot create") !=
          std::string::npos);
    CHECK(ask(other, R"({"command":"capture"})").find("none") != std::string::npos);
}
