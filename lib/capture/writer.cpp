#include "capture/writer.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace terminus::capture {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

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

template <typename Header>
base::Bytes bytes_of(const Header& header) {
    return {reinterpret_cast<const std::uint8_t*>(&header), sizeof header};
}

}  // namespace

Writer::Writer(std::FILE* file, std::string path)
    : output_(std::make_unique<Output>(file)), path_(std::move(path)) {
    output_->put(bytes_of(FileHeader{}));
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
    output_->put(bytes_of(header));
    ++counters_.records;
    counters_.bytes += length;
}

void Writer::add(base::Bytes piece) {
    output_->put(piece);
}

base::Result<void, std::string> Writer::close() {
    if (const int error = output_->close(); error != 0)
        return base::Failure{path_ + ": " + std::strerror(error)};
    return {};
}

Writer::Output::Output(std::FILE* file) : file_(file) {
    std::setvbuf(file, nullptr, _IONBF, 0);  // what waits here need not wait there, too
    waiting_.reserve(kBytes);
}

void Writer::Output::put(base::Bytes bytes) {
    if (bytes.size() > kBytes - waiting_.size()) flush();
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

void Writer::Output::flush() {
    errno = 0;
    if (error_ == 0 && std::fwrite(waiting_.data(), 1, waiting_.size(), file_) != waiting_.size())
        note_error();
    waiting_.clear();
}

int Writer::Output::close() {
    if (file_ == nullptr) return error_;
    flush();
    errno = 0;
    if (std::fclose(std::exchange(file_, nullptr)) != 0 && error_ == 0) note_error();
    return error_;
}

void Writer::Output::note_error() {
    error_ = errno != 0 ? errno : EIO;
}

}  // namespace terminus::capture
