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
using control::RecordingRequest;

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

RecordingRequest request(const std::string& path, std::uint64_t limit_bytes = UINT64_MAX,
                         std::size_t ring_bytes = RecordingRequest::kRingBytes) {
    RecordingRequest request;
    request.path = path;
    request.limit_bytes = limit_bytes;
    request.ring_bytes = ring_bytes;
    return request;
}

struct Setup {
    Setup() { recording.set_head(small_head()); }

    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    Recording recording{io, mailroom};
    record::Past past{.began = 500, .config = "again", .tunables = {}, .revision_count = 1, .directory = {}};
    TempDirectory dir;
    std::string path = dir.file("all.rec");

    /// What a recording that begins now begins with; or why it doesn't.
    base::Result<Recording::Beginning, std::string> begin_later(const RecordingRequest& request) {
        std::optional<base::Result<Recording::Beginning, std::string>> answer;
        recording.begin_later(request, past, [&](const auto& begun) { answer = begun; });
        REQUIRE(run_until(
            io, [&] { return answer.has_value(); }, [&] { workers.serve(); }));
        return *answer;
    }
    [[nodiscard]] bool is_recording() const { return recording.state() == Recording::State::Running; }

    bool until_ended() {
        return run_until(
            io, [&] { return recording.state() == Recording::State::Ended; }, [&] { workers.serve(); });
    }
};

}  // namespace

TEST_CASE("turns of all workers and changes of the configuration are in the file, which is its owner's") {
    Setup s;
    REQUIRE(s.recording.begin(request(s.path)).ok());
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
    REQUIRE(s.recording.begin(request(s.path, UINT64_MAX, 64)).ok());
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
    REQUIRE(s.recording.begin(request(s.path, limit)).ok());
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
    REQUIRE(s.recording.begin(request(s.path)).ok());
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
    auto refused = s.recording.begin(request(s.path));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == "recording: cannot create " + s.path + ": File exists");
    CHECK(read(s.path).size() == 8);
    refused = s.recording.begin(request(s.dir.file("none/x.rec")));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().find("No such file or directory") != std::string::npos);
    CHECK(s.recording.state() == Recording::State::None);
    CHECK(s.recording.recorder(0) == nullptr);
}

TEST_CASE("workers that have stopped end the recording at once") {
    Setup s;
    REQUIRE(s.recording.begin(request(s.path)).ok());
    take_down_turn(*s.recording.recorder(0), 1);
    s.recording.workers_stopped();
    CHECK(s.recording.state() == Recording::State::Ended);
    const std::vector<std::uint8_t> file = read(s.path);
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().end == "terminusd ended");
    CHECK(count_turns(parsed.value(), 0) == 1);
}

TEST_CASE("a recording that begins later has the past, and each worker's state in pieces") {
    Setup s;
    s.workers.snapshots = {std::vector<std::uint8_t>((5 << 19) + 1, 0x11), {1, 2, 3}};
    s.workers.group.mailbox(1).stats().leg(stats::Leg::Client).connections[4].set(7);
    s.workers.group.mailbox(0)
        .stats()
        .leg(stats::Leg::Backend)
        .connections[static_cast<std::size_t>(tcp::State::TimeWait)]
        .set(2);
    const auto begun = s.begin_later(request(s.path));
    REQUIRE(begun.ok());
    CHECK(begun.value().census.connections == 7);
    CHECK(begun.value().census.time_waits == 2);
    CHECK(begun.value().snapshot_bytes == (5 << 19) + 4);
    CHECK(begun.value().longest_pause == std::chrono::milliseconds(2));
    s.recording.add({"fin_timeout", "30s"});
    take_down_turn(*s.recording.recorder(0), 1000);
    s.recording.end("asked to");
    REQUIRE(s.until_ended());

    const std::vector<std::uint8_t> file = read(s.path);
    const auto parsed = record::Recording::parse(file);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().head == small_head());
    CHECK(parsed.value().past == s.past);
    CHECK(parsed.value().snapshots[0].pieces.size() == 3);
    CHECK(parsed.value().snapshots[0].joined() == s.workers.snapshots[0]);
    CHECK(parsed.value().snapshots[1].joined() == s.workers.snapshots[1]);
    CHECK(parsed.value().revisions == std::vector{record::Revision{"fin_timeout", "30s"}});
    CHECK(count_turns(parsed.value(), 0) == 1);
}

