#include "control/connection_listing.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using control::ConnectionListing;
using control::ListingFilter;
using tcp::State;

namespace {

worker::ConnectionRow row(State state, std::uint16_t peer_port, stats::Leg leg = stats::Leg::Client) {
    worker::ConnectionRow r;
    r.tuple = {{wire::IpAddress::v4(192, 0, 2, 80), 80}, {wire::IpAddress::v4(198, 51, 100, 7), peer_port}};
    r.state = state;
    r.leg = leg;
    return r;
}

struct Setup {
    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    control::ServiceDirectory directory;
    std::unique_ptr<const proxy::ServiceTable> services =
        std::move(directory.build(config_of(config_text("/run")))).value();

    /// The listing's lines, and in `pieces` how many times the listing was asked for more.
    std::vector<nlohmann::json> list(const ListingFilter& filter, int* pieces = nullptr) {
        const auto listing = std::make_shared<ConnectionListing>(mailroom, directory, *services, filter);
        std::string all;
        bool over = false;
        int count = 0;
        while (!over) {
            bool delivered = false;
            listing->next([&](const std::string& lines, bool last) {
                all += lines;
                over = last;
                delivered = true;
            });
            CHECK(mailroom.outstanding() == 1);  // one page under way, never more
            workers.serve();
            mailroom.pump();
            REQUIRE(delivered);
            ++count;
        }
        if (pieces != nullptr) *pieces = count;
        std::vector<nlohmann::json> rows;
        std::istringstream in(all);
        for (std::string line; std::getline(in, line);)
            rows.push_back(nlohmann::json::parse(line));
        return rows;
    }
};

ListingFilter filter_of(const std::string& states) {
    ListingFilter filter;
    filter.states = control::states_of(states).value();
    return filter;
}

}  // namespace

TEST_CASE("all workers' connections are listed in pages, after the listeners") {
    Setup s;
    const std::size_t on_first = worker::RowPage::kRowsMax * 2 + 1;
    for (std::size_t i = 0; i < on_first; ++i)
        s.workers.rows[0].push_back(row(State::Established, 1));
    s.workers.rows[1].push_back(row(State::TimeWait, 2));
    int pieces = 0;
    const auto rows = s.list(filter_of("all"), &pieces);
    REQUIRE(rows.size() == 1 + on_first + 1);
    CHECK(pieces == 4);
    CHECK(rows.front()["state"] == "LISTEN");
    CHECK(rows.front()["local"] == "192.0.2.80:80");
    CHECK(rows.front()["service"] == "www");
    CHECK(rows[1]["worker"] == 0);
    CHECK(rows.back()["worker"] == 1);
    CHECK(rows.back()["state"] == "TIME-WAIT");
    CHECK(rows.back()["peer"] == "198.51.100.7:2");
}

TEST_CASE("a page that ends exactly at the last connection is not followed by an endless one") {
    Setup s;
    for (std::size_t i = 0; i < worker::RowPage::kRowsMax; ++i)
        s.workers.rows[0].push_back(row(State::Established, 1));
    CHECK(s.list(filter_of("established")).size() == worker::RowPage::kRowsMax);
}

TEST_CASE("rows are filtered by state, leg and service") {
    Setup s;
    s.workers.rows[0] = {row(State::Established, 1), row(State::Established, 2, stats::Leg::Backend),
                         row(State::TimeWait, 3)};
    worker::ConnectionRow other = row(State::Established, 4);
    other.service = 99;
    s.workers.rows[1] = {other};

    CHECK(s.list(filter_of("established")).size() == 3);
    CHECK(s.list(filter_of("time-wait")).size() == 1);
    CHECK(s.list(filter_of("connected")).size() == 4);
    CHECK(s.list(filter_of("listening")).size() == 1);
    ListingFilter filter = filter_of("established");
    filter.leg = stats::Leg::Backend;
    CHECK(s.list(filter).at(0)["peer"] == "198.51.100.7:2");
    filter.leg.reset();
    filter.service = "www";
    CHECK(s.list(filter).size() == 2);
}

TEST_CASE("ss's words for states are understood and others are answered by the list") {
    CHECK(control::states_of("syn-recv").value() == tcp::mask(State::SynReceived));
    CHECK((control::states_of("big").value() & tcp::mask(State::TimeWait)) == 0);
    CHECK(tcp::is_in(State::Closing, control::states_of("synchronized").value()));
    CHECK_FALSE(tcp::is_in(State::SynSent, control::states_of("synchronized").value()));
    CHECK_FALSE(tcp::is_in(State::Listen, control::states_of("connected").value()));
    CHECK_FALSE(tcp::is_in(State::TimeWait, control::states_of("default").value()));
    CHECK(tcp::is_in(State::SynSent, control::states_of("default").value()));
    CHECK(control::states_of("estab").error().find("there is no state `estab`; there are established, ") ==
          0);
}

TEST_CASE("the running timer is told with ss's word, ours, and the time left") {
    worker::ConnectionRow r = row(State::Established, 1);
    CHECK_FALSE(nlohmann::json::parse(control::row_line(r, 0, "www")).contains("timer"));
    r.has_timer = true;
    r.timer = stats::Timer::Retransmission;
    r.timer_left = 215ms;
    r.retransmits = 2;
    r.send_mss = 1448;
    r.smoothed_rtt = 1500us;
    r.rtt_variation = 250us;
    r.backoff = 2;
    r.delivered_bytes = 14'480;
    r.since_sent = 1s;
    r.since_received = 2s;
    r.busy = 3s;
    r.window_limited = 4ms;
    r.buffer_limited = 5ms;
    r.congestion_control = tcp::CongestionAlgorithm::Bbr;
    const auto line = nlohmann::json::parse(control::row_line(r, 3, "www"));
    CHECK(line["timer"]["name"] == "on");
    CHECK(line["timer"]["kind"] == "retransmission");
    CHECK(line["timer"]["left_ms"] == 215);
    CHECK(line["timer"]["retransmits"] == 2);
    CHECK(line["rtt_us"] == 1500);
    CHECK(line["rttvar_us"] == 250);
    CHECK(line["congestion_control"] == "bbr");
    CHECK(line["backoff"] == 2);
    CHECK(line["delivered_bytes"] == 14'480);
    CHECK(line["last_sent_ms"] == 1000);
    CHECK(line["last_received_ms"] == 2000);
    CHECK(line["busy_ms"] == 3000);
    CHECK(line["rwnd_limited_ms"] == 4);
    CHECK(line["sndbuf_limited_ms"] == 5);
    CHECK_FALSE(line.contains("ssthresh_bytes"));
    CHECK(line["worker"] == 3);
}

TEST_CASE("a page that comes after the client has gone is dropped") {
    Setup s;
    bool delivered = false;
    {
        const auto listing =
            std::make_shared<ConnectionListing>(s.mailroom, s.directory, *s.services, filter_of("all"));
        listing->next([&](const std::string&, bool) { delivered = true; });
    }
    s.workers.serve();
    s.mailroom.pump();
    CHECK(delivered);  // to a session that finds its socket closed; AddressSanitizer watches the listing's
                       // memory
}
