#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "config/keys.hpp"
#include "config/value.hpp"

/// How a row of the table of keys is made: the member's type chooses the conversions. Internal to `config`.
namespace terminus::config {

/// Of times, in a row's range.
namespace units {

inline constexpr std::int64_t us = 1'000;
inline constexpr std::int64_t ms = 1'000 * us;
inline constexpr std::int64_t s = 1'000 * ms;
inline constexpr std::int64_t h = 3'600 * s;

}  // namespace units

namespace detail {

[[nodiscard]] std::string out_of_range(std::string_view text, const Key& key);
/// A number in the unit of the key's type.
[[nodiscard]] Parsed<std::int64_t> parse_number(std::string_view text, const Key& key);
[[nodiscard]] std::string format_number(std::int64_t value, const Key& key);

std::string read_value(std::string_view text, const Key& key, Duration& out);
std::string read_value(std::string_view text, const Key& key, bool& out);
std::string read_value(std::string_view text, const Key& key, std::string& out);
std::string read_value(std::string_view text, const Key& key, wire::IpAddress& out);
std::string read_value(std::string_view text, const Key& key, wire::Prefix& out);
std::string read_value(std::string_view text, const Key& key, wire::Endpoint& out);
std::string read_value(std::string_view text, const Key& key, PortRange& out);
std::string read_value(std::string_view text, const Key& key, FastOpenKey& out);
std::string read_value(std::string_view text, const Key& key, BufferSizes& out);

template <typename T>
requires std::is_unsigned_v<T> std::string read_value(std::string_view text, const Key& key, T& out) {
    const Parsed<std::int64_t> number = parse_number(text, key);
    if (!number) return number.error();
    out = static_cast<T>(number.value());
    return {};
}

[[nodiscard]] std::string unknown_word(std::string_view text, std::span<const std::string_view> words);

template <typename E>
requires std::is_enum_v<E> std::string read_value(std::string_view text, const Key&, E& out) {
    std::array<std::string_view, Words<E>::list.size()> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = Words<E>::list[i].first;
        if (words[i] != text) continue;
        out = Words<E>::list[i].second;
        return {};
    }
    return unknown_word(text, words);
}

template <typename T>
std::string read_value(std::string_view text, const Key& key, std::optional<T>& out) {
    if (!key.automatic.empty() && text == key.automatic) {
        out.reset();
        return {};
    }
    T value{};
    std::string fault = read_value(text, key, value);
    if (fault.empty()) out = value;
    return fault;
}

template <typename T>
std::string read_value(std::string_view text, const Key& key, std::vector<T>& out) {
    T value{};
    std::string fault = read_value(text, key, value);
    out.push_back(std::move(value));  // also a faulty one: places in messages count entries
    return fault;
}

[[nodiscard]] std::string write_value(Duration value, const Key& key);
[[nodiscard]] std::string write_value(bool value, const Key& key);
[[nodiscard]] std::string write_value(const std::string& value, const Key& key);
[[nodiscard]] std::string write_value(const wire::IpAddress& value, const Key& key);
[[nodiscard]] std::string write_value(const wire::Prefix& value, const Key& key);
[[nodiscard]] std::string write_value(const wire::Endpoint& value, const Key& key);
[[nodiscard]] std::string write_value(const PortRange& value, const Key& key);
[[nodiscard]] std::string write_value(const FastOpenKey& value, const Key& key);
[[nodiscard]] std::string write_value(const BufferSizes& value, const Key& key);

template <typename T>
requires std::is_unsigned_v<T> std::string write_value(T value, const Key& key) {
    return format_number(static_cast<std::int64_t>(value), key);
}

template <typename E>
requires std::is_enum_v<E> std::string write_value(E value, const Key&) {
    for (const auto& [word, member] : Words<E>::list) {
        if (member == value) return std::string(word);
    }
    return {};
}

template <typename T>
std::string write_value(const std::optional<T>& value, const Key& key) {
    return value ? write_value(*value, key) : std::string(key.automatic);
}

template <typename T>
std::string write_value(const std::vector<T>& value, const Key& key) {
    std::string text = "[";
    for (const T& entry : value) {
        if (text.size() > 1) text += ", ";
        text += write_value(entry, key);
    }
    return text + "]";
}

template <typename Class, typename Value>
Class class_of(Value Class::*);
template <typename Class, typename Value>
Value value_of(Value Class::*);
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

/// A member, or a member of a member.
template <auto First, auto... Rest>
struct Path {
    using Owner = decltype(class_of(First));
    static auto& in(auto& owner) {
        if constexpr (sizeof...(Rest) == 0) {
            return owner.*First;
        } else {
            return Path<Rest...>::in(owner.*First);
        }
    }
    using Value = std::remove_cvref_t<decltype(in(std::declval<Owner&>()))>;
};

}  // namespace detail

/// A row of the table for the member that `Members` lead to.
template <auto... Members>
constexpr Key key(std::string_view path, Type type, Range range, Apply apply, std::string_view help) {
    using Path = detail::Path<Members...>;
    using Owner = typename Path::Owner;
    return Key{path,
               type,
               range,
               apply,
               detail::IsVector<typename Path::Value>::value,
               false,
               {},
               help,
               [](void* owner, std::string_view text, const Key& self) {
                   return detail::read_value(text, self, Path::in(*static_cast<Owner*>(owner)));
               },
               [](const void* owner, const Key& self) {
                   return detail::write_value(Path::in(*static_cast<const Owner*>(owner)), self);
               }};
}

constexpr Key required(Key row) {
    row.is_required = true;
    return row;
}
constexpr Key automatic(std::string_view word, Key row) {
    row.automatic = word;
    return row;
}

}  // namespace terminus::config
