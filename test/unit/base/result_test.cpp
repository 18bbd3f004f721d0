#include "base/result.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using terminus::base::Failure;
using terminus::base::Result;

namespace {
enum class Fault { Full, Gone };

Result<int, Fault> positive(int number) {
    if (number <= 0) return Failure{Fault::Gone};
    return number;
}
Result<void, std::string> done(bool well) {
    if (!well) return Failure{std::string("not well")};
    return {};
}
}  // namespace

TEST_CASE("a result is its value or its error and never both") {
    const auto good = positive(3);
    CHECK(good.ok());
    CHECK(static_cast<bool>(good));
    CHECK(good.value() == 3);
    const auto bad = positive(0);
    CHECK_FALSE(bad.ok());
    CHECK_FALSE(static_cast<bool>(bad));
    CHECK(bad.error() == Fault::Gone);
}

TEST_CASE("a result of nothing is done or its error") {
    CHECK(done(true).ok());
    const auto bad = done(false);
    CHECK_FALSE(bad.ok());
    CHECK(bad.error() == "not well");
}

TEST_CASE("value and error may be of the same type") {
    const Result<int, int> value(1);
    const Result<int, int> error(Failure{1});
    CHECK(value.ok());
    CHECK_FALSE(error.ok());
}

TEST_CASE("a value that can only be moved is moved out") {
    Result<std::unique_ptr<int>, Fault> result(std::make_unique<int>(4));
    *result.value() = 5;
    const std::unique_ptr<int> taken = std::move(result).value();
    CHECK(*taken == 5);
}
