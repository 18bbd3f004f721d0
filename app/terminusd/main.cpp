#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "config/load.hpp"
#include "daemon.hpp"
#include "doctor.hpp"

int main(int argc, char** argv) {
    const terminus::app::Arguments arguments = terminus::app::parse_arguments(argc, argv);
    // A new machine may have no configuration yet, and can be looked at already.
    if (arguments.doctor && !arguments.has_config && !std::filesystem::exists(arguments.config))
        return terminus::app::run_doctor(arguments, nullptr);
    std::string text;
    auto loaded = terminus::config::load(arguments.config, &text);
    if (!loaded) {
        for (const terminus::config::ConfigError& error : loaded.error()) {
            std::fprintf(stderr, "%s\n", error.to_string().c_str());
        }
        std::fprintf(stderr, "%s: %zu error%s\n", arguments.config.c_str(), loaded.error().size(),
                     loaded.error().size() == 1 ? "" : "s");
        return 1;
    }
    if (arguments.check) {
        std::printf("%s: OK\n", arguments.config.c_str());
        return 0;
    }
    if (arguments.doctor) return terminus::app::run_doctor(arguments, &loaded.value());
    return terminus::app::run_daemon(arguments, std::move(loaded).value(), text);
}
