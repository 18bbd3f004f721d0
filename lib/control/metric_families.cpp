#include "control/metric_families.hpp"

#include "config/sysctl.hpp"

namespace terminus::control::families {
namespace {

using prometheus::MetricFamily;
using stats::CoreStats;
using stats::Counter;
using stats::LegStats;

constexpr const char* kLegNames[stats::kLegs] = {"client", "backend"};

/// The sum of one leg's counter over all workers.
template <typename Get>
double sum(const worker::Group& group, std::size_t leg, Get get) {
    double total = 0;
    for (std::uint32_t i = 0; i < group.size(); ++i) {
        const Counter& one = get(group.stats(i).legs[leg]);
        total += static_cast<double>(one.value());
    }
    return total;
}

template <typename Get>
double sum(const worker::Group& group, Get get) {
    double total = 0;
    for (std::uint32_t i = 0; i < group.size(); ++i) {
        const Counter& one = get(group.stats(i));
        total += static_cast<double>(one.value());
    }
    return total;
}

/// One counter of each leg.
void add_simple_leg_counter(Families& out, const worker::Group& group, const char* name, const char* help,
                            Counter LegStats::*member) {
    MetricFamily family = counter(name, help);
    for (std::size_t leg = 0; leg < stats::kLegs; ++leg) {
        add(family, {{"leg", kLegNames[leg]}},
            sum(group, leg, [&](const LegStats& s) -> const Counter& { return s.*member; }));
    }
    out.push_back(std::move(family));
}

/// A counter for each leg and each member of a list of reasons.
template <typename Enum, std::size_t N, std::size_t M>
void add_reasons(MetricFamily& family, const worker::Group& group, Labels extra, const char* label,
                 const stats::ReasonText (&texts)[M], stats::CounterArray<Enum, N> LegStats::*member) {
    static_assert(N == M, "one text for each counter");
    for (std::size_t leg = 0; leg < stats::kLegs; ++leg) {
        for (std::size_t i = 0; i < N; ++i) {
            Labels labels{{"leg", kLegNames[leg]}};
            labels.insert(labels.end(), extra.begin(), extra.end());
            labels.emplace_back(label, std::string(texts[i].label));
            add(family, labels, sum(group, leg, [&](const LegStats& s) -> const Counter& {
                    return (s.*member)[static_cast<Enum>(i)];
                }));
        }
    }
}

void add_connections(Families& out, const worker::Group& group) {
    MetricFamily connections =
        gauge("terminus_connections",
              "Connections by leg and TCP state (Linux TcpCurrEstab is established and close_wait)");
    for (std::size_t leg = 0; leg < stats::kLegs; ++leg) {
        for (std::size_t state = 0; state < stats::kTcpStates; ++state) {
            const auto is = static_cast<tcp::State>(state);
            // LISTEN is a row of the service table and CLOSED the absence of a connection.
            if (is == tcp::State::Closed || is == tcp::State::Listen) continue;
            add(connections, {{"leg", kLegNames[leg]}, {"state", std::string(tcp::label(is))}},
                sum(group, leg, [&](const LegStats& s) -> const Counter& { return s.connections[state]; }));
        }
    }
    out.push_back(std::move(connections));

    MetricFamily opens = counter("terminus_opens_total",
                                 "Connections begun, actively by our SYN or passively by a peer's (Linux "
                                 "TcpActiveOpens, TcpPassiveOpens)");
    for (std::size_t leg = 0; leg < stats::kLegs; ++leg) {
        const auto active = [](const LegStats& s) -> const Counter& { return s.opens_active; };
        const auto passive = [](const LegStats& s) -> const Counter& { return s.opens_passive; };
        add(opens, {{"leg", kLegNames[leg]}, {"kind", "active"}}, sum(group, leg, active));
        add(opens, {{"leg", kLegNames[leg]}, {"kind", "passive"}}, sum(group, leg, passive));
    }
    out.push_back(std::move(opens));
}

void add_resets(Families& out, const worker::Group& group) {
    MetricFamily resets =
        counter("terminus_resets_total",
                "RSTs sent, by reason, and received (Linux TcpOutRsts; TcpEstabResets is near)");
    add_reasons(resets, group, {{"direction", "sent"}}, "reason", stats::kResetReasons,
                &LegStats::resets_sent);
    for (std::size_t leg = 0; leg < stats::kLegs; ++leg) {
        const auto received = [](const LegStats& s) -> const Counter& { return s.resets_received; };
        add(resets, {{"leg", kLegNames[leg]}, {"direction", "received"}, {"reason", "peer"}},
            sum(group, leg, received));
    }
    out.push_back(std::move(resets));
}

void add_recovery(Families& out, const worker::Group& group) {
    add_simple_leg_counter(out, group, "terminus_fast_recoveries_total",
                           "Fast recoveries begun (Linux TcpExtTCPSackRecovery and TcpExtTCPRenoRecovery)",
                           &LegStats::recoveries);
    add_simple_leg_counter(
        out, group, "terminus_spurious_recoveries_total",
        "Fast recoveries found needless and taken back (Linux TcpExtTCPFullUndo, TcpExtTCPDSACKUndo)",
        &LegStats::spurious_recoveries);
    add_simple_leg_counter(out, group, "terminus_spurious_timeouts_total",
                           "Time-outs found needless and taken back, RFC 5682 (Linux TcpExtTCPSpuriousRTOs)",
                           &LegStats::spurious_timeouts);
    add_simple_leg_counter(out, group, "terminus_tail_loss_probes_total",
                           "Tail loss probes sent, RFC 8985 (Linux TcpExtTCPLossProbes)",
                           &LegStats::tail_loss_probes);
    add_simple_leg_counter(out, group, "terminus_tail_losses_repaired_total",
                           "Losses that a tail loss probe alone repaired (Linux TcpExtTCPLossProbeRecovery)",
                           &LegStats::tail_losses);
    add_simple_leg_counter(out, group, "terminus_congestion_marks_total",
                           "Segments received with a congestion mark, RFC 3168 (Linux IpExtInCEPkts)",
                           &LegStats::congestion_marks);
    add_simple_leg_counter(out, group, "terminus_ecn_reductions_total",
                           "Window reductions for an echoed congestion mark, RFC 3168",
                           &LegStats::ecn_reductions);
    add_simple_leg_counter(
        out, group, "terminus_reordering_seen_total",
        "Segments found to have arrived at the peer out of order (Linux TcpExtTCPSACKReorder)",
        &LegStats::reordering_seen);
    add_simple_leg_counter(out, group, "terminus_dsacks_received_total",
                           "Duplicates that the peer reported, RFC 2883 (Linux TcpExtTCPDSACKRecv)",
                           &LegStats::dsacks_received);
    add_simple_leg_counter(out, group, "terminus_sack_reneging_total",
                           "Times a peer went back on a SACK (Linux TcpExtTCPSACKReneging)",
                           &LegStats::sack_reneging);
    add_simple_leg_counter(out, group, "terminus_sack_blocks_ignored_total",
                           "SACK blocks outside of what was outstanding (Linux TcpExtTCPSACKDiscard)",
                           &LegStats::sack_blocks_ignored);
    add_simple_leg_counter(out, group, "terminus_icmp_soft_errors_total",
                           "ICMP errors about what was in flight that ended nothing, RFC 5461 and 5927",
                           &LegStats::icmp_soft_errors);
    add_simple_leg_counter(out, group, "terminus_path_black_holes_total",
                           "Time-outs that made segments smaller, RFC 4821 (mtu_probing)",
                           &LegStats::path_black_holes);
    add_simple_leg_counter(out, group, "terminus_mtu_probes_arrived_total",
                           "Larger segments sent to try the path that got through, RFC 4821 (Linux "
                           "TcpExtTCPMTUPSuccess)",
                           &LegStats::mtu_probes_arrived);
    add_simple_leg_counter(
        out, group, "terminus_mtu_probes_lost_total",
        "Larger segments sent to try the path that were lost, RFC 4821 (Linux TcpExtTCPMTUPFail)",
        &LegStats::mtu_probes_lost);
}

}  // namespace

MetricFamily counter(const char* name, const char* help) {
    return {name, help, prometheus::MetricType::Counter, {}};
}
MetricFamily gauge(const char* name, const char* help) {
    return {name, help, prometheus::MetricType::Gauge, {}};
}

void add(MetricFamily& family, const Labels& labels, double value) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels)
        metric.label.push_back({name, text});
    if (family.type == prometheus::MetricType::Counter) {
        metric.counter.value = value;
    } else {
        metric.gauge.value = value;
    }
    family.metric.push_back(std::move(metric));
}

