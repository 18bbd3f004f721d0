#include <catch2/catch.hpp>

#include "stack/stack.hpp"
