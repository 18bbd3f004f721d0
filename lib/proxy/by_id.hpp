#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "base/archive.hpp"
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

    template <typename Archive>
    void archive(Archive& a) {
        static_assert(base::Plain<T>);
        a.layout(sizeof(T));
        std::uint32_t left = a.count(made(), kIds);
        for (std::uint16_t id = 0; left > 0 && a.ok(); ++id) {
            if constexpr (Archive::kReads) {
                a(id);
            } else {
                if (!entries_[id].is_made) continue;
                a(id);
            }
            a.bytes(&entries_[id].value, sizeof(T));
            if (a.ok()) entries_[id].is_made = true;
            --left;
        }
    }

 private:
    [[nodiscard]] std::uint32_t made() const {
        std::uint32_t count = 0;
        for (std::size_t id = 0; id < kIds; ++id)
            count += entries_[id].is_made ? 1 : 0;
        return count;
    }

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
