#include "control/admin_commands.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "config/sysctl.hpp"
#include "control/capture_command.hpp"
#include "control/connection_listing.hpp"

namespace terminus::control {

using nlohmann::json;
using nlohmann::ordered_json;

/// A request that was checked: a known command with options that it has, all of them text.
struct AdminCommands::Request {
    std::string command;
    std::map<std::string, std::string> options;

    [[nodiscard]] std::optional<std::string> option(const std::string& name) const {
        const auto found = options.find(name);
        return found == options.end() ? std::nullopt : std::optional(found->second);
    }
};

namespace {

struct Command {
    const char* name;
    std::vector<std::string> options;
    const char* help;
};

const std::vector<Command>& commands() {
    static const std::vector<Command> all{
        {"ss", {"state", "leg", "service"}, "connections of all workers, and the listeners"},
        {"stats", {}, "counters and gauges, as on /metrics"},
        {"sysctl", {"name", "value"}, "the TCP tunables; with a name that one, with a value it is set"},
        {"capture",
         {"file", "limit", "for", "connections_max", "detach", "stop"},
         "how the recording is; with a file one begins, which `stop` ends"},
        {"version", {}, "the version of terminusd"},
        {"help", {}, "this list"},
    };
    return all;
}

/// Deeper than any request; the parser's own recursion must not be the limit.
constexpr int kDepthMax = 8;

std::shared_ptr<Answer> text(std::string lines) {
    return std::make_shared<TextAnswer>(std::move(lines));
}
std::shared_ptr<Answer> error(std::string_view what) {
    return text(error_line(what));
}

ordered_json describe(const config::TunableText& tunable) {
    return {{"name", tunable.name},
            {"value", tunable.value},
            {"default", tunable.fresh},
            {"range", tunable.range},
            {"help", tunable.help}};
}

/// The answer to a change: there when all workers have it.
class TunableAnswer : public Answer {
 public:
    TunableAnswer(Runtime& runtime, std::string name, std::string value)
        : runtime_(runtime), name_(std::move(name)), value_(std::move(value)) {}

    void next(Deliver deliver) override {
        runtime_.set_tunable(
            name_, value_,
            [deliver = std::move(deliver)](const base::Result<config::TunableText, std::string>& set) {
                deliver(set ? describe(set.value()).dump() + "\n" : error_line(set.error()), true);
            });
    }

 private:
    Runtime& runtime_;
    std::string name_;
    std::string value_;
};

}  // namespace

AdminCommands::AdminCommands(Mailroom& mailroom, Runtime& runtime, Recording& recording,
                             const Metrics& metrics, const ProcessFacts& facts)
    : mailroom_(mailroom), runtime_(runtime), recording_(recording), metrics_(metrics), facts_(facts) {}

std::shared_ptr<Answer> AdminCommands::handle(std::string_view line, const Asker& asker) {
    const auto too_deep = [](int depth, json::parse_event_t, json&) {
        if (depth > kDepthMax) throw std::length_error("nested too deeply");
        return true;
    };
    json parsed;
    try {
        parsed = json::parse(line, too_deep);
    } catch (const std::exception& fault) {
        return error(std::string("the request is not JSON: ") + fault.what());
    }
    if (!parsed.is_object() || !parsed.contains("command") || !parsed["command"].is_string()) {
        return error("a request is {\"command\": NAME, \"options\": {…}}");
    }
    Request request{parsed["command"].get<std::string>(), {}};
    const auto command = std::find_if(commands().begin(), commands().end(),
                                      [&](const Command& one) { return one.name == request.command; });
    if (command == commands().end())
        return error("there is no command `" + request.command + "`; see `help`");

    const json options = parsed.value("options", json::object());
    if (!options.is_object()) return error("`options` is not an object");
    for (const auto& [name, value] : options.items()) {
        if (std::find(command->options.begin(), command->options.end(), name) == command->options.end()) {
            return error("`" + request.command + "` has no option `" + name + "`");
        }
        if (!value.is_string()) return error("option `" + name + "` is not a string");
        request.options[name] = value.get<std::string>();
    }
    if (request.command == "ss") return ss(request);
    if (request.command == "stats") return stats(request);
    if (request.command == "sysctl") return sysctl(request);
    if (request.command == "capture") return capture(request, asker);
    if (request.command == "version") return version(request);
    return help(request);
}

std::shared_ptr<Answer> AdminCommands::ss(const Request& request) {
    ListingFilter filter;
    const auto states = states_of(request.option("state").value_or("all"));
    if (!states) return error(states.error());
    filter.states = states.value();
    if (const auto leg = request.option("leg")) {
        if (*leg != "client" && *leg != "backend") return error("a leg is `client` or `backend`");
        filter.leg = *leg == "client" ? stats::Leg::Client : stats::Leg::Backend;
    }
    filter.service = request.option("service").value_or("");
    return std::make_shared<ConnectionListing>(mailroom_, runtime_.directory(), runtime_.services(), filter);
}

std::shared_ptr<Answer> AdminCommands::stats(const Request&) {
    std::string lines;
    for (const prometheus::MetricFamily& family : metrics_.Collect()) {
        const bool counts = family.type == prometheus::MetricType::Counter;
        for (const prometheus::ClientMetric& metric : family.metric) {
            const double value = counts ? metric.counter.value : metric.gauge.value;
            ordered_json labels = ordered_json::object();
            for (const auto& label : metric.label)
                labels[label.name] = label.value;
            lines += ordered_json{{"name", family.name},
                                  {"type", counts ? "counter" : "gauge"},
                                  {"labels", labels},
                                  // JSON has no infinity; this is Prometheus's word.
                                  {"value", std::isinf(value) ? ordered_json("+Inf") : ordered_json(value)}}
                         .dump() +
                     "\n";
        }
    }
    return text(std::move(lines));
}

std::shared_ptr<Answer> AdminCommands::sysctl(const Request& request) {
    const config::Tcp& tcp = runtime_.config().tcp;
    const auto name = request.option("name");
    const auto value = request.option("value");
    if (!name && value) return error("`value` needs a `name`");
    if (name && value) return std::make_shared<TunableAnswer>(runtime_, *name, *value);
    if (name) {
        const auto found = config::get_tunable(tcp, *name);
        return found ? text(describe(found.value()).dump() + "\n") : error(found.error());
    }
    std::string lines;
    for (const config::TunableText& tunable : config::list_tunables(tcp))
        lines += describe(tunable).dump() + "\n";
    return text(std::move(lines));
}

std::shared_ptr<Answer> AdminCommands::capture(const Request& request, const Asker& asker) {
    auto wanted = capture_request(request.options);
    if (!wanted) return error(wanted.error());
    if (wanted.value().what == CaptureRequest::What::Begin && !may_capture(asker))
        return error("only root and terminusd's own user may begin a recording: it is a file of that user's");
    return capture_answer(recording_, runtime_, std::move(wanted).value());
}

std::shared_ptr<Answer> AdminCommands::version(const Request&) {
    return text(ordered_json{{"version", facts_.version}}.dump() + "\n");
}

std::shared_ptr<Answer> AdminCommands::help(const Request&) {
    std::string lines;
    for (const Command& command : commands()) {
        lines += ordered_json{{"command", command.name}, {"options", command.options}, {"help", command.help}}
                     .dump() +
                 "\n";
    }
    return text(std::move(lines));
}

}  // namespace terminus::control
