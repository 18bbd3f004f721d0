#include <catch2/catch.hpp>

#include "support/pool.hpp"
