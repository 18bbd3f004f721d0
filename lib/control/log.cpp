#include "control/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace terminus::control {
namespace {

spdlog::level::level_enum level_of(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::Trace:
            return spdlog::level::trace;
        case config::LogLevel::Debug:
            return spdlog::level::debug;
        case config::LogLevel::Info:
            return spdlog::level::info;
        case config::LogLevel::Warning:
            return spdlog::level::warn;
        case config::LogLevel::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

void start_log(config::LogLevel level) {
    auto logger =
        std::make_shared<spdlog::logger>("terminusd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger->flush_on(spdlog::level::trace);  // stderr is not buffered; a crash must not eat the last lines
    spdlog::set_default_logger(std::move(logger));
    set_log_level(level);
}

void set_log_level(config::LogLevel level) {
    spdlog::set_level(level_of(level));
}

}  // namespace terminus::control
