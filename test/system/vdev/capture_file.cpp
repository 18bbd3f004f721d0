#include "capture_file.hpp"

#include <fstream>

namespace terminus::vdev {
namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kEthernet = 1;
constexpr std::uint32_t kSnapLength = 65535;

struct FileHeader {
    std::uint32_t magic = kMicroseconds;
    std::uint16_t major = 2;
    std::uint16_t minor = 4;
    std::int32_t zone = 0;
    std::uint32_t accuracy = 0;
    std::uint32_t snap_length = kSnapLength;
    std::uint32_t link_type = kEthernet;
};
struct FrameHeader {
    std::uint32_t seconds = 0;
    std::uint32_t fraction = 0;
    std::uint32_t captured = 0;
    std::uint32_t length = 0;
};
static_assert(sizeof(FileHeader) == 24 && sizeof(FrameHeader) == 16);

template <typename T>
void write(std::ofstream& file, const T& header) {
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
}
template <typename T>
bool read(std::ifstream& file, T& header) {
    return static_cast<bool>(file.read(reinterpret_cast<char*>(&header), sizeof header));
}

}  // namespace

base::Result<void, std::string> write_capture(const std::string& path, const std::vector<Captured>& frames) {
    std::ofstream file(path, std::ios::binary);
    write(file, FileHeader{});
    for (const Captured& frame : frames) {
        const std::int64_t microseconds = frame.at.time_since_epoch().count() / 1000;
        const auto length = static_cast<std::uint32_t>(frame.bytes.size());
        write(file, FrameHeader{static_cast<std::uint32_t>(microseconds / 1'000'000),
                                static_cast<std::uint32_t>(microseconds % 1'000'000), length, length});
        file.write(reinterpret_cast<const char*>(frame.bytes.data()), length);
    }
    if (!file.flush()) return base::Failure{"can't write " + path};
    return {};
}

base::Result<std::vector<Captured>, std::string> read_capture(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    FileHeader header;
    if (!read(file, header)) return base::Failure{"can't read " + path};
    if ((header.magic != kMicroseconds && header.magic != kNanoseconds) || header.link_type != kEthernet)
        return base::Failure{path + " is no capture of Ethernet frames"};
    const std::int64_t unit = header.magic == kMicroseconds ? 1000 : 1;
    std::vector<Captured> frames;
    for (FrameHeader each; read(file, each);) {
        if (each.captured != each.length || each.length > kSnapLength)
            return base::Failure{path + ": frame " + std::to_string(frames.size()) + " is not whole"};
        Captured frame{
            base::instant_from_ns(each.seconds * std::int64_t{1'000'000'000} + each.fraction * unit),
            std::vector<std::uint8_t>(each.length)};
        if (!file.read(reinterpret_cast<char*>(frame.bytes.data()), each.length))
            return base::Failure{path + " ends within a frame"};
        frames.push_back(std::move(frame));
    }
    return frames;
}

}  // namespace terminus::vdev
