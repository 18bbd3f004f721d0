#include "config/sysctl.hpp"

#include "config/key_row.hpp"
#include "config/value.hpp"

namespace terminus::config {
namespace {

constexpr std::string_view kSection = "tcp.";

std::string_view name_of(const Key& key) {
    return key.path.substr(kSection.size());
}

TunableText describe(const Config& config, const Key& key) {
    return {std::string(name_of(key)), key.write(&config, key), default_text(key), range_text(key),
            std::string(key.help)};
}

Config with(const Tcp& tcp) {
    Config config;
    config.tcp = tcp;
    return config;
}

base::Result<const Key*, std::string> find_tunable(std::string_view name) {
    std::string_view plain = name;
    for (const std::string_view prefix : {"net.ipv4.", "tcp.", "tcp_"}) {
        if (plain.starts_with(prefix)) plain.remove_prefix(prefix.size());
    }
    const std::string path = std::string(kSection) + std::string(plain);
    std::vector<std::string_view> names;
    for (const Key& key : tcp_keys()) {
        if (key.path == path) return &key;
        names.push_back(name_of(key));
    }
    for (const Missing& missing : missing_keys()) {
        if (missing.path != path) continue;
        const bool is_remark = missing.advice.starts_with("is ");
        return base::Failure{quoted(name) + (is_remark ? " " : " is no tunable: ") +
                             std::string(missing.advice)};
    }
    std::string message = "there is no tunable " + quoted(name);
    if (const auto near = nearest(plain, names)) message += "; did you mean " + quoted(*near) + "?";
    return base::Failure{message};
}

void add_buffer(std::vector<TunableNumber>& numbers, const std::string& name, const BufferSizes& sizes) {
    numbers.push_back({name + "_min", static_cast<double>(sizes.min)});
    numbers.push_back({name + "_default", static_cast<double>(sizes.initial)});
    numbers.push_back({name + "_max", static_cast<double>(sizes.max)});
}

}  // namespace

std::vector<TunableText> list_tunables(const Tcp& tcp) {
    const Config config = with(tcp);
    std::vector<TunableText> list;
    for (const Key& key : tcp_keys())
        list.push_back(describe(config, key));
    return list;
}

base::Result<TunableText, std::string> get_tunable(const Tcp& tcp, std::string_view name) {
    const auto key = find_tunable(name);
    if (!key) return base::Failure{key.error()};
    return describe(with(tcp), *key.value());
}

base::Result<void, std::string> set_tunable(Tcp& tcp, std::string_view name, std::string_view text) {
    return set_tunables(tcp, {{std::string(name), std::string(text)}});
}

base::Result<void, std::string> set_tunables(Tcp& tcp,
                                             const std::vector<std::pair<std::string, std::string>>& values) {
    Config config = with(tcp);
    for (const auto& [name, text] : values) {
        const auto key = find_tunable(name);
        if (!key) return base::Failure{key.error()};
        const std::string fault = key.value()->read(&config, text, *key.value());
        if (!fault.empty()) return base::Failure{std::string(name_of(*key.value())) + ": " + fault};
    }
    if (config.tcp.rto_min > config.tcp.rto_max || config.tcp.rto_initial > config.tcp.rto_max) {
        return base::Failure{std::string("`rto_min` and `rto_initial` can't be longer than `rto_max`")};
    }
    if (config.tcp.delack_min > config.tcp.delack_max) {
        return base::Failure{std::string("`delack_min` can't be longer than `delack_max`")};
    }
    if (std::string bad = fast_open_fault(config.tcp); !bad.empty()) return base::Failure{std::move(bad)};
    tcp = config.tcp;
    return {};
}

std::vector<TunableNumber> tunable_numbers(const Tcp& tcp) {
    const Config config = with(tcp);
    std::vector<TunableNumber> numbers;
    for (const Key& key : tcp_keys()) {
        if (key.type == Type::Choice || key.type == Type::Text) continue;
        const std::string text = key.write(&config, key);
        double value = 0;
        if (key.type == Type::Buffer) {
            BufferSizes sizes;
            (void)detail::read_value(text, key, sizes);
            add_buffer(numbers, std::string(name_of(key)), sizes);
            continue;
        }
        if (text == key.automatic) {
            value = std::numeric_limits<double>::infinity();
        } else if (key.type == Type::Time) {
            value = std::chrono::duration<double>(parse_duration(text).value()).count();
        } else if (key.type == Type::Size) {
            value = static_cast<double>(parse_size(text).value());
        } else if (key.type == Type::Bool) {
            value = parse_bool(text).value() ? 1 : 0;
        } else {
            value = static_cast<double>(parse_count(text).value());
        }
        numbers.push_back({std::string(name_of(key)), value});
    }
    return numbers;
}

}  // namespace terminus::config