void add_legs(Families& out, const worker::Group& group) {
    add_connections(out, group);
    add_simple_leg_counter(out, group, "terminus_handshakes_total", "Handshakes completed",
                           &LegStats::established);

    MetricFamily closes = counter("terminus_closes_total",
                                  "Connections ended, by reason (Linux: TcpAttemptFails, TcpEstabResets, "
                                  "TcpExtTCPAbortOn* and TcpExtTW are sums of some)");
    add_reasons(closes, group, {}, "reason", stats::kCloseReasons, &LegStats::closes);
    out.push_back(std::move(closes));

    MetricFamily retransmits = counter("terminus_retransmitted_segments_total",
                                       "Segments sent again, by cause (Linux TcpRetransSegs is the sum)");
    add_reasons(retransmits, group, {}, "cause", stats::kRetransmitCauses, &LegStats::retransmits);
    out.push_back(std::move(retransmits));
    add_simple_leg_counter(out, group, "terminus_retransmitted_bytes_total", "Payload bytes sent again",
                           &LegStats::segments_retransmitted_bytes);
    add_recovery(out, group);

    add_resets(out, group);

    MetricFamily timers =
        counter("terminus_timer_expirations_total",
                "Expirations, by timer (Linux TcpExtTCPTimeouts is retransmission and "
                "establishment, TcpExtTCPKeepAlive keepalive, TcpExtDelayedACKs delayed_ack)");
    add_reasons(timers, group, {}, "timer", stats::kTimers, &LegStats::timer_expirations);
    out.push_back(std::move(timers));

    add_simple_leg_counter(out, group, "terminus_received_bytes_total", "Payload bytes received in order",
                           &LegStats::bytes_received);
    add_simple_leg_counter(out, group, "terminus_sent_bytes_total",
                           "Payload bytes that the peer acknowledged", &LegStats::bytes_sent);
    add_simple_leg_counter(out, group, "terminus_received_segments_total",
                           "TCP segments received (Linux TcpInSegs)", &LegStats::segments_received);
    add_simple_leg_counter(out, group, "terminus_sent_segments_total", "TCP segments sent (Linux TcpOutSegs)",
                           &LegStats::segments_sent);
    add_simple_leg_counter(out, group, "terminus_challenge_acks_total",
                           "Challenge ACKs sent, RFC 5961 (Linux TcpExtTCPChallengeACK)",
                           &LegStats::challenge_acks);
    add_simple_leg_counter(
        out, group, "terminus_challenge_acks_limited_total",
        "Challenge ACKs not sent because of their limit (Linux TcpExtTCPACKSkippedChallenge)",
        &LegStats::challenge_acks_limited);
    add_simple_leg_counter(out, group, "terminus_out_of_order_segments_total",
                           "Segments that arrived before one they follow (Linux TcpExtTCPOFOQueue)",
                           &LegStats::out_of_order_segments);
    add_simple_leg_counter(out, group, "terminus_duplicate_segments_total",
                           "Segments whose payload was there already", &LegStats::duplicate_segments);
    add_simple_leg_counter(out, group, "terminus_zero_window_probes_total",
                           "Probes of a closed window sent (Linux TcpExtTCPWinProbe)",
                           &LegStats::zero_window_probes_sent);
    add_simple_leg_counter(out, group, "terminus_zero_windows_total",
                           "Zero windows advertised (Linux TcpExtTCPToZeroWindowAdv)",
                           &LegStats::zero_windows_advertised);
}

