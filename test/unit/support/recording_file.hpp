#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/head.hpp"
#include "record/layout.hpp"

namespace terminus::test {

/// A recording's bytes, put together part by part.
class RecordingFile {
 public:
    RecordingFile() : bytes_(std::begin(record::kMagic), std::end(record::kMagic)) {}
    explicit RecordingFile(const record::Head& head) : RecordingFile() {
        chunk(record::ChunkKind::Head, encode(head));
    }

    void chunk(record::ChunkKind kind, const std::vector<std::uint8_t>& content, std::uint16_t worker = 0) {
        append(bytes_, record::ChunkHeader{.kind = static_cast<std::uint16_t>(kind),
                                           .worker = worker,
                                           .length = static_cast<std::uint32_t>(content.size())});
        bytes_.insert(bytes_.end(), content.begin(), content.end());
    }
    /// Of a worker's snapshot of `length` bytes, these.
    void snapshot(std::uint64_t length, const std::vector<std::uint8_t>& piece, std::uint16_t worker = 0) {
        std::vector<std::uint8_t> content;
        append(content, record::SnapshotHeader{length});
        content.insert(content.end(), piece.begin(), piece.end());
        chunk(record::ChunkKind::Snapshot, content, worker);
    }
    void end(const std::string& why) { chunk(record::ChunkKind::End, {why.begin(), why.end()}); }
    [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

    template <typename T>
    static void append(std::vector<std::uint8_t>& to, const T& plain) {
        const base::Bytes bytes = record::bytes_of(plain);
        to.insert(to.end(), bytes.begin(), bytes.end());
    }

 private:
    std::vector<std::uint8_t> bytes_;
};

}  // namespace terminus::test
