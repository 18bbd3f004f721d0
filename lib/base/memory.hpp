#pragma once

#include <cstddef>
#include <utility>

namespace terminus::base {

/// Zeroed memory for slabs and tables: huge pages by MADV_HUGEPAGE where the kernel has them, ordinary ones
/// otherwise; nothing is committed until it is touched. Freed at destruction. Begins where a huge page does
/// when it is as long as one, and where a page does otherwise.
class Memory {
 public:
    static constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

    Memory() = default;
    /// Asserts that the kernel grants the mapping: sizes come from a validated config, at start only.
    explicit Memory(std::size_t size_bytes);
    ~Memory();
    Memory(Memory&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Memory& operator=(Memory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }

    /// What is there is lost and reads as zero; the kernel has its pages again. `offset` is a page's. False,
    /// and nothing happens, where the kernel keeps them: in locked memory.
    [[nodiscard]] bool discard(std::size_t offset, std::size_t bytes);

    [[nodiscard]] void* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }

 private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace terminus::base
