#include "capture/writer.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace terminus::capture {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kFileBuffer = 1u << 20;  // a million frames a second in few system calls

/// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html 4, in this machine's order, which is x86's.
struct FileHeader {
    std::uint32_t magic = 0xa1b23c4d;  // nanoseconds
    std::uint16_t major = 2;
    std::uint16_t minor = 4;
    std::uint32_t reserved[2] = {};
    std::uint32_t snap_length = Writer::kSnapLength;
    std::uint32_t link_type = 1;  // Ethernet
};
struct RecordHeader {
    std::uint32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::uint32_t captured = 0;
    std::uint32_t length = 0;
};
static_assert(sizeof(FileHeader) == 24 && sizeof(RecordHeader) == 16);

}  // namespace

void Writer::CloseFile::operator()(std::FILE* file) const {
    std::fclose(file);
}

Writer::Writer(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {
    std::setvbuf(file, nullptr, _IOFBF, kFileBuffer);
    const FileHeader header;
    put(&header, sizeof header);
}

base::Result<Writer, std::string> Writer::create(const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "wbe");
    if (file == nullptr) return base::Failure{path + ": " + std::strerror(errno)};
    return Writer(file, path);
}

void Writer::begin(base::Duration stamp, std::uint32_t length) {
    const RecordHeader header{static_cast<std::uint32_t>(stamp.count() / kNanosecondsPerSecond),
                              static_cast<std::uint32_t>(stamp.count() % kNanosecondsPerSecond), length,
                              length};
    put(&header, sizeof header);
    ++counters_.records;
    counters_.bytes += length;
}

void Writer::add(base::Bytes piece) {
    put(piece.data(), piece.size());
}

void Writer::put(const void* bytes, std::size_t size) {
    if (error_ != 0 || size == 0) return;
    errno = 0;
    if (std::fwrite(bytes, 1, size, file_.get()) != size) error_ = errno != 0 ? errno : EIO;
}

base::Result<void, std::string> Writer::close() {
    std::FILE* const file = file_.release();
    if (file == nullptr) return {};
    errno = 0;
    if (std::fclose(file) != 0 && error_ == 0) error_ = errno != 0 ? errno : EIO;
    if (error_ != 0) return base::Failure{path_ + ": " + std::strerror(error_)};
    return {};
}

}  // namespace terminus::capture