void add_fast_open(Families& out, const worker::Group& group) {
    const auto total = [&](Counter CoreStats::*member) {
        return sum(group, [&](const CoreStats& s) -> const Counter& { return s.*member; });
    };
    MetricFamily fast_opens = counter(
        "terminus_fast_opens_total",
        "SYNs with a Fast Open cookie that opened a connection at once, were refused for a wrong cookie, or "
        "were beyond max_fastopen (Linux TcpExtTCPFastOpenPassive, -PassiveFail, -ListenOverflow)");
    add(fast_opens, {{"result", "accepted"}}, total(&CoreStats::fast_opens_accepted));
    add(fast_opens, {{"result", "refused"}}, total(&CoreStats::fast_opens_refused));
    add(fast_opens, {{"result", "limited"}}, total(&CoreStats::fast_opens_limited));
    out.push_back(std::move(fast_opens));
    MetricFamily active = counter(
        "terminus_fast_opens_active_total",
        "SYNs to backends whose text was acknowledged with them or was not, and those lost with an option "
        "and answered without, after which the backend is left alone for a while (Linux "
        "TcpExtTCPFastOpenActive, -ActiveFail, -Blackhole)");
    add(active, {{"result", "accepted"}}, total(&CoreStats::fast_opens_active));
    add(active, {{"result", "failed"}}, total(&CoreStats::fast_opens_active_failed));
    add(active, {{"result", "lost"}}, total(&CoreStats::fast_open_blackholes));
    out.push_back(std::move(active));
    MetricFamily fast_open_cookies = counter(
        "terminus_fast_open_cookies_total",
        "Fast Open cookies that clients asked for and that were sent to them, asked for or instead of a "
        "wrong or old one (Linux TcpExtTCPFastOpenCookieReqd)");
    add(fast_open_cookies, {{"event", "requested"}}, total(&CoreStats::fast_open_cookies_requested));
    add(fast_open_cookies, {{"event", "sent"}}, total(&CoreStats::fast_open_cookies_sent));
    out.push_back(std::move(fast_open_cookies));
}

