#include "control/metrics.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "control/source_root.hpp"
#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using control::Metrics;

namespace {

struct Setup {
    worker::Group group{2};
    config::Config config;
    control::ProcessFacts facts{"1.2.3", 1000.5, true, 3, 1};
    TempDirectory directory;
    boost::asio::io_context io;
    control::Mailroom mailroom{io, group};
    control::Runtime runtime{mailroom, config_of(config_text(directory.path()))};
    control::SourcePortWatch ports{mailroom, runtime};
    Metrics metrics{group, config, facts, &ports};
    Setup() {
        worker::SourcePortPage page;
        page.rows = {{runtime.services().pools()[0].backends[0].id, {.used = 1, .total = 2, .waited = 0}}};
        ports.arrived(0, page, base::instant_from_ns(1));
        metrics.set_ports([] {
            return std::vector<control::PortReading>{{.name = "front",
                                                      .is_up = true,
                                                      .received_frames = 7,
                                                      .sent_bytes = 900,
                                                      .missed = 3,
                                                      .offloads = {{"tso", true, true, false}}}};
        });
    }
    stats::CoreStats& core(std::uint32_t i) { return group.mailbox(i).stats(); }
    std::string text() const { return control::to_text(metrics.Collect()); }
};

bool has_line(const std::string& text, const std::string& line) {
    return text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("connections are summed over the workers and told by leg and state") {
    Setup s;
    const auto established = static_cast<std::size_t>(tcp::State::Established);
    s.core(0).leg(stats::Leg::Client).connections[established].set(3);
    s.core(1).leg(stats::Leg::Client).connections[established].set(4);
    s.core(1).leg(stats::Leg::Backend).connections[established].set(5);
    CHECK(has_line(s.text(), "terminus_connections{leg=\"client\",state=\"established\"} 7"));
    CHECK(has_line(s.text(), "terminus_connections{leg=\"backend\",state=\"established\"} 5"));
    CHECK(s.text().find("state=\"listen\"") == std::string::npos);
}

TEST_CASE("reasons, causes, timers and drops have the words of the one list") {
    Setup s;
    stats::LegStats& client = s.core(0).leg(stats::Leg::Client);
    client.closes[stats::CloseReason::IdleTimeout].add(2);
    client.retransmits[stats::RetransmitCause::FastRetransmit].add(3);
    client.timer_expirations[stats::Timer::DelayedAck].add(4);
    client.resets_sent[stats::ResetReason::Draining].add(5);
    client.resets_received.add(6);
    s.core(1).drops[stats::DropReason::TcpChecksum].add(7);
    s.core(1).leg(stats::Leg::Client).resets_sent[stats::ResetReason::NoConnection].add(8);
    const std::string text = s.text();
    CHECK(has_line(text, "terminus_closes_total{leg=\"client\",reason=\"idle_timeout\"} 2"));
    CHECK(
        has_line(text, "terminus_retransmitted_segments_total{leg=\"client\",cause=\"fast_retransmit\"} 3"));
    CHECK(has_line(text, "terminus_timer_expirations_total{leg=\"client\",timer=\"delayed_ack\"} 4"));
    CHECK(has_line(text, "terminus_resets_total{leg=\"client\",direction=\"sent\",reason=\"draining\"} 5"));
    CHECK(has_line(text, "terminus_resets_total{leg=\"client\",direction=\"received\",reason=\"peer\"} 6"));
    CHECK(has_line(text, "terminus_drops_total{reason=\"tcp_checksum\"} 7"));
    CHECK(has_line(text,
                   "terminus_resets_total{leg=\"client\",direction=\"sent\",reason=\"no_connection\"} 8"));
}

TEST_CASE("workers' own numbers have the worker's label") {
    Setup s;
    s.core(0).frames_received.add(10);
    s.core(1).hand_overs_sent.add(11);
    s.core(1).buffers_total.set(100);
    s.core(1).buffers_used.set(30);
    s.core(1).busy_ns.add(2'500'000'000);
    const std::string text = s.text();
    CHECK(has_line(text, "terminus_received_frames_total{worker=\"0\"} 10"));
    CHECK(has_line(text, "terminus_received_frames_total{worker=\"1\"} 0"));
    CHECK(has_line(text, "terminus_hand_overs_total{worker=\"1\",direction=\"sent\"} 11"));
    CHECK(has_line(text, "terminus_buffers{worker=\"1\",state=\"used\"} 30"));
    CHECK(has_line(text, "terminus_buffers{worker=\"1\",state=\"free\"} 70"));
    CHECK(has_line(text, "terminus_worker_busy_seconds_total{worker=\"1\"} 2.5"));
}

TEST_CASE("ports are told of as their devices do, each offload by what became of it") {
    const Setup s;
    const std::string text = s.text();
    CHECK(has_line(text, "terminus_port_up{port=\"front\"} 1"));
    CHECK(has_line(text, "terminus_port_removed{port=\"front\"} 0"));
    CHECK(has_line(text, "terminus_port_frames_total{port=\"front\",direction=\"received\"} 7"));
    CHECK(has_line(text, "terminus_port_bytes_total{port=\"front\",direction=\"sent\"} 900"));
    CHECK(has_line(text, "terminus_port_lost_frames_total{port=\"front\",reason=\"missed\"} 3"));
    CHECK(has_line(text, "terminus_port_offload{port=\"front\",offload=\"tso\",state=\"offered\"} 1"));
    CHECK(has_line(text, "terminus_port_offload{port=\"front\",offload=\"tso\",state=\"used\"} 0"));
}

TEST_CASE("a port whose device was removed is down, and its counts stay") {
    Setup s;
    s.metrics.set_ports([] {
        return std::vector<control::PortReading>{
            {.name = "front", .is_up = false, .is_removed = true, .received_frames = 7}};
    });
    const std::string text = s.text();
    CHECK(has_line(text, "terminus_port_up{port=\"front\"} 0"));
    CHECK(has_line(text, "terminus_port_removed{port=\"front\"} 1"));
    CHECK(has_line(text, "terminus_port_frames_total{port=\"front\",direction=\"received\"} 7"));
}

TEST_CASE("the busy ratio is over the last ten samples") {
    Setup s;
    CHECK(has_line(s.text(), "terminus_worker_busy_ratio{worker=\"0\"} 0"));
    s.core(0).busy_ns.add(1000);
    s.core(0).idle_ns.add(3000);
    CHECK(has_line(s.text(), "terminus_worker_busy_ratio{worker=\"0\"} 0.25"));
    for (std::size_t i = 0; i < Metrics::kRatioSamples - 1; ++i)
        s.metrics.sample();
    CHECK(has_line(s.text(), "terminus_worker_busy_ratio{worker=\"0\"} 0.25"));
    s.metrics.sample();  // the one from before the work is forgotten
    CHECK(has_line(s.text(), "terminus_worker_busy_ratio{worker=\"0\"} 0"));
    s.core(0).busy_ns.add(1000);
    CHECK(has_line(s.text(), "terminus_worker_busy_ratio{worker=\"0\"} 1"));
}

TEST_CASE("the tunables in force and the process's facts are there") {
    Setup s;
    s.config.tcp.rto_min = std::chrono::milliseconds(250);
    const std::string text = s.text();
    CHECK(has_line(text, "terminus_tcp_tunable{name=\"rto_min\"} 0.25"));
    CHECK(has_line(text, "terminus_tcp_tunable{name=\"time_wait\"} 60"));
    CHECK(has_line(text, "terminus_build_info{version=\"1.2.3\"} 1"));
    CHECK(has_line(text, "terminus_ready 1"));
    CHECK(has_line(text, "terminus_config_reloads_total{result=\"applied\"} 3"));
    CHECK(has_line(text, "terminus_config_reloads_total{result=\"refused\"} 1"));
}

TEST_CASE("every family has a help text, a value, and a name by Prometheus's conventions") {
    Setup s;
    std::set<std::string> names;
    for (const prometheus::MetricFamily& family : s.metrics.Collect()) {
        CAPTURE(family.name);
        CHECK(names.insert(family.name).second);
        CHECK(family.name.starts_with("terminus_"));
        CHECK(family.help.size() > 5);
        CHECK_FALSE(family.metric.empty());
        const bool counts = family.type == prometheus::MetricType::Counter;
        CHECK(family.name.ends_with("_total") == counts);
        for (const auto& metric : family.metric) {
            REQUIRE(metric.label.size() == family.metric.front().label.size());
            for (std::size_t i = 0; i < metric.label.size(); ++i) {
                CHECK(metric.label[i].name == family.metric.front().label[i].name);
            }
        }
    }
}

TEST_CASE("promtool has nothing to say against the text") {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
        WARN("promtool is not installed");
        return;
    }
    Setup s;
    const TempDirectory dir;
    std::ofstream(dir.file("metrics")) << s.text();
    const std::string command =
        "promtool check metrics <" + dir.file("metrics") + " >" + dir.file("out") + " 2>&1";
    const int result = std::system(command.c_str());
    std::ostringstream said;
    said << std::ifstream(dir.file("out")).rdbuf();
    CHECK(said.str().empty());
    CHECK(result == 0);
}

// After a change of the families: TERMINUS_WRITE_DOCS=1 runs this test as the writer.
TEST_CASE("the table in docs/metrics.md is the list of families") {
    const std::string path = std::string(TERMINUS_SOURCE_ROOT) + "/docs/metrics.md";
    const std::string begin = "<!-- metrics: begin -->\n";
    std::ostringstream read;
    read << std::ifstream(path).rdbuf();
    std::string text = read.str();
    const std::size_t from = text.find(begin);
    const std::size_t to = text.find("<!-- metrics: end -->\n");
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    const std::size_t start = from + begin.size();
    Setup s;
    const std::string expected = control::metrics_reference(s.metrics.Collect());
    if (std::getenv("TERMINUS_WRITE_DOCS") != nullptr) {
        text.replace(start, to - start, expected);
        std::ofstream(path) << text;
    } else {
        CHECK(text.substr(start, to - start) == expected);
    }
}
