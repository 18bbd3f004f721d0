#include "control/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <utility>

#include "config/load.hpp"

namespace terminus::control {

Supervisor::Supervisor(worker::Group& group, config::Config initial, Options options)
    : options_(std::move(options)),
      mailroom_(io_, group),
      runtime_(mailroom_, std::move(initial)),
      recording_(io_, mailroom_),
      ports_(mailroom_, runtime_),
      devices_(io_, mailroom_, runtime_.config().ports, [this] { facts_.ready = false; }),
      metrics_(group, runtime_.config(), facts_, &ports_),
      drain_(io_, mailroom_, group, [this](bool clean) { stopped(clean); }),
      commands_(mailroom_, runtime_, recording_, metrics_, facts_),
      admin_(io_, [this](std::string_view request,
                         const Asker& asker) { return commands_.handle(request, asker); }),
      http_(io_, {[this] { return to_text(metrics_.Collect()); }, [this] { return facts_.ready; }}),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      sample_timer_(io_) {
    runtime_.on_revision([this](const record::Revision& revision) { recording_.add(revision); });
    facts_.version = options_.version;
    facts_.start_time_seconds =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

base::Result<void, std::string> Supervisor::start() {
    const config::Config& config = runtime_.config();
    if (auto listening = admin_.listen(config.admin); !listening) return listening;
    if (auto listening = http_.listen(config.metrics.listen); !listening) return listening;
    spdlog::info("admin socket {}, metrics on http://{}:{}/metrics", config.admin.socket,
                 config.metrics.listen.address.is_v4()
                     ? config.metrics.listen.address.to_string()
                     : "[" + config.metrics.listen.address.to_string() + "]",
                 http_.port());
    await_signal();
    sample_later();
    devices_.start();
    runtime_.start([this] {
        if (drain_.phase() != Drain::Phase::Serving) return;  // told to end before all workers were up
        if (!devices_.has_all()) return;
        facts_.ready = true;
        spdlog::info("ready: {} workers, {} services", runtime_.workers(),
                     runtime_.services().services().size());
    });
    return {};
}

void Supervisor::set_ports(ReadPorts read) {
    metrics_.set_ports(read);
    read_ports_ = std::move(read);
}

int Supervisor::run() {
    io_.run();
    return exit_code_;
}

void Supervisor::terminate() {
    facts_.ready = false;
    if (drain_.phase() == Drain::Phase::Serving) {
        drain_.begin(runtime_.config().drain);
    } else {
        spdlog::info("drain: told again to end; not waiting any longer");
        drain_.hurry();
    }
}

void Supervisor::reload() {
    if (drain_.phase() != Drain::Phase::Serving) {
        spdlog::warn("reload: not while draining");
        return;
    }
    spdlog::info("reload: reading {}", options_.config_path);
    std::string text;
    const auto loaded = config::load(options_.config_path, &text);
    if (!loaded) {
        for (const config::ConfigError& error : loaded.error())
            spdlog::error("reload: {}", error.to_string());
        spdlog::error("reload: the running configuration stays; errors: {}", loaded.error().size());
        ++facts_.reloads_refused;
        return;
    }
    const auto applied = runtime_.apply(
        loaded.value(),
        [this] {
            ++facts_.reloads_applied;
            spdlog::info("reload: in force on all workers");
        },
        text);
    if (!applied) {
        spdlog::error("reload: {}; the running configuration stays", applied.error());
        ++facts_.reloads_refused;
    }
}

void Supervisor::await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        if (signal == SIGHUP) {
            reload();
        } else {
            terminate();
        }
        await_signal();
    });
}

void Supervisor::sample_later() {
    sample_timer_.expires_after(std::chrono::seconds(1));
    sample_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        metrics_.sample();
        watch_links();
        if (drain_.phase() == Drain::Phase::Serving) ports_.sample();
        sample_later();
    });
}

void Supervisor::watch_links() {
    if (!read_ports_) return;
    for (const LinkWatch::Change& change : links_.look(read_ports_())) {
        if (change.is_up) {
            spdlog::info("port {}: the link is up", change.port);
        } else {
            spdlog::warn("port {}: the link is down; nothing is sent or received there", change.port);
        }
    }
}

void Supervisor::stopped(bool clean) {
    spdlog::info("drain: over");
    exit_code_ = clean ? 0 : 1;
    if (clean) recording_.workers_stopped();  // otherwise one may still use its recorder
    admin_.stop();
    http_.stop();
    signals_.cancel();
    sample_timer_.cancel();
    devices_.stop();
    io_.stop();  // clients that are still being answered are cut off: the process ends
}

}  // namespace terminus::control
