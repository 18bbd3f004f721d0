#include <catch2/catch.hpp>

#include "tcp/bench.hpp"