void add_process(Families& out, const worker::Group& group) {
    const auto total = [&](Counter CoreStats::*member) {
        return sum(group, [&](const CoreStats& s) -> const Counter& { return s.*member; });
    };
    const auto one = [&](MetricFamily family, Counter CoreStats::*member) {
        add(family, {}, total(member));
        out.push_back(std::move(family));
    };
    one(gauge("terminus_time_wait_entries", "Connections in TIME_WAIT (Linux: tw in /proc/net/sockstat)"),
        &CoreStats::time_wait);
    one(gauge("terminus_half_open_connections", "Handshakes that wait for a client's ACK"),
        &CoreStats::half_open);
    one(gauge("terminus_resting_connections", "Legs that have been quiet for a while and are packed"),
        &CoreStats::connections_resting);
    one(counter("terminus_woken_connections_total", "Legs that were packed and are wanted again"),
        &CoreStats::connections_woken);
    MetricFamily cookies =
        counter("terminus_syn_cookies_total",
                "SYN cookies sent, accepted from a client's ACK, and refused (Linux TcpExtSyncookiesSent, "
                "TcpExtSyncookiesRecv, TcpExtSyncookiesFailed)");
    add(cookies, {{"result", "sent"}}, total(&CoreStats::syn_cookies_sent));
    add(cookies, {{"result", "accepted"}}, total(&CoreStats::syn_cookies_accepted));
    add(cookies, {{"result", "refused"}}, total(&CoreStats::syn_cookies_refused));
    out.push_back(std::move(cookies));
    add_fast_open(out, group);
    one(gauge("terminus_out_of_order_buffers", "Buffers held until a gap before them is filled"),
        &CoreStats::out_of_order_buffers);
    one(gauge("terminus_neighbours", "Resolved entries of the ARP and neighbour discovery cache"),
        &CoreStats::neighbours);

    MetricFamily drops =
        counter("terminus_drops_total",
                "Received frames and segments not accepted, and frames not sent, by reason (Linux: "
                "TcpInErrs, TcpInCsumErrors, IpInHdrErrors and others)");
    for (std::size_t i = 0; i < std::size(stats::kDropReasons); ++i) {
        add(drops, {{"reason", std::string(stats::kDropReasons[i].label)}},
            sum(group, [&](const CoreStats& s) -> const Counter& {
                return s.drops[static_cast<stats::DropReason>(i)];
            }));
    }
    out.push_back(std::move(drops));

    one(counter("terminus_software_checksums_total", "Received checksums verified by us, not by the device"),
        &CoreStats::checksums_verified_in_software);
    one(counter("terminus_received_fragments_total", "IP fragments received (Linux IpReasmReqds)"),
        &CoreStats::fragments_received);
    one(counter("terminus_reassembled_datagrams_total",
                "Datagrams made whole of fragments (Linux IpReasmOKs)"),
        &CoreStats::datagrams_reassembled);
}

