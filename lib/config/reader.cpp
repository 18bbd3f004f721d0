#include "config/reader.hpp"

#include <algorithm>
#include <optional>

#include "config/keys.hpp"
#include "config/value.hpp"

namespace terminus::config {
namespace {

using yaml::Kind;
using yaml::Node;

std::string_view kind_word(Kind kind) {
    switch (kind) {
        case Kind::Null:
            return "nothing";
        case Kind::Scalar:
            return "one value";
        case Kind::Sequence:
            return "a list";
        case Kind::Mapping:
            return "a mapping of keys";
    }
    return {};
}

/// The names that can stand directly under `prefix`.
std::vector<std::string> names_under(std::string_view prefix) {
    std::vector<std::string> names;
    const auto take = [&](std::string_view path) {
        if (!path.starts_with(prefix)) return;
        const std::string name(
            path.substr(prefix.size(), path.find_first_of(".[", prefix.size()) - prefix.size()));
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const Key& key : keys())
        take(key.path);
    return names;
}

class Reader {
 public:
    explicit Reader(Draft& draft) : draft_(draft) {}

    /// `prefix` is the table's path of the mapping ("pools[]."), `place` its own ("pools[3].").
    void read_mapping(const Node& mapping, void* owner, const std::string& prefix, const std::string& place) {
        std::map<std::string, yaml::Mark> seen;
        for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
            const Node& name_node = *mapping.items[i];
            const std::optional<std::string> name = key_name(name_node, prefix);
            if (!name) continue;
            const auto [first, is_new] = seen.emplace(*name, name_node.mark);
            if (!is_new) {
                complain(name_node.mark, "duplicate key " + quoted(place + *name) + ", first given on line " +
                                             std::to_string(first->second.line));
                continue;
            }
            read_entry(name_node, *mapping.items[i + 1], owner, prefix + *name, place + *name);
        }
        for (const Key& key : keys()) {
            if (!key.is_required || !key.path.starts_with(prefix)) continue;
            const std::string name(key.path.substr(prefix.size()));
            if (name.find_first_of(".[") == std::string::npos && seen.count(name) == 0) {
                complain(mapping.mark,
                         "`" + name + "` is missing in " + quoted(place.substr(0, place.size() - 1)));
            }
        }
    }

 private:
    void complain(yaml::Mark mark, std::string message) {
        draft_.complaints.push_back({mark, std::move(message)});
    }

    std::optional<std::string> key_name(const Node& node, const std::string& prefix) {
        if (node.kind != Kind::Scalar) {
            complain(node.mark, "a key must be a word, not " + std::string(kind_word(node.kind)));
            return std::nullopt;
        }
        // Linux's full spelling.
        if (prefix == "tcp." && node.text.starts_with("tcp_")) return node.text.substr(4);
        return node.text;
    }

    void read_entry(const Node& name, const Node& value, void* owner, const std::string& path,
                    const std::string& place) {
        draft_.places.emplace(place, value.mark);
        for (const Table& table : tables()) {
            if (table.path == path + "[]") return read_table(value, owner, table, place);
        }
        if (const Key* key = find_key(path)) return read_value(value, owner, *key, place);
        const bool is_section = std::any_of(keys().begin(), keys().end(),
                                            [&](const Key& key) { return key.path.starts_with(path + "."); });
        if (!is_section) return complain(name.mark, unknown_key(path, place));
        if (value.kind == Kind::Null) return;
        if (value.kind != Kind::Mapping)
            return complain(value.mark, mistyped(place, "a mapping of keys", value));
        read_mapping(value, owner, path + ".", place + ".");
    }

    void read_table(const Node& list, void* owner, const Table& table, const std::string& place) {
        if (list.kind == Kind::Null) return;
        if (list.kind != Kind::Sequence) return complain(list.mark, mistyped(place, "a list", list));
        if (list.items.size() > table.max) {
            return complain(list.mark, place + ": " + std::to_string(list.items.size()) +
                                           " entries; there can be " + std::to_string(table.max));
        }
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            const Node& item = *list.items[i];
            const std::string item_place = place + "[" + std::to_string(i) + "]";
            draft_.places.emplace(item_place, item.mark);
            void* entry = table.append(owner);
            if (item.kind == Kind::Mapping) {
                read_mapping(item, entry, std::string(table.path) + ".", item_place + ".");
            } else {
                complain(item.mark, mistyped(item_place, "a mapping of keys", item));
            }
        }
    }

