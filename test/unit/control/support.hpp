#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "worker/group.hpp"

namespace terminus::test {

/// A configuration with two workers, both families, and its sockets in `directory`.
inline std::string config_text(const std::string& directory, const std::string& more = "") {
    return "workers: {count: 2}\n"
           "ports: [{name: front, device: net_tap0, addresses: [192.0.2.2/24, \"2001:db8::2/64\"]}]\n"
           "pools: [{name: web, backends: [{address: 192.0.2.10:80}]}]\n"
           "services: [{name: www, listen: [192.0.2.80:80], pool: web}]\n"
           "metrics: {listen: 127.0.0.1:0}\n"
           "admin: {socket: " +
           directory + "/admin.sock}\n" + more;
}
inline config::Config config_of(const std::string& text) {
    return config::parse(text, "t.yaml").value();
}

class TempDirectory {
 public:
    TempDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "terminus-control-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TempDirectory() { std::filesystem::remove_all(path_); }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    [[nodiscard]] std::string path() const { return path_.string(); }
    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
    std::filesystem::path path_;
};

/// The workers' side of the mailboxes, on the test's thread: answers what is there when it is told to.
class FakeWorkers {
 public:
    explicit FakeWorkers(std::uint32_t count)
        : group(count), rows(count), tunables(count), services(count), snapshots(count) {}

    /// Answers every command that has arrived.
    void serve() {
        for (std::uint32_t i = 0; i < group.size(); ++i)
            serve(i);
    }
    void serve(std::uint32_t worker) {
        while (auto command = group.mailbox(worker).take())
            answer(worker, *command);
    }

    worker::Group group;
    std::vector<std::vector<worker::ConnectionRow>> rows;  ///< by worker: what ss finds
    std::vector<tcp::Tunables> tunables;
    std::vector<const proxy::ServiceTable*> services;
    std::vector<std::vector<std::uint8_t>> snapshots;  ///< with which recordings begin
    std::vector<std::string> log;                      ///< "0 draining", in the order of arrival
    std::size_t pages = 0;

 private:
    void note(std::uint32_t worker, const std::string& what) {
        log.push_back(std::to_string(worker) + " " + what);
    }

    void answer(std::uint32_t i, worker::Command& command) {
        worker::Mailbox& box = group.mailbox(i);
        if (auto* set = std::get_if<worker::SetTunables>(&command)) {
            note(i, "tunables");
            tunables[i] = set->tunables;
            box.reply(worker::TunablesSet{});
        } else if (auto* table = std::get_if<worker::SetServices>(&command)) {
            note(i, "services");
            services[i] = table->table;
            box.reply(worker::ServicesSet{table->table->version()});
        } else if (auto* list = std::get_if<worker::ListConnections>(&command)) {
            fill(i, *list->page);
            box.reply(worker::ConnectionsListed{std::move(list->page)});
        } else if (auto* ports = std::get_if<worker::ListSourcePorts>(&command)) {
            ports->page->done = true;
            box.reply(worker::SourcePortsListed{std::move(ports->page)});
        } else if (std::get_if<worker::SetDraining>(&command) != nullptr) {
            note(i, "draining");
            box.reply(worker::DrainingSet{});
        } else if (std::get_if<worker::AbortAll>(&command) != nullptr) {
            note(i, "abort");
            box.reply(worker::AllAborted{});
        } else if (const auto* leaving = std::get_if<worker::GivePortUp>(&command)) {
            note(i, "port " + std::to_string(leaving->port));
            box.reply(worker::PortGivenUp{});
        } else if (auto* recorder = std::get_if<worker::SetRecorder>(&command)) {
            note(i, "recorder");
            worker::RecorderSet reply;
            if (recorder->recorder != nullptr) reply = {snapshots[i], std::chrono::milliseconds(i + 1)};
            box.reply(std::move(reply));
        } else if (std::get_if<worker::Stop>(&command) != nullptr) {
            note(i, "stop");
            box.reply(worker::Stopped{});
        }
    }

    void fill(std::uint32_t i, worker::RowPage& page) {
        ++pages;
        while (page.rows.size() < worker::RowPage::kRowsMax && page.cursor < rows[i].size()) {
            page.rows.push_back(rows[i][page.cursor++]);
        }
        page.done = page.cursor == rows[i].size();
    }
};

/// Runs the loop, and `meanwhile` with it, until `done`; false when it would take longer than any sane
/// machine does.
inline bool run_until(
    boost::asio::io_context& io, const std::function<bool()>& done,
    const std::function<void()>& meanwhile = [] {}) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        meanwhile();
        io.restart();
        io.run_one_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// A client's connection that never blocks: the test turns the server's loop between the calls.
class Client {
 public:
    explicit Client(int fd) : fd_(fd) {}
    ~Client() { close(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// How many bytes the socket took.
    std::size_t send(const std::string& text) const {
        const ssize_t taken = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return taken > 0 ? static_cast<std::size_t>(taken) : 0;
    }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    /// Takes what is there. False at the end of the stream.
    bool receive() {
        char buffer[65536];
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got > 0) received.append(buffer, static_cast<std::size_t>(got));
        const bool waits = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        ended = ended || !(got > 0 || waits);
        return !ended;
    }
    [[nodiscard]] bool has(const std::string& text) {
        receive();
        return received.find(text) != std::string::npos;
    }

    std::string received;
    bool ended = false;

 private:
    int fd_;
};

inline int connect_unix(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

}  // namespace terminus::test
