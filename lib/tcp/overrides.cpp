#include "tcp/overrides.hpp"

namespace terminus::tcp {

Tunables TunableOverrides::applied_to(const Tunables& process) const {
    Tunables result = process;
    result.nodelay = nodelay.value_or(process.nodelay);
    result.keepalive = keepalive.value_or(process.keepalive);
    result.keepalive_time = keepalive_time.value_or(process.keepalive_time);
    result.keepalive_intvl = keepalive_intvl.value_or(process.keepalive_intvl);
    result.keepalive_probes = keepalive_probes.value_or(process.keepalive_probes);
    result.user_timeout = user_timeout.value_or(process.user_timeout);
    result.fin_timeout = fin_timeout.value_or(process.fin_timeout);
    result.syn_retries = syn_retries.value_or(process.syn_retries);
    result.rmem = rmem.value_or(process.rmem);
    result.wmem = wmem.value_or(process.wmem);
    result.hop_limit = hop_limit.value_or(process.hop_limit);
    result.traffic_class = traffic_class.value_or(process.traffic_class);
    return result;
}

}  // namespace terminus::tcp
