#include "control/recording.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <iterator>

#include "control/support.hpp"
#include "record/recording.hpp"

using namespace terminus;
using namespace terminus::test;
using control::Recording;
using control::RecordingWriter;

namespace {

std::vector<std::uint8_t> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    return {bytes.begin(), bytes.end()};
}

record::Head small_head() {
    record::Head head;
    head.version = "1";
    head.workers = 2;
    head.ports.resize(1);
    return head;
}

/// An empty turn: 24 bytes.
void take_down_turn(worker::Recorder& recorder, std::int64_t now) {
    recorder.begin_turn(base::instant_from_ns(now), 0);
    recorder.end_turn(true);
}

std::size_t count_turns(const record::Recording& recording, std::uint16_t worker) {
    record::Turns turns(recording, worker);
    std::size_t count = 0;
    while (turns.next())
        ++count;
    return count;
}

rlimit file_size_limit() {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    return limit;
}
void set_file_size_limit(const rlimit& limit) {
    (void)::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

struct Setup {
    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    Recording recording{io, mailroom};
    TempDirectory dir;
    std::string path = dir.file("all.rec");

    bool until_ended() {
        return run_until(
            io, [&] { return recording.state() == Recording::State::Ended; }, [&] { workers.serve(); });
    }
};

}  // namespace

TEST_CASE("turns of all workers and changes of the configuration are in the file, which is its owner's") {
    Setup s;
    REQUIRE(s.recording.begin({s.path}, small_head()).ok());
    struct stat status {};
    REQUIRE(::stat(s.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    for (int turn = 1; turn <= 100; ++turn) {
        take_down_turn(*s.recording.recorder(0), turn);
        take_down_turn(*s.recording.recorder(1), turn);
    }
    s.recording.add({"fin_timeout", "30s"});
    take_down_turn(*s.recording.recorder(1), 101);
    bool done = false;
    s.recording.end("asked to", [&] { done = true; });
    CHECK(s.recording.state() == Recording::State::Ending);
    CHECK(std::filesystem::exists(s.path));
    REQUIRE(s.until_ended());
    CHECK(done);
    CHECK(std::count(s.workers.log.begin(), s.workers.log.end(), "1 recorder") == 1);

    const std::vector<std::uint8_t> file = read(s.path);
    CHECK(s.recording.bytes() == file.size());
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().head == small_head());
    CHECK(parsed.value().end == "asked to");
    CHECK(parsed.value().revisions == std::vector{record::Revision{"fin_timeout", "30s"}});
    CHECK(count_turns(parsed.value(), 0) == 100);
    CHECK(count_turns(parsed.value(), 1) == 101);
}

TEST_CASE("a worker that fills its ring ends the recording, and the end names it") {
    Setup s;
    REQUIRE(s.recording.begin({.path = s.path, .ring_bytes = 64}, small_head()).ok());
    worker::Recorder& recorder = *s.recording.recorder(1);
    std::int64_t turn = 0;
    while (recorder.gave_up_at() == 0)
        take_down_turn(recorder, ++turn);
    REQUIRE(s.until_ended());
    const std::vector<std::uint8_t> file = read(s.path);
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().end == "worker 1 could not keep up at turn " + std::to_string(turn));
    CHECK(count_turns(parsed.value(), 1) == static_cast<std::size_t>(turn - 1));
}

TEST_CASE("a recording that reaches its limit ends whole, within the limit") {
    Setup s;
    const std::uint64_t limit = 8 + control::RecordingFile::kEndBytes + 2000;
    REQUIRE(s.recording.begin({.path = s.path, .limit_bytes = limit}, small_head()).ok());
    std::int64_t turn = 0;
    REQUIRE(run_until(
        s.io, [&] { return s.recording.state() == Recording::State::Ended; },
        [&] {
            if (s.recording.state() == Recording::State::Running)
                take_down_turn(*s.recording.recorder(0), ++turn);
            s.workers.serve();
        }));
    const std::vector<std::uint8_t> file = read(s.path);
    CHECK(file.size() <= limit);
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().end == "the limit of the file's size was reached");
    CHECK(count_turns(parsed.value(), 0) > 0);
}

TEST_CASE("what the system refuses to write ends the recording with its reason, and the file stays whole") {
    Setup s;
    REQUIRE(s.recording.begin({s.path}, small_head()).ok());
    take_down_turn(*s.recording.recorder(0), 1);
    REQUIRE(run_until(s.io, [&] {
        return s.recording.bytes() == std::filesystem::file_size(s.path) &&
               s.recording.recorder(0)->ring().readable()[0].empty();
    }));
    const rlimit before = file_size_limit();
    set_file_size_limit({std::filesystem::file_size(s.path) + 20, before.rlim_max});
    take_down_turn(*s.recording.recorder(0), 2);  // 8 + 24 bytes: some of them can be written
    const bool has_ended = s.until_ended();
    set_file_size_limit(before);
    REQUIRE(has_ended);
    CHECK(s.recording.why() == "it could not be written: File too large");
    const std::vector<std::uint8_t> file = read(s.path);
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(count_turns(parsed.value(), 0) == 1);
}

TEST_CASE("a file that is there, or whose folder is not, is refused with its name") {
    Setup s;
    std::ofstream(s.path) << "precious";
    auto refused = s.recording.begin({s.path}, small_head());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == "recording: cannot create " + s.path + ": File exists");
    CHECK(read(s.path).size() == 8);
    refused = s.recording.begin({s.dir.file("none/x.rec")}, small_head());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().find("No such file or directory") != std::string::npos);
    CHECK(s.recording.state() == Recording::State::None);
    CHECK(s.recording.recorder(0) == nullptr);
}

TEST_CASE("workers that have stopped end the recording at once") {
    Setup s;
    REQUIRE(s.recording.begin({s.path}, small_head()).ok());
    take_down_turn(*s.recording.recorder(0), 1);
    s.recording.workers_stopped();
    CHECK(s.recording.state() == Recording::State::Ended);
    const std::vector<std::uint8_t> file = read(s.path);
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().end == "terminusd ended");
    CHECK(count_turns(parsed.value(), 0) == 1);
}
