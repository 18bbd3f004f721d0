#include "memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

#include "tcp/connection.hpp"

namespace terminus::bench {
namespace {

/// Fewer than that fit any machine on which this is built.
constexpr double kUnquestioned = 500'000;
/// Worlds by which a connection is measured. Their tables are powers of two, one twice the other.
constexpr double kSmall = 100'000;
constexpr double kLarge = 200'000;
constexpr double kLegs = 2;
/// For the rest of the machine, and for what does not grow with connections.
constexpr double kReserveBytes = 512e6;

double statm(int field) {
    std::ifstream file("/proc/self/statm");
    double pages = 0;
    for (int i = 0; i <= field; ++i)
        file >> pages;
    return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double available_bytes() {
    std::ifstream file("/proc/meminfo");
    for (std::string name; file >> name; file.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
        double kibibytes = 0;
        if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
    }
    throw std::runtime_error("/proc/meminfo does not say what is available");
}

// All that a worker may ever touch is mapped when it is made.
double mapped_by(World::Settings settings, double part) {
    settings.staying = static_cast<std::uint32_t>(part * settings.staying);
    settings.time_waits = static_cast<std::uint32_t>(part * settings.time_waits);
    const double before = statm(0);
    const World world(settings);
    return statm(0) - before;
}

}  // namespace

double resident_bytes() {
    return statm(1);
}

void require_memory(const World::Settings& settings, bool mostly_at_rest) {
    const double count = std::max(settings.staying, settings.time_waits);
    if (count < kUnquestioned) return;
    double each =
        (mapped_by(settings, kLarge / count) - mapped_by(settings, kSmall / count)) / (kLarge - kSmall);
    if (mostly_at_rest) each -= kLegs * sizeof(tcp::Connection);
    const double needed = each * count + kReserveBytes;
    const double available = available_bytes();
    if (needed <= available) return;
    char reason[256];
    std::snprintf(reason, sizeof reason,
                  "not enough memory: %u connections and %u TIME_WAITs, with their clients and backends, are "
                  "%.0f times %.0f bytes, which with %.1f GB for the rest are %.1f GB; %.1f GB are available",
                  settings.staying, settings.time_waits, count, each, kReserveBytes / 1e9, needed / 1e9,
                  available / 1e9);
    throw NotEnoughMemory(reason);
}

}  // namespace terminus::bench
