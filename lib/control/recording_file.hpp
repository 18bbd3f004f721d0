#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "record/layout.hpp"

namespace terminus::control {

/// A recording on disk, as record/layout.hpp has it: whole parts and nothing else, also when the disk is
/// full.
class RecordingFile {
 public:
    /// What is kept for the end, which tells why there is no more.
    static constexpr std::uint64_t kEndBytes = 4096;

    RecordingFile() = default;
    RecordingFile(RecordingFile&& other) noexcept;
    RecordingFile& operator=(RecordingFile&& other) noexcept;
    ~RecordingFile();

    /// A new file that only its owner may read, for it holds keys. The error names it and the reason; one
    /// that is there already is never touched.
    [[nodiscard]] static base::Result<RecordingFile, std::string> create(const std::string& path,
                                                                         std::uint64_t limit_bytes);

    /// Appends a part. The error, after which only end() may come: the limit, or what the system said.
    [[nodiscard]] base::Result<void, std::string> append(record::ChunkKind kind, std::uint16_t worker,
                                                         const std::array<base::Bytes, 2>& content);
    /// The last part; what can't be written any more is left out.
    void end(const std::string& why);
    [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
    [[nodiscard]] bool write(base::Bytes bytes);

    int fd_ = -1;
    std::uint64_t limit_bytes_ = UINT64_MAX;
    std::uint64_t size_ = 0;  // of whole parts
};

}  // namespace terminus::control