void add_workers(Families& out, const worker::Group& group) {
    const auto per_worker = [&](MetricFamily& family, const Labels& extra, double scale, auto get) {
        for (std::uint32_t i = 0; i < group.size(); ++i) {
            Labels labels{{"worker", std::to_string(i)}};
            labels.insert(labels.end(), extra.begin(), extra.end());
            add(family, labels, static_cast<double>(get(group.stats(i))) * scale);
        }
    };
    const auto one = [&](MetricFamily family, Counter CoreStats::*member, double scale = 1) {
        per_worker(family, {}, scale, [&](const CoreStats& s) { return (s.*member).value(); });
        out.push_back(std::move(family));
    };
    one(counter("terminus_received_frames_total", "Ethernet frames received"), &CoreStats::frames_received);
    one(counter("terminus_sent_frames_total", "Ethernet frames sent"), &CoreStats::frames_sent);
    one(counter("terminus_tso_frames_total", "Of the frames sent, those that the device cuts into segments"),
        &CoreStats::tso_frames);
    one(counter("terminus_tso_segments_total", "Segments that devices make of them"),
        &CoreStats::tso_segments);
    one(counter("terminus_received_frame_bytes_total", "Bytes of frames received, Ethernet header included"),
        &CoreStats::bytes_received);
    one(counter("terminus_sent_frame_bytes_total", "Bytes of frames sent, Ethernet header included"),
        &CoreStats::bytes_sent);

    MetricFamily hand_overs = counter("terminus_hand_overs_total",
                                      "Frames that landed on a worker that does not own "
                                      "their connection, given away and taken");
    per_worker(hand_overs, {{"direction", "sent"}}, 1,
               [](const CoreStats& s) { return s.hand_overs_sent.value(); });
    per_worker(hand_overs, {{"direction", "received"}}, 1,
               [](const CoreStats& s) { return s.hand_overs_received.value(); });
    out.push_back(std::move(hand_overs));

    MetricFamily buffers =
        gauge("terminus_buffers", "Packet buffers in use and free, as the worker sees its pool");
    per_worker(buffers, {{"state", "used"}}, 1, [](const CoreStats& s) { return s.buffers_used.value(); });
    per_worker(buffers, {{"state", "free"}}, 1, [](const CoreStats& s) {
        const std::uint64_t used = s.buffers_used.value();
        const std::uint64_t total = s.buffers_total.value();
        return total > used ? total - used : 0;
    });
    out.push_back(std::move(buffers));

    one(gauge("terminus_source_ports", "Source ports in use towards backends"),
        &CoreStats::source_ports_used);
    one(counter("terminus_source_ports_exhausted_total",
                "Connections to a backend not opened for want of a source port"),
        &CoreStats::source_ports_exhausted);

    constexpr double kSecondsPerNanosecond = 1e-9;
    one(counter("terminus_worker_busy_seconds_total", "Time in turns that did work"), &CoreStats::busy_ns,
        kSecondsPerNanosecond);
    one(counter("terminus_worker_idle_seconds_total", "Time in turns that found nothing, and asleep"),
        &CoreStats::idle_ns, kSecondsPerNanosecond);
    one(counter("terminus_worker_turns_total", "Turns of the poll loop"), &CoreStats::turns);
    one(counter("terminus_worker_busy_turns_total", "Turns of the poll loop that did work"),
        &CoreStats::turns_busy);

    MetricFamily wakes =
        counter("terminus_worker_wakes_total", "Sleeps of an idle worker, by what ended them");
    for (std::size_t i = 0; i < std::size(stats::kWakes); ++i) {
        per_worker(wakes, {{"cause", std::string(stats::kWakes[i].label)}}, 1,
                   [&](const CoreStats& s) { return s.wakes[static_cast<stats::Wake>(i)].value(); });
    }
    out.push_back(std::move(wakes));
    one(counter("terminus_worker_interrupts_missed_total",
                "Sleeps after which a frame was found that no port told of; one may come just then, ten in a "
                "row end "
                "`idle: interrupt`"),
        &CoreStats::interrupts_missed);
}

