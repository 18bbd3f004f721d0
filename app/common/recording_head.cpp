#include "common/recording_head.hpp"

#include <array>
#include <cstddef>

namespace terminus::app {
namespace {

/// The order of record::Head::keys; `Chance` is one, constant or not.
template <typename Secrets, typename Key>
auto keys_of(Secrets& secrets, Key& table_key) {
    return std::array{&secrets.isn,       &secrets.timestamp_offset, &secrets.syn_cookie,
                      &secrets.fast_open, &secrets.flow_label,       &table_key};
}

}  // namespace

record::PortFacts recorded_port(const std::string& name, const packet::PortCapabilities& able,
                                wire::MacAddress mac, std::uint16_t mtu, const flow::RssConfig& rss) {
    record::PortFacts port;
    port.name = name;
    port.mac = mac;
    port.mtu = mtu;
    port.tx_segments_max = able.tx_segments_max;
    port.tso_segments_max = able.tso_segments_max;
    port.tx_ipv4_checksum = able.tx_ipv4_checksum;
    port.tx_tcp_checksum = able.tx_tcp_checksum;
    port.tx_multi_segment = able.tx_multi_segment;
    port.tx_indirect_buffers = able.tx_indirect_buffers;
    port.keeps_pointer = able.keeps_pointer;
    port.rx_checksum = able.rx_checksum;
    port.rss_key = rss.key;
    port.rss_queues = rss.reta;
    return port;
}

packet::PortCapabilities capabilities_of(const record::PortFacts& port) {
    return {.tx_ipv4_checksum = port.tx_ipv4_checksum,
            .tx_tcp_checksum = port.tx_tcp_checksum,
            .tx_multi_segment = port.tx_multi_segment,
            .tx_indirect_buffers = port.tx_indirect_buffers,
            .keeps_pointer = port.keeps_pointer,
            .rx_checksum = port.rx_checksum,
            .tx_segments_max = port.tx_segments_max,
            .tso_segments_max = port.tso_segments_max};
}

control::PortFacts port_facts(const record::PortFacts& port, std::uint16_t workers) {
    const std::uint16_t queues = port.rss_queues.empty() ? std::uint16_t{1} : workers;
    return {port.mac, port.mtu, steering_of({port.rss_key, port.rss_queues, queues}, workers)};
}

flow::Steering steering_of(const flow::RssConfig& rss, std::uint16_t workers) {
    std::vector<std::uint16_t> worker_of_queue;
    for (std::uint16_t worker = 0; worker < workers; ++worker)
        worker_of_queue.push_back(worker);
    return flow::Steering(rss, worker_of_queue, workers);
}

void keep_chance(const worker::Settings& settings, record::Head& head) {
    head.seed = settings.stack.seed;
    const auto keys = keys_of(settings.stack.secrets, settings.stack.table_key);
    for (std::size_t i = 0; i < keys.size(); ++i)
        head.keys[i] = keys[i]->bytes;
}

control::Chance chance_of(const record::Head& head) {
    control::Chance chance;
    chance.seed = head.seed;
    const auto keys = keys_of(chance.secrets, chance.table_key);
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i]->bytes = head.keys[i];
    return chance;
}

}  // namespace terminus::app
