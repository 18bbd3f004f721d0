#include "base/archive.hpp"

#include <array>
#include <bit>
#include <utility>

namespace terminus::base {

// Four sums side by side, so that a multiplication need not wait for the one before it. Each step maps
// different sums to different sums, so one word that differs is never made up for by equal ones.
std::uint64_t digest_of(Bytes bytes) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15u;
    constexpr std::size_t kLanes = 4;
    std::array<std::uint64_t, kLanes> sums{1, 2, 3, 4};
    const auto step = [](std::uint64_t sum, std::uint64_t word) { return std::rotl(sum ^ word, 29) * kOdd; };
    while (bytes.size() >= sizeof sums) {
        std::array<std::uint64_t, kLanes> words;
        std::memcpy(words.data(), bytes.data(), sizeof words);
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            sums[lane] = step(sums[lane], words[lane]);
        bytes = bytes.subspan(sizeof sums);
    }
    std::array<std::uint64_t, kLanes> last{};
    if (!bytes.empty()) std::memcpy(last.data(), bytes.data(), bytes.size());
    std::uint64_t digest = bytes.size();
    for (std::size_t lane = 0; lane < kLanes; ++lane)
        digest = step(digest, step(sums[lane], last[lane]));
    return digest;
}

std::vector<std::uint8_t> ArchiveWriter::finish(std::uint64_t version) && {
    const Bytes content = Bytes(bytes_).subspan(sizeof(ArchiveHeader));
    const ArchiveHeader header{version, content.size(), digest_of(content)};
    std::memcpy(bytes_.data(), &header, sizeof header);
    return std::move(bytes_);
}

Result<Bytes, const char*> ArchiveReader::open(Bytes archive, std::uint64_t version) {
    ArchiveHeader header;
    if (archive.size() < sizeof header) return Failure{kCut};
    std::memcpy(&header, archive.data(), sizeof header);
    const Bytes content = archive.subspan(sizeof header);
    if (header.version != version) return Failure{kOtherVersion};
    if (content.size() < header.length) return Failure{kCut};
    if (content.size() > header.length || digest_of(content) != header.digest) return Failure{kDamaged};
    return content;
}

}  // namespace terminus::base
