#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "base/memory.hpp"

namespace terminus::proxy {

/// What a worker remembers of a service or pool across reloads, by its stable 16-bit id (DESIGN 3.4). All of
/// the memory is reserved at construction and committed as ids come into use, so a reload allocates nothing.
/// An entry that was made stays: sessions outlive what they came from.
template <typename T>
class ById {
    static_assert(std::is_trivially_destructible_v<T>, "entries go with their memory");

 public:
    static constexpr std::size_t kIds = std::size_t{UINT16_MAX} + 1;

    ById() : memory_(kIds * sizeof(Entry)), entries_(static_cast<Entry*>(memory_.data())) {}

    /// The entry of `id`, made from `args` when there is none yet.
    template <typename... Args>
    T& get_or_make(std::uint16_t id, Args&&... args) {
        Entry& entry = entries_[id];
        if (!entry.is_made) {
            std::construct_at(&entry.value, std::forward<Args>(args)...);
            entry.is_made = true;
        }
        return entry.value;
    }

    /// nullptr when there never was one.
    [[nodiscard]] const T* find(std::uint16_t id) const {
        const Entry& entry = entries_[id];
        return entry.is_made ? &entry.value : nullptr;
    }

 private:
    // Fresh memory is zero: not made.
    struct Entry {
        union {
            T value;
        };
        bool is_made;
    };

    base::Memory memory_;
    Entry* entries_;
};

}  // namespace terminus::proxy
