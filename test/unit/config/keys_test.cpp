#include "config/keys.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "config/load.hpp"
#include "config/reader.hpp"
#include "config/source_root.hpp"
#include "config/yaml.hpp"

using namespace terminus;
using namespace terminus::config;

namespace {

std::string source_file(const std::string& path) {
    return std::string(TERMINUS_SOURCE_ROOT) + "/" + path;
}

std::string read_text(const std::string& path) {
    std::ifstream in(source_file(path));
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// "ports[3].mtu" → "ports[].mtu"
std::string without_indices(const std::string& place) {
    std::string path;
    bool inside = false;
    for (const char c : place) {
        if (c == ']') inside = false;
        if (!inside) path += c;
        if (c == '[') inside = true;
    }
    return path;
}

}  // namespace

TEST_CASE("the reference file loads") {
    const auto result = load(source_file("config/terminus.yaml"));
    if (!result) {
        for (const ConfigError& error : result.error())
            UNSCOPED_INFO(error.to_string());
    }
    REQUIRE(result.ok());
    CHECK(result.value().ports.size() == 1);
}

TEST_CASE("every key of the table is in the reference file") {
    const std::string text = read_text("config/terminus.yaml");
    const Draft draft = read_draft(*yaml::parse(text));
    std::set<std::string> found;
    for (const auto& [place, mark] : draft.places)
        found.insert(without_indices(place));
    for (const Key& key : keys()) {
        CAPTURE(key.path);
        CHECK(found.count(std::string(key.path)) == 1);
    }
}

TEST_CASE("the reference file gives the defaults") {
    const Config read = load(source_file("config/terminus.yaml")).value();
    Config expected;
    expected.ports = read.ports;
    expected.routes = read.routes;
    expected.pools = read.pools;
    expected.services = read.services;
    CHECK(read == expected);

    Port port = read.ports.at(0);
    const Port fresh_port{port.name, port.device, port.addresses};
    CHECK(port == fresh_port);
    Pool pool = read.pools.at(0);
    Pool fresh_pool;
    fresh_pool.name = pool.name;
    fresh_pool.backends = pool.backends;
    CHECK(pool == fresh_pool);
    Service service = read.services.at(0);
    Service fresh_service;
    fresh_service.name = service.name;
    fresh_service.listen = service.listen;
    fresh_service.pool = service.pool;
    CHECK(service == fresh_service);
}

TEST_CASE("every default is inside of its own range and reads back") {
    for (const Key& key : keys()) {
        if (key.is_list || key.is_required || key.type == Type::TwoPorts) continue;
        const bool in_config = key.path.find("[]") == std::string_view::npos;
        if (!in_config) continue;
        Config config;
        CAPTURE(key.path);
        CHECK(key.read(&config, default_text(key), key) == "");
        CHECK(config == Config{});
    }
}

TEST_CASE("every key has a unique path and a help text") {
    std::set<std::string_view> seen;
    for (const Key& key : keys()) {
        CAPTURE(key.path);
        CHECK(seen.insert(key.path).second);
        CHECK(key.help.size() > 10);
        CHECK(find_key(key.path) == &key);
    }
    CHECK(find_key("tcp.thin_linear_timeouts") == nullptr);
}

TEST_CASE("no key is both there and explained as missing") {
    for (const Missing& missing : missing_keys()) {
        CAPTURE(missing.path);
        CHECK(find_key(missing.path) == nullptr);
    }
}

// After a change of the table: TERMINUS_WRITE_DOCS=1 runs this test as the writer.
TEST_CASE("the reference in docs/configuration.md is the table of keys") {
    const std::string begin = "<!-- keys: begin -->\n";
    const std::string end = "<!-- keys: end -->\n";
    std::string text = read_text("docs/configuration.md");
    const std::size_t from = text.find(begin);
    const std::size_t to = text.find(end);
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    const std::size_t start = from + begin.size();
    if (std::getenv("TERMINUS_WRITE_DOCS") != nullptr) {
        text.replace(start, to - start, reference_table());
        std::ofstream(source_file("docs/configuration.md")) << text;
    } else {
        CHECK(text.substr(start, to - start) == reference_table());
    }
}
