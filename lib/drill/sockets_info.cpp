// TCP_INFO.
#include <netinet/tcp.h>

#include <chrono>

#include "drill/machine.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {
namespace {

// include/net/tcp_states.h.
std::uint64_t linux_state(tcp::State state) {
    switch (state) {
        case tcp::State::Established:
            return TCP_ESTABLISHED;
        case tcp::State::SynSent:
            return TCP_SYN_SENT;
        case tcp::State::SynReceived:
            return TCP_SYN_RECV;
        case tcp::State::FinWait1:
            return TCP_FIN_WAIT1;
        case tcp::State::FinWait2:
            return TCP_FIN_WAIT2;
        case tcp::State::CloseWait:
            return TCP_CLOSE_WAIT;
        case tcp::State::LastAck:
            return TCP_LAST_ACK;
        case tcp::State::Closing:
            return TCP_CLOSING;
        case tcp::State::Listen:
            return TCP_LISTEN;
        // The socket of a connection in TIME_WAIT has none any more.
        case tcp::State::TimeWait:
        case tcp::State::Closed:
            break;
    }
    return TCP_CLOSE;
}

// TCP_INFINITE_SSTHRESH.
constexpr std::uint64_t kInfiniteThreshold = 0x7fffffff;

std::uint64_t milliseconds(base::Duration span) {
    return static_cast<std::uint64_t>(span / std::chrono::milliseconds(1));
}

std::uint64_t microseconds(base::Duration span) {
    return static_cast<std::uint64_t>(span / std::chrono::microseconds(1));
}

}  // namespace

std::optional<std::uint64_t> tcpi_options_of(const tcp::Connection& connection) {
    if (connection.has_ecn()) return std::nullopt;  // TCPI_OPT_ECN_SEEN has no figure
    std::uint64_t options = connection.recent_timestamp() ? TCPI_OPT_TIMESTAMPS : 0;
    if (connection.has_sack()) options |= TCPI_OPT_SACK;
    if (connection.has_window_scaling()) options |= TCPI_OPT_WSCALE;
    if (connection.is_syn_text_taken()) options |= TCPI_OPT_SYN_DATA;
    return options;
}

std::optional<TcpInfo> Sockets::tcp_info(Fd fd) const {
    const auto found = table_->socket_of(fd);
    if (!found) return std::nullopt;
    const Socket& socket = (*table_)[found.value()];
    TcpInfo info;
    if (socket.stage == Stage::Listening) {
        info.set("tcpi_state", TCP_LISTEN);
        info.set("tcpi_unacked", socket.queue.size());
        info.set("tcpi_sacked", socket.backlog);
        return info;
    }
    const tcp::Connection* const connection = table_->connection(socket);
    if (connection == nullptr) {
        info.set("tcpi_state", TCP_CLOSE);
        if (socket.tcpi_options) info.set("tcpi_options", *socket.tcpi_options);
        return info;
    }
    const tcp::ConnectionSnapshot now = connection->snapshot();
    const tcp::SendSpace& snd = connection->send_space();
    const tcp::ReceiveSpace& rcv = connection->receive_space();
    const std::uint32_t mss = now.send_mss;
    info.set("tcpi_state", linux_state(now.state));
    info.set("tcpi_retransmits", now.retransmits);
    info.set("tcpi_probes", now.probes);
    info.set("tcpi_backoff", now.backoff);
    if (const auto options = tcpi_options_of(*connection)) info.set("tcpi_options", *options);
    info.set("tcpi_snd_wscale", snd.scale);
    info.set("tcpi_rcv_wscale", rcv.scale);
    info.set("tcpi_rto", microseconds(now.rto));
    info.set("tcpi_rtt", microseconds(now.smoothed_rtt));
    info.set("tcpi_rttvar", microseconds(now.rtt_variation));
    info.set("tcpi_snd_mss", mss);
    info.set("tcpi_advmss", rcv.advertised_mss);
    info.set("tcpi_snd_cwnd", mss > 0 ? now.congestion_window_bytes / mss : 0);
    info.set("tcpi_unacked", mss > 0 ? (snd.flight() + mss - 1) / mss : 0);
    info.set("tcpi_snd_wnd", snd.wnd);
    info.set("tcpi_rcv_wnd", rcv.wnd());
    const tcp::LossRecovery& recovery = connection->recovery();
    // In segments, as Linux counts; the last may be short of one.
    const auto segments = [mss](std::uint32_t bytes) { return mss > 0 ? (bytes + mss - 1) / mss : 0; };
    info.set("tcpi_ca_state", static_cast<std::uint64_t>(recovery.state()));  // the same five, in one order
    info.set("tcpi_sacked", segments(recovery.sacked_bytes()));
    info.set("tcpi_lost", segments(recovery.records().lost_bytes()));
    info.set("tcpi_retrans", segments(recovery.records().retransmitted_bytes()));
    if (recovery.min_rtt() >= base::Duration::zero())
        info.set("tcpi_min_rtt", microseconds(recovery.min_rtt()));
    const std::uint32_t threshold = now.slow_start_threshold_bytes;
    info.set("tcpi_snd_ssthresh",
             threshold < tcp::kCongestionWindowMax && mss > 0 ? threshold / mss : kInfiniteThreshold);
    // Linux counts our SYN too, when it is acknowledged.
    const bool is_opening = now.state == tcp::State::SynSent || now.state == tcp::State::SynReceived;
    info.set("tcpi_delivered", mss > 0 ? (now.delivered_bytes + mss - 1) / mss + (is_opening ? 0 : 1) : 0);
    info.set("tcpi_reordering", recovery.rack().reordering_degree());
    info.set("tcpi_reord_seen", recovery.rack().reorderings());
    info.set("tcpi_notsent_bytes", connection->unsent_bytes());
    const base::Instant time = machine_.now();
    info.set("tcpi_last_data_sent", milliseconds(time - now.text_sent_at));
    info.set("tcpi_last_data_recv", milliseconds(time - now.text_received_at));
    const tcp::SendTimes& times = now.send_times;
    info.set("tcpi_busy_time", microseconds(times.busy(time)));
    info.set("tcpi_rwnd_limited", microseconds(times.window_limited(time)));
    info.set("tcpi_sndbuf_limited", microseconds(times.buffer_limited(time)));
    info.set("tcpi_rcv_rtt", microseconds(now.receive_rtt));
    info.set("tcpi_rcv_space", now.receive_space_bytes);
    return info;
}

}  // namespace terminus::drill
