#include "drill/parser.hpp"

#include <utility>

#include "drill/parse_parts.hpp"

namespace terminus::drill {
namespace {

bool parse_event_time(TokenStream& tokens, EventTime& time) {
    using Kind = EventTime::Kind;
    if (tokens.accept_symbol('*')) {
        time.kind = Kind::Any;
        return true;
    }
    const bool is_relative = tokens.accept_symbol('+');
    time.kind = is_relative ? Kind::Relative : Kind::Absolute;
    const int line = tokens.line();
    if (!parse_time(tokens, time.from)) return false;
    if (!tokens.accept_symbol('~')) return true;
    time.kind = is_relative ? Kind::RelativeRange : Kind::AbsoluteRange;
    if (is_relative && !tokens.expect_symbol('+')) return false;
    if (!parse_time(tokens, time.until)) return false;
    return time.until >= time.from || tokens.fail_at(line, "a time range that ends before it begins");
}

/// `state NAME`; a system call named state would have a parenthesis.
bool is_state(const TokenStream& tokens) {
    return tokens.is_word("state") && tokens.peek(1).kind == TokenKind::Word;
}

bool parse_action(TokenStream& tokens, Event& event) {
    if (tokens.is_symbol('<') || tokens.is_symbol('>')) {
        return parse_packet(tokens, event.action.emplace<PacketEvent>());
    }
    if (tokens.is(TokenKind::Command)) {
        event.action = CommandEvent{tokens.take().text};
        return true;
    }
    if (tokens.is(TokenKind::Code)) {
        event.action = CodeEvent{tokens.take().text};
        return true;
    }
    if (is_state(tokens)) {
        tokens.take();
        event.action = StateEvent{tokens.take().text};
        return true;
    }
    if (tokens.is(TokenKind::Word) || tokens.is(TokenKind::Ellipsis)) {
        return parse_syscall(tokens, event.action.emplace<SyscallEvent>());
    }
    return tokens.fail_expected("a packet, a system call, `command` or %{ code }%");
}

bool check_time_kind(TokenStream& tokens, const Event& event) {
    using Kind = EventTime::Kind;
    if (event.time.kind == Kind::Absolute || event.time.kind == Kind::Relative) return true;
    const auto* packet = std::get_if<PacketEvent>(&event.action);
    if (packet != nullptr && packet->direction == PacketEvent::Direction::Out) return true;
    return tokens.fail_at(event.line, event.time.kind == Kind::Any ? "the time `*` is for outgoing packets"
                                                                   : "a time range is for outgoing packets");
}

bool parse_event(TokenStream& tokens, Event& event) {
    event.line = tokens.line();
    if (!parse_event_time(tokens, event.time) || !parse_action(tokens, event)) return false;
    if (const auto* call = std::get_if<SyscallEvent>(&event.action);
        call != nullptr && call->end && *call->end < event.time.from) {
        return tokens.fail_at(event.line, "a call that returns before it is made");
    }
    return check_time_kind(tokens, event);
}

bool parse_all(TokenStream& tokens, Script& script) {
    while (tokens.is(TokenKind::Option)) {
        const Token& option = tokens.take();
        script.options.push_back({option.line, option.text, option.value, option.has_value});
    }
    if (tokens.is(TokenKind::Command)) {
        const Token& command = tokens.take();
        script.initial = Command{command.line, command.text};
    }
    while (!tokens.is(TokenKind::End)) {
        if (tokens.is(TokenKind::Command)) {
            const Token& command = tokens.take();
            script.cleanup = Command{command.line, command.text};
            if (!tokens.is(TokenKind::End)) return tokens.fail_expected("the end of the script");
            break;
        }
        if (!parse_event(tokens, script.events.emplace_back())) return false;
    }
    return !script.events.empty() || tokens.fail("a script without events");
}

}  // namespace

bool parse_time(TokenStream& tokens, base::Duration& time) {
    if (!tokens.is(TokenKind::Integer) && !tokens.is(TokenKind::Decimal)) {
        return tokens.fail_expected("a time in seconds");
    }
    const auto parsed = parse_seconds(tokens.peek().text);
    if (!parsed) {
        return tokens.fail(tokens.peek().text.starts_with('-')
                               ? std::string("a time can't be negative")
                               : "no time in seconds with at most nine decimals: " + tokens.peek().text);
    }
    time = *parsed;
    tokens.take();
    return true;
}

base::Result<Script, Fault> parse_script(std::string_view text, const Definitions& definitions) {
    auto scanned = scan(text, definitions);
    if (!scanned) return base::Failure{scanned.error()};
    TokenStream tokens(std::move(scanned).value());
    Script script;
    if (!parse_all(tokens, script)) return base::Failure{*tokens.fault()};
    return script;
}

}  // namespace terminus::drill
