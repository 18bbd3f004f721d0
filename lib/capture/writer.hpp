#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace terminus::capture {

/// Writes Ethernet frames as a classic pcap file with nanoseconds: the same bytes for the same frames on any
/// machine.
class Writer {
 public:
    /// In the file's header; no frame is longer.
    static constexpr std::uint32_t kSnapLength = 262144;

    struct Counters {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;  ///< of the frames
    };

    /// An existing file is overwritten. The error names the file and the system's reason.
    [[nodiscard]] static base::Result<Writer, std::string> create(const std::string& path);

    /// Begins a frame of `length` bytes, which add() then gives in pieces. `stamp` is since 1970, below the
    /// 136 years that the format holds. What can't be written is reported by close().
    void begin(base::Duration stamp, std::uint32_t length);
    void add(base::Bytes piece);

    /// Ends the file. The error, of now or of any frame before: what the system said.
    [[nodiscard]] base::Result<void, std::string> close();

    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    struct CloseFile {
        void operator()(std::FILE* file) const;
    };
    Writer(std::FILE* file, std::string path);
    void put(const void* bytes, std::size_t size);

    std::unique_ptr<std::FILE, CloseFile> file_;
    std::string path_;
    Counters counters_;
    int error_ = 0;  // the first
};

}  // namespace terminus::capture
