#include <cstdio>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "config/load.hpp"
#include "daemon.hpp"

int main(int argc, char** argv) {
    const terminus::app::Arguments arguments = terminus::app::parse_arguments(argc, argv);
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
    return terminus::app::run_daemon(arguments, std::move(loaded).value(), text);
}
