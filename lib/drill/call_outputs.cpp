#include "drill/call_outputs.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "drill/constants.hpp"

namespace terminus::drill {
namespace {

using Kind = Expression::Kind;

std::string differs(const std::string& what, std::int64_t expected, std::int64_t actual) {
    if (expected == actual) return "";
    return what + " is " + std::to_string(actual) + ", not " + std::to_string(expected);
}

bool opens_descriptor(const std::string& name) {
    return name == "socket" || name == "accept" || name == "accept4" || name == "epoll_create" ||
           name == "epoll_create1";
}

std::string compare_address(Evaluator& call, const Expression& expected, const CallResult& result) {
    if (expected.kind == Kind::Ellipsis) return "";
    if (!result.address) return "there is no address";
    const SocketAddress wanted = call.address(expected);
    if (wanted == *result.address) return "";
    return "the address is " + result.address->endpoint.to_string() + ", not " + wanted.endpoint.to_string();
}

std::int64_t as_number(const std::vector<std::uint8_t>& data) {
    std::int32_t number = 0;
    std::memcpy(&number, data.data(), std::min(data.size(), sizeof number));
    return number;
}

std::string compare_option(Evaluator& call, const CallResult& result) {
    const Expression& expected = call.argument(3);
    if (expected.kind == Kind::Ellipsis) return "";
    if (expected.kind == Kind::String) {
        // A name with its zeros.
        const std::string text(result.data.begin(), result.data.end());
        const std::string name = text.substr(0, text.find('\0'));
        return name == expected.text ? "" : "the option is \"" + name + "\", not \"" + expected.text + '"';
    }
    if (const Expression* on = expected.field("onoff")) {
        linger how{};
        std::memcpy(&how, result.data.data(), std::min(result.data.size(), sizeof how));
        const Expression* seconds = expected.field("linger");
        const std::string text = differs("onoff", call.integer(*on), how.l_onoff);
        if (!text.empty() || seconds == nullptr) return text;
        return differs("linger", call.integer(*seconds), how.l_linger);
    }
    // An int's bits, with or without a sign.
    const auto wanted = static_cast<std::int32_t>(call.in_brackets(expected));
    const std::string text = differs("the option", wanted, as_number(result.data));
    if (!text.empty()) return text;
    return differs("its length", call.in_brackets(call.argument(4)),
                   static_cast<std::int64_t>(result.data.size()));
}

std::string compare_events(Evaluator& call, const CallResult& result) {
    const Expression& expected = call.argument(1);
    if (expected.kind == Kind::Ellipsis || result.events.empty()) return "";
    std::vector<const Expression*> wanted;
    if (expected.kind == Kind::List) {
        for (const Expression& item : expected.items)
            wanted.push_back(&item);
    } else {
        wanted.push_back(&expected);
    }
    for (std::size_t i = 0; i < result.events.size() && i < wanted.size(); ++i) {
        const EpollEvent& event = result.events[i];
        if (const Expression* events = wanted[i]->field("events")) {
            const std::string text = differs("events", call.integer(*events), event.events);
            if (!text.empty()) return text;
        }
        for (const char* name : {"fd", "ptr", "u32", "u64"}) {
            const Expression* data = wanted[i]->field(name);
            if (data == nullptr) continue;
            const std::string text =
                differs(name, call.integer(*data), static_cast<std::int64_t>(event.data));
            if (!text.empty()) return text;
        }
    }
    return "";
}

std::string compare_polled(Evaluator& call, const CallResult& result) {
    const Expression& expected = call.argument(0);
    for (std::size_t i = 0; i < expected.items.size() && i < result.polled.size(); ++i) {
        const Expression* revents = expected.items[i].field("revents");
        if (revents == nullptr || revents->kind == Kind::Ellipsis) continue;
        const std::string text = differs("revents", call.integer(*revents), result.polled[i].revents);
        if (!text.empty()) return text;
    }
    return "";
}

std::string compare_control(Evaluator& call, const Expression& expected, const CallResult& result) {
    if (expected.kind == Kind::Ellipsis) return "";
    const std::string count =
        differs("the number of control messages", static_cast<std::int64_t>(expected.items.size()),
                static_cast<std::int64_t>(result.control.size()));
    if (!count.empty()) return count;
    for (std::size_t i = 0; i < result.control.size(); ++i) {
        const ControlMessage& message = result.control[i];
        const std::pair<const char*, int> fields[] = {
            {"cmsg_level", message.level}, {"cmsg_type", message.type}, {"cmsg_data", message.value}};
        for (const auto& [name, actual] : fields) {
            const Expression* wanted = expected.items[i].field(name);
            if (wanted == nullptr) continue;
            const std::string text = differs(name, call.integer(*wanted), actual);
            if (!text.empty()) return text;
        }
    }
    return "";
}

std::string compare_message(Evaluator& call, const CallResult& result) {
    const Expression& expected = call.argument(1);
    if (const Expression* flags = expected.field("msg_flags")) {
        const std::string text = differs("msg_flags", call.integer(*flags), result.message_flags);
        if (!text.empty()) return text;
    }
    const Expression* control = expected.field("msg_control");
    return control == nullptr ? "" : compare_control(call, *control, result);
}

std::string compare_read(const Expression& buffer, const CallResult& result) {
    if (buffer.kind != Kind::String) return "";
    const std::string text(result.data.begin(), result.data.end());
    const bool is_same = buffer.is_open ? text.starts_with(buffer.text) : text == buffer.text;
    return is_same ? "" : "the bytes are \"" + text + "\", not \"" + buffer.text + '"';
}

}  // namespace

std::string to_string(const CallResult& result) {
    std::string text = std::to_string(result.value);
    if (result.error != 0) text += ' ' + std::string(error_name(result.error));
    return text;
}

std::string compare_value(Evaluator& call, const SyscallEvent& event, const CallResult& result) {
    if (event.result.kind == Kind::Ellipsis) return "";
    const std::int64_t expected = call.integer(event.result);
    const auto expected_text = [&] {
        return std::to_string(expected) + (event.error.empty() ? "" : ' ' + event.error);
    };
    const std::string wrong = event.name + "() returned " + to_string(result) + ", not " + expected_text();
    if (!event.error.empty()) {
        const auto error = error_number(event.error);
        if (!error) call.fail("there is no error `" + event.error + "` here");
        return expected == result.value && error.value_or(0) == result.error ? "" : wrong;
    }
    if (expected >= 0 && opens_descriptor(event.name)) return result.value >= 0 ? "" : wrong;
    // The machine gives the number that ioctl() would have written.
    if (event.name == "ioctl" && result.error == 0) return expected == 0 ? "" : wrong;
    return expected == result.value ? "" : wrong;
}

std::string compare_outputs(Evaluator& call, const SyscallEvent& event, const CallResult& result) {
    if (result.error != 0) return "";
    const std::string& name = event.name;
    if (name == "getsockopt") return compare_option(call, result);
    if (name == "epoll_wait") return compare_events(call, result);
    if (name == "poll") return compare_polled(call, result);
    if (name == "recvmsg") return compare_message(call, result);
    if (name == "getsockname" || name == "getpeername" || name == "accept" || name == "accept4")
        return compare_address(call, call.argument(1), result);
    if (name == "read" || name == "recv" || name == "recvfrom") return compare_read(call.argument(1), result);
    const bool has_number = name == "ioctl" && call.arguments().size() == 3 && !call.is_open(2);
    if (has_number) return differs("the number", call.in_brackets(call.argument(2)), result.value);
    return "";
}

}  // namespace terminus::drill
