#include "config/diff.hpp"

#include <algorithm>

#include "config/keys.hpp"

namespace terminus::config {
namespace {

/// The table's path that `path` belongs to: "pools[].backends[]" of "pools[].backends[].name", "" of a plain
/// key.
std::string_view table_of(std::string_view path) {
    const std::size_t end = path.rfind("[].");
    return end == std::string_view::npos ? std::string_view() : path.substr(0, end + 2);
}

const Key* identity_key(const Table& table) {
    return find_key(table.identity);
}

std::string identity(const Table& table, const void* entry) {
    const Key* key = identity_key(table);
    return key->write(entry, *key);
}

const void* find_entry(const Table& table, const void* owner, const std::string& name) {
    for (std::size_t i = 0; i < table.size(owner); ++i) {
        const void* entry = table.entry(owner, i);
        if (identity(table, entry) == name) return entry;
    }
    return nullptr;
}

void diff_owner(const void* before, const void* after, std::string_view table_path, const std::string& place,
                std::vector<Change>& changes);

void diff_table(const Table& table, const void* before, const void* after, const std::string& place,
                std::vector<Change>& changes) {
    const bool restart = identity_key(table)->apply == Apply::Restart;
    for (std::size_t i = 0; i < table.size(before); ++i) {
        const void* entry = table.entry(before, i);
        const std::string name = identity(table, entry);
        const std::string entry_place = place + "[" + name + "]";
        if (const void* match = find_entry(table, after, name)) {
            diff_owner(entry, match, table.path, entry_place + ".", changes);
        } else {
            changes.push_back({entry_place, name, "", restart});
        }
    }
    for (std::size_t i = 0; i < table.size(after); ++i) {
        const std::string name = identity(table, table.entry(after, i));
        if (find_entry(table, before, name) == nullptr) {
            changes.push_back({place + "[" + name + "]", "", name, restart});
        }
    }
}

void diff_owner(const void* before, const void* after, std::string_view table_path, const std::string& place,
                std::vector<Change>& changes) {
    const std::size_t skip = table_path.empty() ? 0 : table_path.size() + 1;
    for (const Key& key : keys()) {
        if (table_of(key.path) != table_path) continue;
        std::string old_text = key.write(before, key);
        std::string new_text = key.write(after, key);
        if (old_text == new_text) continue;
        changes.push_back({place + std::string(key.path.substr(skip)), std::move(old_text),
                           std::move(new_text), key.apply == Apply::Restart});
    }
    for (const Table& table : tables()) {
        const std::string_view inner = table.path.substr(0, table.path.size() - 2);
        if (table_of(inner) != table_path) continue;
        diff_table(table, before, after, place + std::string(inner.substr(skip)), changes);
    }
}

}  // namespace

std::string Change::to_string() const {
    const std::string what = before.empty() && path.back() == ']'  ? path + ": added"
                             : after.empty() && path.back() == ']' ? path + ": removed"
                                                                   : path + ": " + before + " → " + after;
    return needs_restart ? what + " (needs a restart)" : what;
}

std::vector<Change> diff(const Config& before, const Config& after) {
    std::vector<Change> changes;
    diff_owner(&before, &after, "", "", changes);
    return changes;
}

Config live_part(const Config& running, const Config& wanted) {
    Config result = running;
    result.pools = wanted.pools;
    result.services = wanted.services;
    for (const Key& key : keys()) {
        if (key.apply != Apply::Live || !table_of(key.path).empty()) continue;
        // A value that was read or made valid reads back without fault.
        (void)key.read(&result, key.write(&wanted, key), key);
    }
    return result;
}

}  // namespace terminus::config
