#pragma once

#include <cstdint>

namespace terminus::bench {

struct HeldBench {
    std::uint32_t open = 1'000'000;
    bool is_v6 = false;
    bool has_offloads = true;
};

/// Opens proxied connections, leaves them alone for a minute of the worker's time, has each answer a request
/// with text of its own, closes them, and throws unless nothing is left of them: no buffer, port or handle,
/// and no byte has been lost or found.
void bench_held(const HeldBench& settings);

/// Connections of every kind, requests and full segments at full rate, for so long, beside connections that
/// are open, of which some are closed and opened all the time. Ends as bench_held() does.
void bench_soak(std::uint32_t seconds, const HeldBench& settings);

}  // namespace terminus::bench
