#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <utility>

#include "common/command_line.hpp"
#include "exit_codes.hpp"
#include "load/numbers.hpp"

namespace terminus::app {
namespace {

using load::ClosesFirst;
using load::Scenario;

constexpr const char* kAbout =
    "Plays clients and backends over DPDK ports and says what came of it. EAL options, if any, come first "
    "and\n"
    "end with --. Exit code 0: nothing failed; 1: something did, or did not end; 2: nothing could be run.\n"
    "  terminus-load --port 0000:01:00.0 --port 0000:01:00.1 --clients 10.0.1.10-10.0.1.20\n"
    "      --target 10.0.1.80:80 --listen 10.0.2.11:8080 --sources 10.0.2.100 --rate 100000\n"
    "Without a NIC, on memif, whose other ends (role=server) are terminusd's ports:\n"
    "  terminus-load --port net_memif0,role=client,id=0,socket=/tmp/wire0,socket-abstract=no\n"
    "      --port net_memif1,role=client,id=1,socket=/tmp/wire1,socket-abstract=no --clients ... --mode "
    "requests\n"
    "What the device itself carries, to compare it with (--compare-reflector): --role reflector at one end "
    "and\n"
    "--role probe --json FILE at the other.";

/// What is text on the command line and more than that behind it.
struct Words {
    std::string clients, client_ports, target, gateway, client_answers;
    std::string listen, sources, source_ports, backend_answers;
    std::vector<std::string> tolerated;
    bool no_verify = false;
    bool exchanges_given = false;
};

template <typename Enum>
CLI::CheckedTransformer one_of(const std::map<std::string, Enum>& names) {
    return CLI::CheckedTransformer(names);
}

void declare_ends(CLI::App& app, Arguments& arguments, Words& words) {
    app.add_option("--role", arguments.role, "client, backend, both, probe or reflector (both)")
        ->transform(one_of<Role>({{"client", Role::Client},
                                  {"backend", Role::Backend},
                                  {"both", Role::Both},
                                  {"probe", Role::Probe},
                                  {"reflector", Role::Reflector}}))
        ->type_name("ROLE");
    app.add_option("--port", arguments.ports,
                   "a PCI address or a vdev string, as in terminusd's configuration; for both roles the "
                   "client's and\nthe backend's, or one that they share")
        ->required()
        ->allow_extra_args(false);
    app.add_option("--clients", words.clients, "the clients' addresses: A or A-B");
    app.add_option("--client-ports", words.client_ports, "their ports (1024-65535)");
    app.add_option("--target", words.target, "where they connect to: ADDRESS:PORT");
    app.add_option("--gateway", words.gateway,
                   "whom their frames go to; else the target itself is asked for");
    app.add_option("--client-answers", words.client_answers,
                   "one more address to answer for on the client's port: the other side's gateway to the "
                   "clients");
    app.add_option("--listen", words.listen, "the backends: ADDRESS:PORT, either part may be a range");
    app.add_option("--sources", words.sources, "who may connect to them: A or A-B");
    app.add_option("--source-ports", words.source_ports, "from which ports (1024-65535)");
    app.add_option("--backend-answers", words.backend_answers, "as --client-answers, on the backend's port");
}

void declare_work(CLI::App& app, Arguments& arguments, Words& words) {
    app.add_option("--mode", arguments.scenario, "connects, requests, bulk or idle (connects)")
        ->transform(one_of<Scenario>({{"connects", Scenario::Connects},
                                      {"requests", Scenario::Requests},
                                      {"bulk", Scenario::Bulk},
                                      {"idle", Scenario::Idle}}))
        ->type_name("MODE");
    app.add_option("--close", arguments.closes_first, "who closes first: client or backend (client)")
        ->transform(one_of<ClosesFirst>({{"client", ClosesFirst::Client}, {"backend", ClosesFirst::Backend}}))
        ->type_name("WHO");
    app.add_option("--direction", arguments.direction, "of bulk text: up, down or both (up)")
        ->transform(
            one_of<Direction>({{"up", Direction::Up}, {"down", Direction::Down}, {"both", Direction::Both}}))
        ->type_name("WAY");
    app.add_option("--request-bytes", arguments.request_bytes, "text of a request, or of a probe")
        ->check(CLI::Range(0u, 1'000'000'000u))
        ->capture_default_str();
    app.add_option("--response-bytes", arguments.response_bytes, "text of a response")
        ->check(CLI::Range(0u, 1'000'000'000u))
        ->capture_default_str();
    app.add_option("--exchanges", arguments.exchanges,
                   "requests after which a connection closes; 0: never (1; with --mode requests 0)")
        ->each([&words](const std::string&) { words.exchanges_given = true; });
    app.add_option("--concurrency", arguments.concurrency, "connections (or probes) at once, at most")
        ->check(CLI::Range(1u, 1u << 27))
        ->capture_default_str();
    app.add_option(
           "--rate", arguments.rate,
           "connections a second, or with --mode requests requests: an open loop; 0: the next when one "
           "is done")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
        ->capture_default_str();
    app.add_option(
           "--count", arguments.count,
           "connections, requests (or probes) in all, with --mode bulk 10^6 bytes: when they are done, the "
           "run ends\nbefore --duration; the warm-up's are among them")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000'000}))
        ->capture_default_str();
    app.add_flag("--separate-acks", arguments.separate_acks,
                 "acknowledge in frames of their own, as kernels do");
    app.add_flag("--no-verify", words.no_verify, "believe all checksums");
}

void declare_run(CLI::App& app, Arguments& arguments, Words& words) {
    const CLI::Range seconds(0.0, 86'400.0);
    app.add_option("--duration", arguments.duration_seconds,
                   "seconds that are measured; 0 of a backend or a reflector: until it is stopped")
        ->check(seconds)
        ->capture_default_str();
    app.add_option("--warm-up", arguments.warm_up_seconds, "seconds before them")
        ->check(seconds)
        ->capture_default_str();
    app.add_option("--grace", arguments.grace_seconds,
                   "seconds for links and next hops to answer, and at the end for connections to close")
        ->check(seconds)
        ->capture_default_str();
    app.add_option("--resend", arguments.resend_seconds, "seconds before anything is sent again")
        ->check(CLI::Range(0.001, 100.0))
        ->capture_default_str();
    app.add_option("--idle", arguments.idle, "poll, or nap where CPUs are shared (poll)")
        ->transform(one_of<Idle>({{"poll", Idle::Poll}, {"nap", Idle::Nap}}))
        ->type_name("HOW");
    app.add_option("--descriptors", arguments.descriptors, "of each queue")
        ->check(CLI::Range(64, 16384))
        ->capture_default_str();
    app.add_option("--mtu", arguments.mtu, "of the ports")
        ->check(CLI::Range(576, 1500))
        ->capture_default_str();
    app.add_option("--tolerate", words.tolerated, "kinds of failure that don't count, separated by commas")
        ->delimiter(',')
        ->check(CLI::IsMember(std::set<std::string>(load::kFailureNames.begin(), load::kFailureNames.end())));
    app.add_option("--json", arguments.json, "the report, into this file, too");
    app.add_option("--compare-reflector", arguments.reflector,
                   "the --json of a run with --role probe against a reflector on the same device");
    app.set_version_flag("--version", "terminus-load " TERMINUS_VERSION);
}

template <typename T>
T taken(const std::string& option, base::Result<T, std::string> parsed) {
    if (!parsed) throw CLI::ValidationError(option, parsed.error());
    return parsed.value();
}

std::optional<wire::IpAddress> address_of(const std::string& option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    const auto address = wire::IpAddress::parse(text);
    if (!address) throw CLI::ValidationError(option, "'" + text + "' is no address");
    return address;
}

void require(const std::string& option, const std::string& text, const char* who) {
    if (text.empty()) throw CLI::ValidationError(option, std::string("is needed for ") + who);
}

void require_family(const char* option, const wire::IpAddress& address, const wire::IpAddress& other,
                    const char* whose) {
    if (address.is_v4() != other.is_v4())
        throw CLI::ValidationError(option, std::string("is not of the same family as ") + whose);
}

void require_size(const char* option, std::uint64_t addresses, std::uint64_t ports, std::uint64_t others) {
    if (addresses * ports * others > load::AddressMap::kSizeMax)
        throw CLI::ValidationError(option, "there are more than 2^27 connections in these ranges");
}

void take_client(const Words& words, Arguments& arguments) {
    const char* who = arguments.role == Role::Probe ? "a probe" : "a client";
    require("--clients", words.clients, who);
    require("--target", words.target, who);
    arguments.clients = taken("--clients", parse_addresses(words.clients));
    if (!words.client_ports.empty())
        arguments.client_ports = taken("--client-ports", parse_ports(words.client_ports));
    arguments.target = taken("--target", parse_endpoints(words.target));
    if (arguments.target->addresses.count > 1 || arguments.target->ports.count > 1)
        throw CLI::ValidationError("--target", "there is one target only");
    arguments.gateway = address_of("--gateway", words.gateway);
    arguments.client_answers = address_of("--client-answers", words.client_answers);
    const wire::IpAddress& first = arguments.clients.first;
    require_family("--target", arguments.target->addresses.first, first, "--clients");
    if (arguments.gateway) require_family("--gateway", *arguments.gateway, first, "--clients");
    require_size("--clients", arguments.clients.count, arguments.client_ports.count, 1);
}

void take_backend(const Words& words, Arguments& arguments) {
    require("--listen", words.listen, "a backend");
    require("--sources", words.sources, "a backend");
    arguments.listen = taken("--listen", parse_endpoints(words.listen));
    arguments.sources = taken("--sources", parse_addresses(words.sources));
    if (!words.source_ports.empty())
        arguments.source_ports = taken("--source-ports", parse_ports(words.source_ports));
    arguments.backend_answers = address_of("--backend-answers", words.backend_answers);
    require_family("--sources", arguments.sources.first, arguments.listen->addresses.first, "--listen");
    require_size("--sources",
                 std::uint64_t{arguments.listen->addresses.count} * arguments.listen->ports.count,
                 arguments.source_ports.count, arguments.sources.count);
}

void take_work(const Words& words, Arguments& arguments) {
    const bool is_kept = arguments.scenario != Scenario::Connects;
    if (!words.exchanges_given && is_kept) arguments.exchanges = 0;
    if (!is_kept && arguments.exchanges == 0)
        throw CLI::ValidationError("--exchanges", "connections of --mode connects close after at least one");
    if (arguments.scenario == Scenario::Bulk) {
        if (arguments.direction != Direction::Down) arguments.request_bytes = load::kEndless;
        arguments.response_bytes = arguments.direction == Direction::Up ? 0 : load::kEndless;
        if (arguments.request_bytes == 0)
            throw CLI::ValidationError("--request-bytes", "text that comes down has to be asked for");
    }
    if (arguments.closes_first == ClosesFirst::Backend && arguments.exchanges == 0)
        throw CLI::ValidationError("--close",
                                   "a backend closes after some --exchanges, and there is no number");
    const std::uint32_t most = load::mss_of(arguments.mtu, arguments.clients.first.is_v4());
    if (arguments.role == Role::Probe && arguments.request_bytes > most)
        throw CLI::ValidationError("--request-bytes", "a probe has room for " + std::to_string(most));
    if (arguments.speaks_first() && arguments.duration_seconds <= 0)
        throw CLI::ValidationError("--duration", "nothing can be measured in no time");
    if (!arguments.reflector.empty() && !arguments.has_client())
        throw CLI::ValidationError("--compare-reflector", "is for a client's figures");
}

void check_ports(const Arguments& arguments) {
    const std::size_t most = arguments.role == Role::Both ? 2 : 1;
    if (arguments.ports.size() > most)
        throw CLI::ValidationError("--port",
                                   most == 1 ? "this role has one port" : "there are two ports at most");
    if (arguments.ports.size() == 2 && arguments.ports[0] == arguments.ports[1])
        throw CLI::ValidationError("--port", "a port that both share is named once");
}

}  // namespace

Arguments parse_arguments(int argc, char** argv) {
    CommandLine line(argc, argv);
    Arguments arguments;
    Words words;
    arguments.eal = std::move(line.eal);
    CLI::App app(kAbout, "terminus-load");
    declare_ends(app, arguments, words);
    declare_work(app, arguments, words);
    declare_run(app, arguments, words);
    try {
        app.parse(line.own_reversed);
        check_ports(arguments);
        if (arguments.speaks_first()) take_client(words, arguments);
        if (arguments.has_backend()) take_backend(words, arguments);
        take_work(words, arguments);
        arguments.verifies = !words.no_verify;
        arguments.tolerated.insert(words.tolerated.begin(), words.tolerated.end());
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? kClean : kCannotRun);  // help and version are no errors
    }
    return arguments;
}

}  // namespace terminus::app
