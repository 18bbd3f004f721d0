#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace terminusctl {

/// What is told to the person at the terminal.
struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A connection to terminusd's admin socket. Every function throws Fault.
class AdminClient {
 public:
    explicit AdminClient(const std::string& socket_path);
    ~AdminClient();
    AdminClient(const AdminClient&) = delete;
    AdminClient& operator=(const AdminClient&) = delete;

    /// Sends a request and hands over each line of the answer as it comes; an error in the answer is a Fault.
    void ask(const std::string& command, const nlohmann::json& options,
             const std::function<void(const nlohmann::json& line)>& take);
    /// What is done when a signal comes while an answer is waited for, which then goes on.
    void on_interrupt(std::function<void()> does) { interrupted_ = std::move(does); }

 private:
    [[nodiscard]] std::string read_line();

    std::string path_;
    int fd_;
    std::string input_;
    std::function<void()> interrupted_ = [] {};
};

}  // namespace terminusctl
