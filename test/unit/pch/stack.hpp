#include <catch2/catch.hpp>

#include "stack/bench.hpp"
