#include "control/recording_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace terminus::control {

RecordingFile::RecordingFile(RecordingFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), limit_bytes_(other.limit_bytes_), size_(other.size_) {}

RecordingFile& RecordingFile::operator=(RecordingFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(limit_bytes_, other.limit_bytes_);
    std::swap(size_, other.size_);
    return *this;
}

RecordingFile::~RecordingFile() {
    if (fd_ >= 0) ::close(fd_);
}

base::Result<RecordingFile, std::string> RecordingFile::create(const std::string& path,
                                                               std::uint64_t limit_bytes) {
    RecordingFile file;
    file.limit_bytes_ = limit_bytes;
    file.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file.fd_ < 0) return base::Failure{"cannot create " + path + ": " + std::strerror(errno)};
    if (!file.write({reinterpret_cast<const std::uint8_t*>(record::kMagic), sizeof record::kMagic}))
        return base::Failure{"cannot write " + path + ": " + std::strerror(errno)};
    file.size_ = sizeof record::kMagic;
    return file;
}

base::Result<void, std::string> RecordingFile::append(record::ChunkKind kind, std::uint16_t worker,
                                                      const std::array<base::Bytes, 2>& content) {
    const std::size_t length = content[0].size() + content[1].size();
    const record::ChunkHeader header{.kind = static_cast<std::uint16_t>(kind),
                                     .worker = worker,
                                     .length = static_cast<std::uint32_t>(length)};
    const std::uint64_t after = size_ + sizeof header + length;
    if (kind != record::ChunkKind::End && after + kEndBytes > limit_bytes_)
        return base::Failure{std::string("the limit of the file's size was reached")};
    if (write(record::bytes_of(header)) && write(content[0]) && write(content[1])) {
        size_ = after;
        return {};
    }
    const std::string why = std::string("it could not be written: ") + std::strerror(errno);
    // What is there of the part goes, so that the file ends with a whole one.
    if (::ftruncate(fd_, static_cast<off_t>(size_)) == 0)
        (void)::lseek(fd_, static_cast<off_t>(size_), SEEK_SET);
    return base::Failure{why};
}

void RecordingFile::end(const std::string& why) {
    if (fd_ < 0) return;
    const base::Bytes text{reinterpret_cast<const std::uint8_t*>(why.data()),
                           std::min<std::size_t>(why.size(), kEndBytes / 2)};
    (void)append(record::ChunkKind::End, 0, {text, base::Bytes()});
    ::close(std::exchange(fd_, -1));
}

bool RecordingFile::write(base::Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace terminus::control
