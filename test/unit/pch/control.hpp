#include <catch2/catch.hpp>

#include "control/support.hpp"
