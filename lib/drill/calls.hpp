#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "drill/ast.hpp"
#include "drill/call.hpp"
#include "drill/evaluate.hpp"
#include "drill/fault.hpp"
#include "drill/streams.hpp"

namespace terminus::drill {

class Machine;

/// What `...` stands for where a call wants an address.
struct CallDefaults {
    int family = 0;         ///< AF_INET, AF_INET6
    wire::Endpoint local;   ///< bind()
    wire::Endpoint remote;  ///< connect(), sendto()
};

/// What a call meant for the connections of a script.
struct CallEffect {
    enum class Kind : std::uint8_t {
        None,
        NewSocket,
        Listens,
        Connects,  ///< to `remote`
        Accepts,   ///< a connection from `remote`, as descriptor `fd`
    };
    Kind kind = Kind::None;
    int fd = -1;  ///< as the script counts
    wire::Endpoint remote;
};

/// Makes the system calls of a script on a machine. Descriptors are the script's numbers: they begin with
/// whatever the script says that its first socket() returned.
class Calls {
 public:
    Calls(Machine& machine, const CallDefaults& defaults) : machine_(machine), defaults_(defaults) {}

    struct Begun {
        Outcome outcome;
        CallEffect effect;
    };
    /// Makes the call. The fault is one of the script's: a call, an argument or a descriptor that isn't
    /// known.
    [[nodiscard]] base::Result<Begun, Fault> begin(const SyscallEvent& call, int line);

    struct Finished {
        std::string difference;  ///< empty: it returned what the script says
        CallEffect effect;
    };
    /// Compares what the call returned with what the script says, and takes note of descriptors and bytes.
    [[nodiscard]] base::Result<Finished, Fault> finish(const SyscallEvent& call, int line,
                                                       const CallResult& result);

    /// The machine's descriptor.
    [[nodiscard]] std::optional<Fd> machine_fd(int fd) const;
    /// All that are open, the machine's numbers: also those whose name in the script another has now.
    [[nodiscard]] std::vector<Fd> open_fds() const;
    /// The bytes of a descriptor; null when there are none.
    [[nodiscard]] const Streams* streams(int fd) const;
    /// For the bytes of a connection whose descriptor may be closed and used again: names them for good.
    [[nodiscard]] std::optional<std::size_t> streams_id(int fd) const;
    [[nodiscard]] const Streams& streams_of(std::size_t id) const { return streams_[id]; }

 private:
    struct Descriptor {
        Fd machine = -1;
        std::size_t streams = 0;
    };

    /// One group of calls each; nothing when `name` is not of it.
    using Tried = std::optional<Outcome>;
    Tried open_call(Evaluator& call, const std::string& name, CallEffect& effect);
    Tried control_call(Evaluator& call, const std::string& name);
    Tried read_call(Evaluator& call, const std::string& name);
    Tried write_call(Evaluator& call, const std::string& name, CallEffect& effect);
    Tried ready_call(Evaluator& call, const std::string& name);
    Outcome receive_message(Evaluator& call);
    Outcome send_message(Evaluator& call, CallEffect& effect);
    Outcome send_bytes(Evaluator& call, std::size_t fd_at, const std::vector<const Expression*>& buffers,
                       const std::vector<std::size_t>& lengths, int flags,
                       const std::optional<SocketAddress>& to, CallEffect& effect);
    Outcome set_option(Evaluator& call);
    Outcome get_option(Evaluator& call);

    /// The machine's descriptor of an argument; faults when the script never opened it.
    Fd fd(Evaluator& call, const Expression& expression);
    Fd fd(Evaluator& call, std::size_t index) { return fd(call, call.argument(index)); }
    SocketAddress address(Evaluator& call, const Expression& expression, const wire::Endpoint& open);
    void add_descriptor(int script_fd, Fd machine_fd);

    /// What read() and its like gave, against what the script and the stream say.
    std::string check_bytes(Evaluator& call, const std::string& name, const CallResult& result);
    void note_result(Evaluator& call, const std::string& name, const CallResult& result, CallEffect& effect);

    Machine& machine_;
    CallDefaults defaults_;
    std::map<int, Descriptor> descriptors_;
    std::vector<Fd> unnamed_;
    std::deque<Streams> streams_;
};

}  // namespace terminus::drill
