#include "control/runtime.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/assert.hpp"
#include "control/log.hpp"
#include "control/translate.hpp"

namespace terminus::control {
namespace {

/// Runs `done` at its second call.
std::function<void()> after_both(std::function<void()> done) {
    auto left = std::make_shared<int>(2);
    return [left, done = std::move(done)] {
        if (--*left == 0) done();
    };
}

}  // namespace

Runtime::Runtime(Mailroom& mailroom, config::Config initial)
    : mailroom_(mailroom),
      config_(std::move(initial)),
      time_wait_room_(config_.tcp.max_tw_buckets),
      half_open_room_(config_.tcp.max_syn_backlog) {
    auto table = directory_.build(config_);
    TERMINUS_ASSERT(table.ok(), "the limits of a configuration file are below the number of ids");
    tables_.push_back(std::move(table).value());
}

void Runtime::start(std::function<void()> ready) {
    const auto one_of_two = after_both(std::move(ready));
    send_tunables(one_of_two);
    send_services(one_of_two);
}

void Runtime::set_tunable(const std::string& name, const std::string& text, TunableDone done) {
    const auto before = config::get_tunable(config_.tcp, name);
    if (!before) return done(base::Failure{before.error()});
    const auto set = config::set_tunable(config_.tcp, name, text);
    if (!set) return done(base::Failure{set.error()});
    const auto after = config::get_tunable(config_.tcp, name);
    set_by_sysctl_[after.value().name] = after.value().value;
    spdlog::info("sysctl: {} set from {} to {}", after.value().name, before.value().value,
                 after.value().value);
    if (config_.tcp.max_tw_buckets > time_wait_room_ || config_.tcp.max_syn_backlog > half_open_room_) {
        spdlog::warn(
            "sysctl: room for {} TIME_WAITs and {} half-open connections was made at start; more need a "
            "restart",
            time_wait_room_, half_open_room_);
    }
    changed({after.value().name, text});
    send_tunables([done = std::move(done), result = after.value()] { done(result); });
}

base::Result<void, std::string> Runtime::apply(const config::Config& wanted, std::function<void()> done,
                                               const std::string& text) {
    changed({"", text});
    config::Config next = config::live_part(config_, wanted);
    auto table = directory_.build(next);
    if (!table) return base::Failure{table.error()};
    log_changes(wanted);
    log_overridden(wanted.tcp);
    config_ = std::move(next);
    applied_text_ = text;
    tables_.push_back(std::move(table).value());
    set_log_level(config_.log.level);
    const auto one_of_two = after_both(std::move(done));
    send_tunables(one_of_two);
    send_services(one_of_two);
    return {};
}

record::Past Runtime::past(base::Instant now) const {
    record::Past past{.began = now.time_since_epoch().count(),
                      .config = applied_text_,
                      .tunables = {},
                      .revision_count = revision_,
                      .directory = directory_.past()};
    for (const auto& [name, value] : set_by_sysctl_)
        past.tunables.push_back({name, value});
    return past;
}

void Runtime::changed(const record::Revision& revision) {
    ++revision_;
    hears_(revision);
}

void Runtime::send_tunables(std::function<void()> done) {
    const tcp::Tunables tunables = tunables_of(config_.tcp, workers());
    mailroom_.post_all(
        [&](std::uint32_t) {
            return worker::SetTunables{tunables, revision_};
        },
        std::move(done));
}

void Runtime::send_services(std::function<void()> done) {
    const proxy::ServiceTable* table = tables_.back().get();
    mailroom_.post_all([&](std::uint32_t) { return worker::SetServices{table}; },
                       [this, table, done = std::move(done)] {
                           // All workers use `table` or a newer one: nobody is left on those before it.
                           while (tables_.front()->version() < table->version())
                               tables_.pop_front();
                           done();
                       });
}

void Runtime::log_changes(const config::Config& wanted) const {
    for (const config::Change& change : config::diff(config_, wanted)) {
        if (change.needs_restart) {
            spdlog::warn("reload: {}: the running value stays", change.to_string());
        } else {
            spdlog::info("reload: {}", change.to_string());
        }
    }
    if (wanted.tcp.max_tw_buckets > time_wait_room_ || wanted.tcp.max_syn_backlog > half_open_room_) {
        spdlog::warn(
            "reload: room for {} TIME_WAITs and {} half-open connections was made at start; more need a "
            "restart",
            time_wait_room_, half_open_room_);
    }
}

void Runtime::log_overridden(const config::Tcp& wanted) {
    for (const auto& [name, value] : set_by_sysctl_) {
        const auto file = config::get_tunable(wanted, name);
        TERMINUS_ASSERT(file.ok(), "only tunables that exist can have been set");
        if (file.value().value == value) continue;
        spdlog::warn("reload: {} was set to {} by sysctl; the file's {} takes its place", name, value,
                     file.value().value);
    }
    set_by_sysctl_.clear();
}

}  // namespace terminus::control
