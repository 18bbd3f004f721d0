#include <algorithm>
#include <cctype>

#include "config/key_row.hpp"

// The conversions that the table's rows choose by their member's type, and the rules of each key type.
namespace terminus::config::detail {
namespace {

// RFC 9293 3.9.1.1, MUST-46: no backend is at the address of many.
std::string host_fault(const wire::IpAddress& address, bool link_local_too) {
    const std::string text = quoted(address.to_string());
    if (address.is_unspecified()) return text + " is no machine's address";
    if (address.is_multicast()) return text + " is a multicast address";
    if (address.is_loopback()) return text + " is a loopback address, which never leaves a machine";
    if (address.is_limited_broadcast()) return text + " is the broadcast address";
    if (!address.is_v4() && address.is_link_local() && !link_local_too) {
        return text + " is link-local: the same address can be on every port's link";
    }
    return {};
}

/// The address with the bits beyond `bits` cleared.
wire::IpAddress network_of(const wire::Prefix& prefix) {
    auto bytes = prefix.address.bytes();
    const unsigned first = prefix.bits + (prefix.address.is_v4() ? 96u : 0u);
    for (unsigned bit = first; bit < 128; ++bit) {
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> (bit % 8)));
    }
    return wire::IpAddress::v6(bytes);
}

std::string interface_fault(const wire::Prefix& prefix) {
    if (std::string fault = host_fault(prefix.address, true); !fault.empty()) return fault;
    const std::string text = quoted(prefix.to_string());
    if (prefix.bits == 0) return text + " would make every address a neighbour";
    if (prefix.address.is_v4() && prefix.bits < 31 && network_of(prefix) == prefix.address) {
        return text + " is the network's own address; one of its machines' is needed";
    }
    if (prefix.directed_broadcast() == prefix.address) return text + " is the network's broadcast address";
    return {};
}

std::string name_fault(std::string_view text, const Key& key) {
    const auto allowed = [&](unsigned char c) {
        const bool address_too = key.path == "pools[].backends[].name" && (c == ':' || c == '[' || c == ']');
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || address_too;
    };
    if (std::all_of(text.begin(), text.end(), allowed)) return {};
    return quoted(text) + " is not a name: letters, digits, `_`, `-` and `.` only";
}

bool looks_like_pci(std::string_view text) {
    // [dddd:]bb:dd.f in hexadecimal.
    std::string shape;
    for (const unsigned char c : text)
        shape += std::isxdigit(c) != 0 ? 'x' : static_cast<char>(c);
    return shape == "xxxx:xx:xx.x" || shape == "xx:xx.x";
}

std::string device_fault(std::string_view text) {
    const std::string_view driver = text.substr(0, text.find(','));
    const bool is_word = !driver.empty() && std::islower(static_cast<unsigned char>(driver[0])) != 0 &&
                         std::all_of(driver.begin(), driver.end(), [](unsigned char c) {
                             return std::isalnum(c) != 0 || c == '_' || c == '-';
                         });
    const bool has_instance = !driver.empty() && std::isdigit(static_cast<unsigned char>(driver.back())) != 0;
    if (looks_like_pci(text) || (is_word && has_instance)) return {};
    if (is_word) {
        return quoted(text) + " has no number; did you mean " +
               quoted(std::string(driver) + "0" + std::string(text.substr(driver.size()))) + "?";
    }
    return quoted(text) +
           " is neither a PCI address (`0000:3b:00.0`) nor a vdev string (`net_tap0,iface=tap0`)";
}

}  // namespace

std::string out_of_range(std::string_view text, const Key& key) {
    std::string fault = quoted(text) + " is out of range " + range_text(key);
    if (key.path == "tcp.fin_timeout") {
        fault += " (it limits an orphaned FIN_WAIT_2; the length of TIME_WAIT is `tcp.time_wait`)";
    } else if (key.path == "tcp.time_wait") {
        fault += " (it is the length of TIME_WAIT; the limit of an orphaned FIN_WAIT_2 is `tcp.fin_timeout`)";
    }
    return fault;
}

Parsed<std::int64_t> parse_number(std::string_view text, const Key& key) {
    const bool is_size = key.type == Type::Size || key.type == Type::Buffer;
    const Parsed<std::uint64_t> number = is_size                  ? parse_size(text)
                                         : key.type == Type::Mode ? parse_mode(text)
                                                                  : parse_count(text);
    if (!number) return base::Failure{number.error()};
    const std::uint64_t value = number.value();
    if (value < static_cast<std::uint64_t>(key.range.min) ||
        value > static_cast<std::uint64_t>(key.range.max)) {
        return base::Failure{out_of_range(text, key)};
    }
    if (key.type == Type::Mode && ((value & 07) != 0 || (value & 0600) != 0600 || (value & 0110) != 0)) {
        return base::Failure{quoted(text) + " must let the owner read and write, and others nothing"};
    }
    return static_cast<std::int64_t>(value);
}

