#include "control/socket_file.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "control/support.hpp"

// HARDENING 31: wrong permissions refused at start.
using namespace terminus;
using namespace terminus::test;
using control::SocketFile;

namespace {
config::Admin admin_at(const std::string& path) {
    config::Admin admin;
    admin.socket = path;
    return admin;
}
std::string refusal(const std::string& path) {
    const auto opened = SocketFile::open(admin_at(path));
    return opened ? "not refused" : opened.error();
}
bool exists(const std::string& path) {
    return std::filesystem::exists(std::filesystem::symlink_status(path));
}
}  // namespace

TEST_CASE("the socket is there with its mode while its object lives") {
    const TempDirectory dir;
    const std::string path = dir.file("admin.sock");
    for (const std::uint16_t mode : {std::uint16_t{0660}, std::uint16_t{0600}}) {
        config::Admin admin = admin_at(path);
        admin.mode = mode;
        const auto opened = SocketFile::open(admin);
        REQUIRE(opened.ok());
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK(S_ISSOCK(status.st_mode));
        CHECK((status.st_mode & 07777) == mode);
        const Client client(connect_unix(path));
        CHECK(exists(path));
    }
    CHECK_FALSE(exists(path));
}

TEST_CASE("a missing directory is made, but not its parents") {
    const TempDirectory dir;
    {
        const auto opened = SocketFile::open(admin_at(dir.file("run/admin.sock")));
        REQUIRE(opened.ok());
        struct stat status {};
        REQUIRE(::stat(dir.file("run").c_str(), &status) == 0);
        CHECK((status.st_mode & 0022) == 0);
    }
    CHECK(refusal(dir.file("a/b/admin.sock")).find("cannot make") != std::string::npos);
}

TEST_CASE("a directory that others can write to is refused") {
    const TempDirectory dir;
    for (const mode_t mode : {mode_t{0777}, mode_t{01777}, mode_t{0770}, mode_t{0707}}) {
        REQUIRE(::chmod(dir.path().c_str(), mode) == 0);
        CHECK(refusal(dir.file("admin.sock")).find("can be written to by others") != std::string::npos);
    }
    REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
    CHECK(SocketFile::open(admin_at(dir.file("admin.sock"))).ok());
}

TEST_CASE("what is no socket is left alone") {
    const TempDirectory dir;
    const std::string path = dir.file("admin.sock");
    std::ofstream(path) << "precious";
    CHECK(refusal(path) == "admin socket: " + path + " is there and is not a socket");
    CHECK(exists(path));
    std::filesystem::remove(path);
    std::filesystem::create_symlink(dir.file("elsewhere"), path);
    CHECK(refusal(path) == "admin socket: " + path + " is there and is not a socket");
}

TEST_CASE("a socket that a daemon answers on is refused and goes on working") {
    const TempDirectory dir;
    const std::string path = dir.file("admin.sock");
    const auto first = SocketFile::open(admin_at(path));
    REQUIRE(first.ok());
    CHECK(refusal(path) == "admin socket: another daemon answers on " + path);
    const int fd = connect_unix(path);
    CHECK(fd >= 0);
    const Client client(fd);
}

TEST_CASE("a dead daemon's socket is replaced") {
    const TempDirectory dir;
    const std::string path = dir.file("admin.sock");
    {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(fd);
    }
    REQUIRE(exists(path));
    CHECK(SocketFile::open(admin_at(path)).ok());
}

TEST_CASE("an unknown group and a path that is too long are refused") {
    const TempDirectory dir;
    config::Admin admin = admin_at(dir.file("admin.sock"));
    admin.group = "no-such-group-here";
    const auto opened = SocketFile::open(admin);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error() == "admin socket: there is no group no-such-group-here (admin.group)");
    CHECK_FALSE(exists(admin.socket));
    CHECK(refusal("/" + std::string(107, 'x')).find("too long") != std::string::npos);
}