    void read_value(const Node& value, void* owner, const Key& key, const std::string& place) {
        if (key.type == Type::TwoPorts)
            return read_joined(value, 2, "two ports (`[1024, 65535]`)", owner, key, place);
        if (key.type == Type::Buffer && value.kind != Kind::Scalar)
            return read_joined(value, 3, "a size, or three (`[4k, 128k, 6M]`)", owner, key, place);
        if (!key.is_list) {
            if (value.kind != Kind::Scalar)
                return complain(value.mark, mistyped(place, type_text(key), value));
            return convert(value, value.text, owner, key, place);
        }
        if (value.kind != Kind::Sequence) {
            return complain(value.mark, mistyped(place, type_text(key) + " (`[a, b]`)", value));
        }
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            const Node& item = *value.items[i];
            const std::string item_place = place + "[" + std::to_string(i) + "]";
            draft_.places.emplace(item_place, item.mark);
            if (item.kind == Kind::Scalar) {
                convert(item, item.text, owner, key, item_place);
            } else {
                complain(item.mark, mistyped(item_place, "one value", item));
            }
        }
        const auto entries = static_cast<std::int64_t>(value.items.size());
        const bool counts_entries = key.type != Type::Count && key.range.bounded();
        if (counts_entries && (entries < key.range.min || entries > key.range.max)) {
            complain(value.mark,
                     place + ": " + std::to_string(entries) + " entries; allowed are " + range_text(key));
        }
    }

    /// A list of `count` scalars that are one value, its parts joined by blanks as Linux writes them.
    void read_joined(const Node& value, std::size_t count, const std::string& wanted, void* owner,
                     const Key& key, const std::string& place) {
        const bool is_good = value.kind == Kind::Sequence && value.items.size() == count &&
                             std::all_of(value.items.begin(), value.items.end(),
                                         [](const auto& item) { return item->kind == Kind::Scalar; });
        if (!is_good) return complain(value.mark, mistyped(place, wanted, value));
        std::string text;
        for (const auto& item : value.items)
            text += (text.empty() ? "" : " ") + item->text;
        convert(value, text, owner, key, place);
    }

    void convert(const Node& node, const std::string& text, void* owner, const Key& key,
                 const std::string& place) {
        const std::string fault = key.read(owner, text, key);
        if (!fault.empty()) complain(node.mark, place + ": " + fault);
    }

    static std::string mistyped(const std::string& place, const std::string& wanted, const Node& found) {
        std::string message =
            place + ": expected " + wanted + ", found " + std::string(kind_word(found.kind));
        if (found.kind == Kind::Scalar) message += " " + quoted(found.text);
        return message;
    }

    static std::string unknown_key(const std::string& path, const std::string& place) {
        for (const Missing& missing : missing_keys()) {
            if (missing.path == path) {
                const bool is_remark = missing.advice.starts_with("is ");
                return quoted(place) + (is_remark ? " " : " is no key: ") + std::string(missing.advice);
            }
        }
        std::string message = "unknown key " + quoted(place);
        const std::string prefix = path.substr(0, path.size() - last_word(path).size());
        if (const auto near = nearest(last_word(path), names_under(prefix))) {
            return message + "; did you mean " + quoted(*near) + "?";
        }
        for (const Key& key : keys()) {
            if (last_word(key.path) == last_word(path)) {
                return message + "; did you mean " + quoted(key.path) + "?";
            }
        }
        return message;
    }

    static std::string_view last_word(std::string_view path) {
        const std::size_t dot = path.rfind('.');
        return dot == std::string_view::npos ? path : path.substr(dot + 1);
    }

    Draft& draft_;
};

}  // namespace

void Draft::complain(const std::string& path, const std::string& message) {
    std::string holder = path;
    while (!holder.empty() && places.count(holder) == 0) {
        const std::size_t cut = holder.find_last_of(".[");
        holder = cut == std::string::npos ? std::string() : holder.substr(0, cut);
    }
    const yaml::Mark mark = holder.empty() ? yaml::Mark{} : places.at(holder);
    complaints.push_back({mark, path + ": " + message});
}

Draft read_draft(const yaml::Node& root) {
    if (root.kind != Kind::Mapping) {
        throw yaml::Fault(root.mark,
                          "expected a mapping of keys, found " + std::string(kind_word(root.kind)));
    }
    Draft draft;
    Reader(draft).read_mapping(root, &draft.config, "", "");
    return draft;
}

}  // namespace terminus::config