std::string format_number(std::int64_t value, const Key& key) {
    const bool is_entry_count = key.is_list && key.type != Type::Count;
    if (key.type == Type::Time) return format_duration(Duration{value});
    const bool is_size = key.type == Type::Size || key.type == Type::Buffer;
    if (is_size && !is_entry_count) return format_size(static_cast<std::uint64_t>(value));
    if (key.type == Type::Mode) return format_mode(static_cast<std::uint64_t>(value));
    return std::to_string(value);
}

std::string read_value(std::string_view text, const Key& key, Duration& out) {
    const Parsed<Duration> value = parse_duration(text);
    if (!value) return value.error();
    if (value.value().count() < key.range.min || value.value().count() > key.range.max)
        return out_of_range(text, key);
    out = value.value();
    return {};
}

std::string read_value(std::string_view text, const Key&, bool& out) {
    const Parsed<bool> value = parse_bool(text);
    if (!value) return value.error();
    out = value.value();
    return {};
}

std::string read_value(std::string_view text, const Key& key, std::string& out) {
    out = text;  // kept also when faulty, so that references to it are not reported a second time
    const auto letters = static_cast<std::int64_t>(text.size());
    if (!key.is_list && key.range.bounded() && (letters < key.range.min || letters > key.range.max)) {
        return quoted(text) + " has " + std::to_string(letters) + " letters; allowed are " + range_text(key);
    }
    if (key.type == Type::Name) return name_fault(text, key);
    if (key.type == Type::Device) return device_fault(text);
    return {};
}

std::string read_value(std::string_view text, const Key& key, wire::IpAddress& out) {
    const Parsed<wire::IpAddress> value = parse_address(text);
    if (!value) return value.error();
    if (std::string fault = host_fault(value.value(), key.type == Type::Gateway); !fault.empty())
        return fault;
    out = value.value();
    return {};
}

std::string read_value(std::string_view text, const Key& key, wire::Prefix& out) {
    const Parsed<wire::Prefix> value = parse_prefix(text);
    if (!value) return value.error();
    if (key.type == Type::Interface) {
        // Kept also with faulty host bits, so that what lies in its network is not reported as out of reach.
        if (host_fault(value.value().address, true).empty()) out = value.value();
        if (std::string fault = interface_fault(value.value()); !fault.empty()) return fault;
    } else {
        const wire::Prefix network{network_of(value.value()), value.value().bits};
        if (network != value.value()) {
            return quoted(text) + " has bits beyond its prefix length; did you mean " +
                   quoted(network.to_string()) + "?";
        }
        if (network.bits != 0 && network.address.is_multicast())
            return quoted(text) + " is a multicast network";
    }
    out = value.value();
    return {};
}

std::string read_value(std::string_view text, const Key& key, wire::Endpoint& out) {
    const Parsed<wire::Endpoint> value = parse_endpoint(text);
    if (!value) return value.error();
    if (key.type == Type::HostEndpoint) {
        if (std::string fault = host_fault(value.value().address, false); !fault.empty()) return fault;
        if (value.value().port == 0) return quoted(text) + " has port 0, which nobody can connect to";
    }
    out = value.value();
    return {};
}

// The reader joins the list's two entries by a blank, which is also how Linux writes ip_local_port_range.
std::string read_value(std::string_view text, const Key& key, PortRange& out) {
    const std::size_t blank = text.find_first_of(" \t");
    if (blank == std::string_view::npos) return quoted(text) + " is not a range: two ports are needed";
    const Parsed<std::int64_t> first = parse_number(text.substr(0, blank), key);
    const Parsed<std::int64_t> last = parse_number(text.substr(blank + 1), key);
    if (!first) return first.error();
    if (!last) return last.error();
    // Source ports are spread over the workers by what they add to the RSS hash; fewer would leave some
    // without.
    constexpr std::int64_t kFewest = 1024;
    if (last.value() - first.value() + 1 < kFewest) {
        return quoted(text) + " holds fewer than " + std::to_string(kFewest) + " ports";
    }
    out = {static_cast<std::uint16_t>(first.value()), static_cast<std::uint16_t>(last.value())};
    return {};
}

std::string unknown_word(std::string_view text, std::span<const std::string_view> words) {
    std::string fault = quoted(text) + " is not one of ";
    for (std::size_t i = 0; i < words.size(); ++i)
        fault += (i == 0 ? "" : ", ") + quoted(words[i]);
    if (const auto near = nearest(text, words)) fault += "; did you mean " + quoted(*near) + "?";
    return fault;
}

std::string write_value(Duration value, const Key&) {
    return format_duration(value);
}
std::string write_value(bool value, const Key&) {
    return value ? "true" : "false";
}
std::string write_value(const std::string& value, const Key&) {
    return value;
}
std::string write_value(const wire::IpAddress& value, const Key&) {
    return value.to_string();
}
std::string write_value(const wire::Prefix& value, const Key&) {
    return value.to_string();
}
std::string write_value(const wire::Endpoint& value, const Key&) {
    return value.to_string();
}
std::string write_value(const PortRange& value, const Key&) {
    return "[" + std::to_string(value.first) + ", " + std::to_string(value.last) + "]";
}

}  // namespace terminus::config::detail
