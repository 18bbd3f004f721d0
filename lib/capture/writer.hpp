#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

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
    /// The file and what is to go there next: three small pieces make a frame, and copying one costs less
    /// than a call of fwrite().
    class Output {
     public:
        explicit Output(std::FILE* file);
        Output(const Output&) = delete;
        Output& operator=(const Output&) = delete;
        ~Output() { static_cast<void>(close()); }
        void put(base::Bytes bytes);
        /// The first error there was, as errno has it; 0 for none.
        [[nodiscard]] int close();

     private:
        /// Few system calls, and it stays in the second-level cache.
        static constexpr std::size_t kBytes = 1u << 18;
        void flush();
        void note_error();

        std::FILE* file_;
        std::vector<std::uint8_t> waiting_;
        int error_ = 0;
    };
    Writer(std::FILE* file, std::string path);

    std::unique_ptr<Output> output_;
    std::string path_;
    Counters counters_;
};

}  // namespace terminus::capture
