#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drill/ast.hpp"
#include "drill/calls.hpp"
#include "drill/code.hpp"
#include "drill/connection_map.hpp"
#include "drill/machine.hpp"
#include "drill/match.hpp"
#include "drill/run_settings.hpp"
#include "drill/runner.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {

/// One script on one machine. Functions that may find a fault return false when there is one: the first one
/// ends the run.
class ScriptRun {
 public:
    /// `settings` have the script's options in them, `assignments` are what its first command set.
    ScriptRun(const Script& script, const RunSettings& settings, Assignments assignments,
              const tcp::Tunables& tunables);

    RunResult run();

 private:
    /// A packet that the machine sent and no event has expected yet.
    struct Waiting {
        base::Instant at;
        WirePacket packet;
    };
    /// A system call that has not returned yet.
    struct Blocked {
        const Event* event = nullptr;
        CallId id{};
        base::Instant end;  ///< when the script says that it returns
        std::size_t exchange_line = 0;
    };
    /// When an event is due.
    struct Due {
        base::Instant zero;  ///< what the event's times count from
        base::Instant from;
        base::Instant until;
        base::Duration tolerance{};
        bool any = false;
    };

    // ---- script_run.cpp: events and time
    bool run_event(const Event& event);
    Due due(const Event& event) const;
    bool advance_to(base::Instant when);
    bool check_not_late(const Event& event, const Due& due);
    bool run_command(const Event& event, const CommandEvent& command);
    bool run_code(const Event& event, const CodeEvent& code);
    bool check_state(const Event& event, const StateEvent& state);

    // ---- script_packets.cpp
    bool collect();  ///< takes what the machine sent, and the results of calls that were blocked
    void forget_other_connections();
    bool expect(const Event& event, const PacketEvent& packet, const Due& due);
    bool wait_for_payload(const Event& event, const PacketEvent& packet, const Due& due);
    bool compare(const Event& event, const PacketEvent& packet, const Due& due, std::size_t count);
    bool check_payload(const WirePacket& packet, const ConnectionMap& connection);
    bool inject(const Event& event, const PacketEvent& packet);
    bool inject_tcp(const Event& event, const PacketEvent& packet);
    bool inject_icmp(const Event& event, const PacketEvent& packet);
    bool inject_bytes(const Event& event, const std::vector<std::uint8_t>& bytes);
    ConnectionMap* find_connection(const wire::FourTuple& tuple);
    ConnectionMap* connection_of_sent(const WirePacket& packet);
    ConnectionMap& connection_for_inbound(const PacketEvent& packet);
    ConnectionMap& add_connection(const wire::FourTuple& tuple);

    // ---- script_calls.cpp
    bool call(const Event& event, const SyscallEvent& syscall, const Due& due);
    bool finish_call(const Event& event, const CallResult& result, std::size_t exchange_line);
    bool collect_calls();
    bool check_return_time(const Event& event, base::Instant end, base::Instant at);
    void take_effect(const CallEffect& effect);

    // ---- script_end.cpp
    bool finish();
    bool wait_for_blocked_calls();
    void close_all();
    bool check_leftovers();

    bool fail(int line, std::string message, std::string details = "");
    std::string unexpected() const;
    std::size_t note(base::Instant at, const std::string& text);
    [[nodiscard]] base::Duration script_time(base::Instant at) const {
        return at - Machine::kStart + origin_;
    }
    [[nodiscard]] wire::IpAddress local_address() const;
    [[nodiscard]] wire::IpAddress remote_address() const;
    [[nodiscard]] ConnectionMap* current() const { return current_; }

    const Script& script_;
    RunSettings settings_;
    Assignments assignments_;
    Machine machine_;
    Calls calls_;
    CodeRunner code_;
    base::Duration origin_{};                  ///< the first event's time on the script's clock
    std::optional<base::Instant> last_start_;  ///< when the event before was due, if it said so
    base::Instant last_time_;                  ///< the event before: when it was due, or happened
    std::deque<Waiting> waiting_;
    std::list<Blocked> blocked_;
    std::list<ConnectionMap> connections_;
    ConnectionMap* current_ = nullptr;  ///< the connection under test
    std::optional<int> listening_;      ///< the socket under test listens: the script's descriptor
    std::optional<int> newest_;         ///< the descriptor of the newest socket
    std::uint16_t next_port_ = 49152;   ///< of the next client
    std::vector<std::string> exchange_;
    RunResult result_;
};

}  // namespace terminus::drill
