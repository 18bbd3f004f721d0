#include "connection_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace terminusctl {
namespace {

std::string text_of(const nlohmann::json& connection, const char* key) {
    const auto found = connection.find(key);
    if (found == connection.end()) return "-";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

/// Widths fixed in advance, since rows are printed as they come; what is longer pushes the rest to the right.
std::string columns(const std::array<std::string, 7>& cells) {
    constexpr std::array<std::size_t, 7> kWidths{10, 7, 7, 28, 28, 12, 8};
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += cells[i];
        line.append(kWidths[i] > cells[i].size() ? kWidths[i] - cells[i].size() : 1, ' ');
    }
    return line;
}

std::string without_trailing_blanks(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

/// 1500 as "1.5", as ss writes the milliseconds of a round trip.
std::string as_milliseconds(std::int64_t microseconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", static_cast<double>(microseconds) / 1000);
    return text;
}

/// "0.0.0.0:0" as "0.0.0.0:*", the peer of a listener.
std::string peer_of(const nlohmann::json& connection) {
    std::string peer = text_of(connection, "peer");
    if (peer.ends_with(":0")) peer.back() = '*';
    return peer;
}

}  // namespace

std::string table_header() {
    return without_trailing_blanks(
        columns({"State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Service", "Leg"}));
}

std::string table_row(const nlohmann::json& connection, bool with_timer) {
    const bool listens = text_of(connection, "state") == "LISTEN";
    std::string line =
        columns({text_of(connection, "state"), text_of(connection, "recv_q"), text_of(connection, "send_q"),
                 text_of(connection, "local"), peer_of(connection), text_of(connection, "service"),
                 listens ? "-" : text_of(connection, "leg")});
    const auto timer = connection.find("timer");
    if (with_timer && timer != connection.end()) {
        line += "timer:(" + timer->value("name", "unknown") + "," +
                timer_span(timer->value("left_ms", std::int64_t{0})) + "," +
                std::to_string(timer->value("retransmits", 0)) + ")";
    }
    return without_trailing_blanks(line);
}

std::string table_details(const nlohmann::json& connection) {
    const auto mss = connection.value("mss", std::int64_t{0});
    if (mss <= 0) return {};
    const auto figure = [&](const char* key) { return connection.value(key, std::int64_t{0}); };
    std::string line = "\t " + connection.value("congestion_control", "unknown");
    line += " rto:" + std::to_string(figure("rto_ms"));
    if (figure("backoff") > 0) line += " backoff:" + std::to_string(figure("backoff"));
    if (figure("rtt_us") > 0)
        line += " rtt:" + as_milliseconds(figure("rtt_us")) + "/" + as_milliseconds(figure("rttvar_us"));
    line += " mss:" + std::to_string(mss) + " cwnd:" + std::to_string(figure("cwnd_bytes") / mss);
    if (connection.contains("ssthresh_bytes"))
        line += " ssthresh:" + std::to_string(figure("ssthresh_bytes") / mss);
    if (figure("last_sent_ms") > 0) line += " lastsnd:" + std::to_string(figure("last_sent_ms"));
    if (figure("last_received_ms") > 0) line += " lastrcv:" + std::to_string(figure("last_received_ms"));
    line += " delivered:" + std::to_string((figure("delivered_bytes") + mss - 1) / mss);
    const std::int64_t busy = figure("busy_ms");
    if (busy > 0) line += " busy:" + std::to_string(busy) + "ms";
    for (const char* limit : {"rwnd_limited", "sndbuf_limited"}) {
        const std::int64_t span = figure((std::string(limit) + "_ms").c_str());
        if (span <= 0 || busy <= 0) continue;
        line += std::string(" ") + limit + ":" + std::to_string(span) + "ms(" +
                std::to_string(100 * span / busy) + "%)";
    }
    if (figure("rcv_rtt_us") > 0) line += " rcv_rtt:" + as_milliseconds(figure("rcv_rtt_us"));
    if (figure("rcv_space_bytes") > 0) line += " rcv_space:" + std::to_string(figure("rcv_space_bytes"));
    return line;
}

std::string timer_span(std::int64_t milliseconds) {
    std::int64_t minutes = milliseconds / 60'000;
    std::int64_t seconds = milliseconds / 1'000 % 60;
    std::int64_t rest = milliseconds % 1'000;
    std::string text;
    if (minutes > 0) {
        rest = 0;
        text += std::to_string(minutes) + "min";
        if (minutes > 9) seconds = 0;
    }
    if (seconds > 0) {
        if (seconds > 9) rest = 0;
        text += std::to_string(seconds) + (rest > 0 ? "." : "sec");
    }
    if (rest > 0) {
        char digits[16];
        std::snprintf(digits, sizeof digits, "%03dms", static_cast<int>(rest));
        text += text.empty() ? std::to_string(rest) + "ms" : std::string(digits);
    }
    return text.empty() ? "0ms" : text;
}

}  // namespace terminusctl
