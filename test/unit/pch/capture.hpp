#include <catch2/catch.hpp>

#include "capture/tape.hpp"
#include "support/pool.hpp"
