#include <catch2/catch.hpp>

#include "proxy/world.hpp"
