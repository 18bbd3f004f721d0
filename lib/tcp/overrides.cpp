#include "tcp/overrides.hpp"

namespace terminus::tcp {

Tunables TunableOverrides::applied_to(const Tunables& process) const {
    Tunables result = process;
    // RFC 9293 3.7.4, MUST-17.
    result.nodelay = nodelay.value_or(process.nodelay);
    // RFC 9293 3.8.4, MUST-24, MUST-27: on or off, and how often, for a connection.
    result.keepalive = keepalive.value_or(process.keepalive);
    result.keepalive_time = keepalive_time.value_or(process.keepalive_time);
    result.keepalive_intvl = keepalive_intvl.value_or(process.keepalive_intvl);
    result.keepalive_probes = keepalive_probes.value_or(process.keepalive_probes);
    // RFC 9293 3.8.3, MUST-21: R2 for a connection.
    result.user_timeout = user_timeout.value_or(process.user_timeout);
    result.fin_timeout = fin_timeout.value_or(process.fin_timeout);
    result.syn_retries = syn_retries.value_or(process.syn_retries);
    result.rmem = rmem.value_or(process.rmem);
    result.wmem = wmem.value_or(process.wmem);
    result.notsent_lowat = notsent_lowat.value_or(process.notsent_lowat);
    result.congestion_control = congestion_control.value_or(process.congestion_control);
    result.fastopen = fastopen.value_or(process.fastopen);
    result.fastopen_key = fastopen_key.value_or(process.fastopen_key);
    result.max_fastopen = max_fastopen.value_or(process.max_fastopen);
    result.hop_limit = hop_limit.value_or(process.hop_limit);
    // RFC 9293 3.9.1.9, MUST-48.
    result.traffic_class = traffic_class.value_or(process.traffic_class);
    result.auto_flowlabels = auto_flowlabels.value_or(process.auto_flowlabels);
    return result;
}

}  // namespace terminus::tcp