void add_ports(Families& out, const std::vector<PortReading>& ports) {
    if (ports.empty()) return;
    MetricFamily up = gauge("terminus_port_up", "1 while the port has a link");
    MetricFamily removed =
        gauge("terminus_port_removed",
              "1 once the kernel has asked for the port's device, and the port was given up, until "
              "terminusd is restarted");
    MetricFamily frames = counter("terminus_port_frames_total", "Ethernet frames, as the device counts them");
    MetricFamily bytes = counter("terminus_port_bytes_total", "Bytes of frames, as the device counts them");
    MetricFamily lost =
        counter("terminus_port_lost_frames_total",
                "Frames that the device lost: missed, for the workers left it no descriptor (Linux "
                "rx_missed_errors), no_buffer, for the pool was empty, and errors either way");
    MetricFamily offloads = gauge(
        "terminus_port_offload",
        "Work that the device may do in the workers' place: 1 where it was asked for, is offered, is used");
    for (const PortReading& port : ports) {
        const auto count = [&](MetricFamily& family, const char* label, const char* value,
                               std::uint64_t number) {
            add(family, {{"port", port.name}, {label, value}}, static_cast<double>(number));
        };
        add(up, {{"port", port.name}}, port.is_up ? 1 : 0);
        add(removed, {{"port", port.name}}, port.is_removed ? 1 : 0);
        count(frames, "direction", "received", port.received_frames);
        count(frames, "direction", "sent", port.sent_frames);
        count(bytes, "direction", "received", port.received_bytes);
        count(bytes, "direction", "sent", port.sent_bytes);
        count(lost, "reason", "missed", port.missed);
        count(lost, "reason", "no_buffer", port.no_buffer);
        count(lost, "reason", "receive_error", port.receive_errors);
        count(lost, "reason", "transmit_error", port.transmit_errors);
        for (const PortOffload& offload : port.offloads) {
            const auto state = [&](const char* name, bool is_so) {
                add(offloads, {{"port", port.name}, {"offload", offload.name}, {"state", name}},
                    is_so ? 1 : 0);
            };
            state("asked", offload.asked);
            state("offered", offload.offered);
            state("used", offload.used);
        }
    }
    for (MetricFamily* family : {&up, &removed, &frames, &bytes, &lost, &offloads})
        out.push_back(std::move(*family));
}

void add_backend_ports(Families& out, const std::vector<SourcePortWatch::Reading>& readings) {
    if (readings.empty()) return;
    MetricFamily ports = gauge("terminus_backend_source_ports",
                               "Source ports towards a backend: in use, held by a TIME_WAIT (at most), free");
    MetricFamily left =
        gauge("terminus_backend_source_ports_exhaustion_seconds",
              "Time until none is free, at the rate of the last ten seconds or so; +Inf while they don't get "
              "fewer");
    for (const SourcePortWatch::Reading& reading : readings) {
        const Labels who{
            {"pool", reading.pool}, {"backend", reading.backend}, {"worker", std::to_string(reading.worker)}};
        const auto state = [&](const char* name, std::uint32_t count) {
            Labels labels = who;
            labels.emplace_back("state", name);
            add(ports, labels, count);
        };
        state("used", reading.ports.used);
        state("time_wait", reading.ports.time_wait);
        state("free", reading.ports.free);
        add(left, who, reading.ports.seconds_left);
    }
    out.push_back(std::move(ports));
    out.push_back(std::move(left));
}

void add_tunables(Families& out, const config::Tcp& tcp) {
    MetricFamily tunables =
        gauge("terminus_tcp_tunable",
              "TCP tunables in force: seconds, bytes, pieces, 0 or 1 (Linux net.ipv4.tcp_*)");
    for (const config::TunableNumber& tunable : config::tunable_numbers(tcp)) {
        add(tunables, {{"name", tunable.name}}, tunable.value);
    }
    out.push_back(std::move(tunables));
}

}  // namespace terminus::control::families
