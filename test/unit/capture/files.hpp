#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace terminus::test {

/// A folder that goes with the test.
class TemporaryFolder {
 public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "terminus-capture-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
    std::string path_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Bytes of a capture, by hand: the formats are held against their descriptions, not against our writer.
class FileBytes {
 public:
    static constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d;
    static constexpr std::uint32_t kEthernet = 1, kRaw = 101, kIpv6 = 229, kCooked = 113, kCooked2 = 276,
                                   kNull = 0, kLoop = 108, kRadio = 127;

    /// The header of a pcap file.
    static FileBytes pcap(std::uint32_t magic, std::uint32_t link_type) {
        FileBytes file;
        return file.u32(magic).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(link_type);
    }
    /// Section header and one interface with nanoseconds.
    static FileBytes pcapng(std::uint16_t link_type) {
        FileBytes file;
        file.u32(0x0a0d0d0a).u32(28).u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff).u32(28);
        return file.u32(1).u32(32).u16(link_type).u16(0).u32(262144).u16(9).u16(1).u32(9).u32(0).u32(32);
    }
    FileBytes& record(std::uint32_t seconds, std::uint32_t fraction, const std::string& frame,
                      std::uint32_t on_the_wire = 0) {
        const auto size = static_cast<std::uint32_t>(frame.size());
        u32(seconds).u32(fraction).u32(size).u32(on_the_wire == 0 ? size : on_the_wire);
        bytes += frame;
        return *this;
    }
    /// An enhanced packet block; `frame` is a multiple of four bytes long.
    FileBytes& block(std::uint64_t nanoseconds, const std::string& frame) {
        const auto size = static_cast<std::uint32_t>(frame.size());
        u32(6).u32(32 + size).u32(0).u32(static_cast<std::uint32_t>(nanoseconds >> 32));
        u32(static_cast<std::uint32_t>(nanoseconds)).u32(size).u32(size);
        bytes += frame;
        return u32(32 + size);
    }

    std::string bytes;

 private:
    FileBytes& u16(std::uint16_t value) {
        bytes += {static_cast<char>(value & 255), static_cast<char>(value >> 8)};
        return *this;
    }
    FileBytes& u32(std::uint32_t value) {
        return u16(static_cast<std::uint16_t>(value)).u16(static_cast<std::uint16_t>(value >> 16));
    }
};

}  // namespace terminus::test
