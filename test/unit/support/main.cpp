// The one main of every unit test program: Catch2 v2 is a single header, and compiling its runner once is
// enough.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
