// A worker's state as bytes, and a worker made of them: where a recording begins that doesn't begin with the
// process (docs/decisions/recording.md).

#include <utility>

#include "base/archive.hpp"
#include "packet/archive.hpp"
#include "worker/worker.hpp"

namespace terminus::worker {
namespace {

// "TERMSNA" and a number that grows with whatever changes the meaning of the bytes and not the size of
// anything.
constexpr std::uint64_t kVersion = 0x01'41'4e'53'4d'52'45'54;

}  // namespace

// Not in it: statistics, and what other workers want sent through ports of this one, which is their doing.
template <typename Archive>
void Worker::archive(Archive& a) {
    a.same(settings_.stack.worker);
    a.same(settings_.stack.workers);
    a(turn_began_, idle_turns_);
    network_.archive(a);
    proxy_.archive(a);
    stack_.archive(a);
}

std::vector<std::uint8_t> Worker::save() const {
    base::ArchiveWriter writer(stack_.archive_bytes_expected());
    const_cast<Worker*>(this)->archive(writer);  // which changes nothing that anybody could tell
    return std::move(writer).finish(kVersion);
}

base::Result<void, std::string> Worker::restore(base::Bytes snapshot) {
    const auto content = base::ArchiveReader::open(snapshot, kVersion);
    if (!content) return base::Failure{std::string(content.error())};
    packet::BufferReader reader(content.value(), settings_.stack.buffers.payload);
    archive(reader);
    if (reader.ok()) reader.require(reader.at_end());
    if (!reader.ok()) return base::Failure{std::string(reader.fault())};
    stats_.source_ports_used.set(proxy_.source_ports_used());
    publish();
    return {};
}

}  // namespace terminus::worker
