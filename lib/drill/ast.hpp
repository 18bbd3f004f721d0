#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"

/// A packetdrill script as it is written: https://github.com/google/packetdrill, and `state NAME` beyond it.
/// docs/testing.md lists what is understood.
namespace terminus::drill {

/// Seconds of a script's clock, whose zero is its first event.
struct EventTime {
    enum class Kind : std::uint8_t {
        Absolute,
        Relative,  ///< + : from when the event before it happened
        Any,       ///< *
        AbsoluteRange,
        RelativeRange,
    };
    Kind kind = Kind::Absolute;
    base::Duration from{};
    base::Duration until{};  ///< of a range

    friend bool operator==(const EventTime&, const EventTime&) = default;
};

/// What a packet says of its IP header: (ect0), [tos 0x10], [ttl 64], [flowlabel 0x1].
struct IpInfo {
    enum class Check : std::uint8_t {
        None,   ///< incoming: zero; outgoing: any
        Ecn,    ///< noecn, ect0, ect1, ce: the low two bits of `tos`
        Ect01,  ///< outgoing: ECT(0) or ECT(1)
        Tos,    ///< all of `tos`
    };
    Check check = Check::None;
    std::uint8_t tos = 0;
    std::uint8_t ttl = 0;                     ///< 0: not said
    std::optional<std::uint32_t> flow_label;  ///< outgoing: equal names stand for equal labels
};

/// A TCP option by its name.
struct OptionSpec {
    enum class Kind : std::uint8_t {
        Nop,
        Eol,
        Mss,
        Wscale,
        SackOk,
        Sack,
        Timestamps,
        FastOpen,     ///< kind 34
        FastOpenExp,  ///< kind 254 with 0xf989
        Raw,          ///< any other: only in what was received; a script can't name it
    };
    Kind kind = Kind::Nop;
    std::uint32_t value = 0;  ///< Mss, Wscale; Timestamps: val; Raw: the option's kind
    std::uint32_t echo = 0;   ///< Timestamps: ecr
    std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks;  ///< Sack
    std::vector<std::uint8_t> bytes;                              ///< FastOpen…: the cookie; Raw: the data

    friend bool operator==(const OptionSpec&, const OptionSpec&) = default;
};

/// SEQ:END(LENGTH)
struct SequenceSpec {
    std::uint32_t first = 0;
    std::uint32_t length = 0;  ///< 0 … 65535
};

struct TcpSpec {
    std::uint8_t flags = 0;  ///< wire::TcpFlags
    bool ae = false;         ///< 'A', the ninth flag
    SequenceSpec sequence;
    std::uint32_t ack = 0;
    std::optional<std::uint16_t> window;  ///< not said: any (outgoing only)
    std::uint16_t urgent = 0;
    bool any_options = false;  ///< <...>
    std::vector<OptionSpec> options;
};

/// Names as packetdrill has them; which numbers they are depends on the IP version (drill/icmp_names.hpp).
struct IcmpSpec {
    std::string type;
    std::string code;  ///< empty: 0
    std::optional<std::uint32_t> mtu;
    std::optional<SequenceSpec> quoted;  ///< the segment of ours that it is about; else one with sequence 0
};

struct PacketEvent {
    enum class Direction : std::uint8_t { In, Out };
    Direction direction = Direction::In;
    IpInfo ip;
    std::uint16_t source_port = 0;  ///< 0: the connection's
    std::uint16_t destination_port = 0;
    std::variant<TcpSpec, IcmpSpec> payload;
};

/// An argument or result of a system call.
struct Expression {
    enum class Kind : std::uint8_t {
        Integer,
        Word,      ///< a constant's name
        String,    ///< with is_open: "text"..., the start of a longer one
        Ellipsis,  ///< whatever the runner has
        List,      ///< [ ... ]
        Struct,    ///< { ... }
        Call,      ///< htons(8080), inet_addr("192.0.2.1"): `text` is the function
        Or,        ///< A | B
        Assign,  ///< name = value: items[0] is the value, items[1…] what stood in parentheses after the name
    };
    Kind kind = Kind::Ellipsis;
    int line = 0;
    std::int64_t integer = 0;
    std::string text;
    bool is_open = false;
    std::vector<Expression> items;

    /// The value of the field `name` of a struct; null when it has none.
    [[nodiscard]] const Expression* field(std::string_view name) const {
        for (const Expression& item : items)
            if (item.kind == Kind::Assign && item.text == name) return &item.items.front();
        return nullptr;
    }
};

struct SyscallEvent {
    std::string name;
    std::vector<Expression> arguments;
    Expression result;
    std::string error;                  ///< "EAGAIN", or empty
    std::optional<base::Duration> end;  ///< ...: it blocks until then, on the same clock as the event's time
};

struct CommandEvent {
    std::string text;
};
struct CodeEvent {
    std::string text;
};
/// Ours: the connection under test is in this state now.
struct StateEvent {
    std::string name;
};

using Action = std::variant<PacketEvent, SyscallEvent, CommandEvent, CodeEvent, StateEvent>;

struct Event {
    int line = 0;
    EventTime time;
    Action action;
};

struct ScriptOption {
    int line = 0;
    std::string name;  ///< without the dashes
    std::string value;
    bool has_value = false;
};

struct Command {
    int line = 0;
    std::string text;
};

struct Script {
    std::vector<ScriptOption> options;  ///< --define is in effect already
    std::optional<Command> initial;
    std::vector<Event> events;  ///< at least one
    std::optional<Command> cleanup;
};

}  // namespace terminus::drill
