#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/assert.hpp"

namespace terminus::base {

/// Wraps an error so that Result's constructors can tell it from a value of the same type.
template <typename E>
struct Failure {
    E error;
};
template <typename E>
Failure(E) -> Failure<E>;

/// A value or the operating fault that kept it from being had. std::expected in miniature (g++ 12's C++20
/// mode has none).
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
    Result(T value) : storage_(std::in_place_index<0>, std::move(value)) {}
    template <typename F>
    Result(Failure<F> failure) : storage_(std::in_place_index<1>, std::move(failure.error)) {}

    [[nodiscard]] bool ok() const { return storage_.index() == 0; }
    explicit operator bool() const { return ok(); }

    [[nodiscard]] T& value() & {
        TERMINUS_ASSERT(ok(), "value() is asked only after ok()");
        return std::get<0>(storage_);
    }
    [[nodiscard]] const T& value() const& {
        TERMINUS_ASSERT(ok(), "value() is asked only after ok()");
        return std::get<0>(storage_);
    }
    [[nodiscard]] T&& value() && {
        TERMINUS_ASSERT(ok(), "value() is asked only after ok()");
        return std::move(std::get<0>(storage_));
    }
    [[nodiscard]] const E& error() const {
        TERMINUS_ASSERT(!ok(), "error() is asked only after !ok()");
        return std::get<1>(storage_);
    }

 private:
    std::variant<T, E> storage_;
};

/// Done, or the fault.
template <typename E>
class [[nodiscard]] Result<void, E> {
 public:
    Result() = default;
    template <typename F>
    Result(Failure<F> failure) : error_(std::move(failure.error)) {}

    [[nodiscard]] bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] const E& error() const {
        TERMINUS_ASSERT(!ok(), "error() is asked only after !ok()");
        return *error_;
    }

 private:
    std::optional<E> error_;
};

}  // namespace terminus::base
