#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/support.hpp"

// HARDENING 30: huge, deeply nested, aliases that explode, binary, unreadable: a clear error each.
using namespace terminus;
using namespace terminus::test;

namespace {

class TempDirectory {
 public:
    TempDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "terminus-config-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TempDirectory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
    [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(file(name)) << text;
        return file(name);
    }

 private:
    std::filesystem::path path_;
};

std::string load_error(const std::string& path) {
    const auto result = config::load(path);
    if (result) return "no error";
    REQUIRE(result.error().size() == 1);
    return result.error()[0].to_string();
}

}  // namespace

TEST_CASE("a good file is loaded from disk and named in its errors") {
    const TempDirectory dir;
    CHECK(config::load(dir.write("good.yaml", kGoodFile)).ok());
    const std::string bad = dir.write("bad.yaml", kGoodFile + "log: {level: x}\n");
    CHECK(load_error(bad).starts_with(bad + ":13:14: log.level: `x` is not one of"));
}

TEST_CASE("a missing file is reported") {
    const TempDirectory dir;
    CHECK(load_error(dir.file("none")) == dir.file("none") + ": cannot be read: No such file or directory");
}

TEST_CASE("a directory and a FIFO are refused without waiting") {
    const TempDirectory dir;
    CHECK(load_error(dir.file(".")).ends_with("cannot be read: it is not a regular file"));
    REQUIRE(::mkfifo(dir.file("fifo").c_str(), 0600) == 0);
    CHECK(load_error(dir.file("fifo")).ends_with("cannot be read: it is not a regular file"));
}

TEST_CASE("a file of one MiB is read and one byte more is refused") {
    const TempDirectory dir;
    std::string text = kGoodFile + "#";
    text.append((1 << 20) - text.size(), 'x');
    CHECK(config::load(dir.write("full", text)).ok());
    CHECK(load_error(dir.write("over", text + "x")).ends_with("cannot be read: it is larger than 1 MiB"));
    CHECK(errors_of(text).empty());
    CHECK(errors_of(text + "x") == Lines{"t.yaml: is larger than 1 MiB"});
}

TEST_CASE("an empty file says so") {
    CHECK(errors_of("") == Lines{"t.yaml:1:1: the file is empty"});
    CHECK(errors_of("# nothing\n").size() == 1);
}

TEST_CASE("bytes that are no text are refused with their place") {
    using namespace std::string_literals;
    CHECK(errors_of("ports:\n a\0b"s) == Lines{"t.yaml:2:3: not a text file: byte 0x00 is no UTF-8 text"});
    CHECK(errors_of("\x7f"
                    "ELF\x02\x01") == Lines{"t.yaml:1:1: not a text file: byte 0x7f is no UTF-8 text"});
    CHECK(errors_of("a: \xff\n") == Lines{"t.yaml:1:4: not a text file: byte 0xff is no UTF-8 text"});
    CHECK(errors_of("a: \xc3") == Lines{"t.yaml:1:4: not a text file: byte 0xc3 is no UTF-8 text"});
    CHECK(errors_of(kGoodFile + "# ü €\n").empty());
}

TEST_CASE("faulty YAML is reported with its place") {
    const Lines errors = errors_of("ports: [a\nb: c");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find(": not valid YAML: ") != std::string::npos);
    CHECK(errors[0].starts_with("t.yaml:2:"));
    CHECK(errors_of("a: *nobody\n").size() == 1);
    CHECK(errors_of("a:\n\t- b\n").size() == 1);
}

TEST_CASE("nesting is bounded") {
    const auto nested = [](int depth) {
        return "eal: " + std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    CHECK(errors_of(nested(31)) != Lines{"t.yaml:1:37: nested deeper than 32 levels"});
    CHECK(errors_of(nested(32)) == Lines{"t.yaml:1:37: nested deeper than 32 levels"});
    CHECK(errors_of(nested(200'000)) == Lines{"t.yaml:1:37: nested deeper than 32 levels"});
    std::string braces;
    for (int i = 0; i < 100'000; ++i)
        braces += "{a: ";
    CHECK(errors_of(braces).size() == 1);
    CHECK(errors_of(std::string(300'000, '-')).size() >= 1);
    std::string dashes;
    for (int i = 0; i < 100'000; ++i)
        dashes += "- ";
    CHECK(errors_of(dashes).size() == 1);
}

TEST_CASE("aliases are read, but may not explode or contain themselves") {
    CHECK(good(kGoodFile + "drain: {delay: &t 7s, grace: *t}\n").drain.grace == std::chrono::seconds(7));

    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j)
            bomb += (j == 0 ? "" : ", ") + before;
        bomb += "]\n";
    }
    const Lines errors = errors_of(bomb);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].ends_with("more than 100000 values, aliases counted in full"));
    CHECK(errors_of("a: &a [*a]\n") == Lines{"t.yaml:1:8: an alias that contains itself"});
}

TEST_CASE("a million entries are refused by count") {
    std::string text = "eal: [";
    for (int i = 0; i < 200'000; ++i)
        text += "a, ";
    const Lines errors = errors_of(text + "a]\n");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].ends_with("more than 100000 values, aliases counted in full"));
}

TEST_CASE("a second document is refused") {
    CHECK(errors_of(kGoodFile + "---\nlog: {}\n") ==
          Lines{"t.yaml:13:1: a second YAML document begins here; a configuration is one"});
}

TEST_CASE("a list or a word in place of the file is refused") {
    CHECK(errors_of("- a\n") == Lines{"t.yaml:1:1: expected a mapping of keys, found a list"});
    CHECK(errors_of("hello\n") == Lines{"t.yaml:1:1: expected a mapping of keys, found one value"});
}