TEST_CASE("one recording at a time, and another one after it") {
    Setup s;
    REQUIRE(s.begin_later(request(s.path)).ok());
    const auto refused = s.begin_later(request(s.dir.file("other.rec")));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == "there is a recording already, into " + s.path);
    CHECK_FALSE(std::filesystem::exists(s.dir.file("other.rec")));
    s.recording.end("asked to");
    REQUIRE(s.until_ended());
    CHECK(s.recording.number() == 1);
    const auto there = s.begin_later(request(s.path));
    REQUIRE_FALSE(there.ok());
    CHECK(there.error() == "recording: cannot create " + s.path + ": File exists");
    CHECK(s.recording.state() == Recording::State::Ended);
    REQUIRE(s.begin_later(request(s.dir.file("other.rec"))).ok());
    CHECK(s.recording.number() == 2);
    s.recording.end("asked to again");
    REQUIRE(s.until_ended());
    CHECK(record::Recording::parse(read(s.dir.file("other.rec"))).value().end == "asked to again");
}

TEST_CASE("more connections than can be written down at once are refused") {
    Setup s;
    const std::uint64_t most = 2 * RecordingRequest::kConnectionsPerWorker;
    stats::LegStats& leg = s.workers.group.mailbox(1).stats().leg(stats::Leg::Client);
    leg.connections[4].set(most + 1);
    const auto refused = s.begin_later(request(s.path));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() ==
          "there are 65537 connections, and for more than 65536 the workers would stand still too long "
          "(--connections-max)");
    CHECK_FALSE(std::filesystem::exists(s.path));
    RecordingRequest more = request(s.path);
    more.connections_max = most + 1;
    CHECK(s.begin_later(more).ok());
    s.recording.end("asked to");
    REQUIRE(s.until_ended());
    leg.connections[4].set(most);
    CHECK(s.begin_later(request(s.dir.file("other.rec"))).ok());
}

TEST_CASE("a recording ends with who owns it") {
    Setup s;
    auto owner = std::make_shared<int>(0);
    RecordingRequest owned = request(s.path);
    owned.owner = owner;
    REQUIRE(s.begin_later(owned).ok());
    s.io.run_for(3 * Recording::kLook);
    CHECK(s.is_recording());
    owner.reset();
    REQUIRE(s.until_ended());
    CHECK(s.recording.why() == "who had asked for it is gone");
}

TEST_CASE("a recording ends after the time that was asked for") {
    Setup s;
    RecordingRequest bounded = request(s.path);
    bounded.lasts = 3 * Recording::kLook;
    bool has_begun = false;
    s.recording.begin_later(bounded, s.past, [&](const auto& begun) { has_begun = begun.ok(); });
    s.io.run_for(2 * bounded.lasts);  // which does not count until the workers have begun
    CHECK(s.recording.state() == Recording::State::Starting);
    REQUIRE(run_until(
        s.io, [&] { return has_begun; }, [&] { s.workers.serve(); }));
    CHECK(s.is_recording());
    REQUIRE(s.until_ended());
    CHECK(s.recording.why() == "the time that was asked for is over");
    CHECK(s.recording.span() >= bounded.lasts);
}

TEST_CASE("who ends a recording that has not begun yet on all workers is heard, and so is who began it") {
    Setup s;
    std::string error;
    s.recording.begin_later(request(s.path), s.past, [&](const auto& begun) { error = begun.error(); });
    CHECK(s.recording.state() == Recording::State::Starting);
    s.recording.end("asked to");
    REQUIRE(s.until_ended());
    CHECK(error == "the recording has ended: asked to");
    CHECK(record::Recording::parse(read(s.path)).ok());
}

TEST_CASE("a limit that leaves no room for a beginning is refused, and no file is left") {
    Setup s;
    const auto refused = s.begin_later(request(s.path, 100));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == "recording: " + s.path + ": the limit of the file's size was reached");
    CHECK_FALSE(std::filesystem::exists(s.path));
}

TEST_CASE("a limit that the state of the connections passes ends the recording, which is then none") {
    Setup s;
    s.workers.snapshots[1].resize(3 << 20);
    REQUIRE(s.begin_later(request(s.path, 2 << 20)).ok());
    REQUIRE(s.until_ended());
    CHECK(s.recording.why() == "the limit of the file's size was reached");
    const auto parsed = record::Recording::parse(read(s.path));
    REQUIRE_FALSE(parsed.ok());
    CHECK(std::string(parsed.error().what) == "it ended before the state at its beginning was written");
}
