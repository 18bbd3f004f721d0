"""scripts/check-layers finds each kind of breach: a check that cannot fail is a defect."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-layers"


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        self.root = pathlib.Path(self.tmp.name)
        (self.root / "app").mkdir()
        self.library("base", sources=["a.cpp"])
        self.write("lib/base/a.cpp", '#include "base/a.hpp"\n')
        self.library("wire", deps=["base"])
        self.library("tcp", deps=["base", "wire"])

    def library(self, name, sources=(), deps=(), extra=""):
        self.write(
            f"lib/{name}/meson.build",
            f"sources = files({', '.join(map(repr, sources))})\ndeps = {list(deps)!r}\nexternals = []\n{extra}",
        )

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self):
        done = subprocess.run([SCRIPT, self.root], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def expect_breach(self, where, what):
        code, out = self.check()
        self.assertEqual(code, 1, out)
        self.assertIn(where, out)
        self.assertIn(what, out)
        self.assertEqual(out.splitlines()[-1], "1 breaches of the layers", out)

    def test_accepts_a_tree_that_keeps_its_layers(self):
        self.write("lib/tcp/x.hpp", '#include <cstdint>\n#include "base/a.hpp"\n#include "tcp/y.hpp"\n#include "wire/z.hpp"\n')
        self.assertEqual(self.check(), (0, ""))

    def test_finds_a_dependency_that_points_upwards(self):
        self.library("wire", deps=["base", "tcp"])
        self.expect_breach("lib/wire/meson.build:1", "'wire' may not depend on 'tcp'")

    def test_finds_an_include_that_is_not_in_the_deps(self):
        self.write("lib/tcp/x.hpp", '#pragma once\n#include "packet/slice.hpp"\n')
        self.expect_breach("lib/tcp/x.hpp:2", "does not list 'packet'")

    def test_finds_an_include_in_angle_brackets_too(self):
        self.write("lib/wire/x.hpp", "#include <tcp/x.hpp>\n")
        self.expect_breach("lib/wire/x.hpp:1", "does not list 'tcp'")

    def test_finds_an_include_that_hides_its_library(self):
        self.write("lib/wire/x.hpp", '#include "y.hpp"\n')
        self.expect_breach("lib/wire/x.hpp:1", "must be named from lib/")

    def test_finds_mbufs_outside_packet(self):
        self.write("lib/tcp/x.hpp", "#include <rte_mbuf.h>\n")
        self.expect_breach("lib/tcp/x.hpp:1", "may not include <rte_mbuf.h>")

    def test_finds_ethdev_in_a_program(self):
        self.write("app/terminusd/main.cpp", "#include <rte_ethdev.h>\n")
        self.expect_breach("app/terminusd/main.cpp:1", "may not include <rte_ethdev.h>")

    def test_finds_asio_outside_control(self):
        self.write("lib/tcp/x.hpp", "#include <boost/asio.hpp>\n")
        self.expect_breach("lib/tcp/x.hpp:1", "belongs to control")

    def test_finds_exceptions_switched_on_in_the_data_plane(self):
        self.library("tcp", deps=["base"], extra="throws = true\n")
        self.expect_breach("lib/tcp/meson.build:1", "without exceptions")

    def test_finds_a_library_without_a_layer(self):
        self.library("misc")
        self.expect_breach("lib/misc/meson.build:1", "'misc' is not one of the libraries")

    def test_finds_a_source_that_nobody_compiles(self):
        self.write("lib/wire/forgotten.cpp", "")
        self.expect_breach("lib/wire/forgotten.cpp:1", "never compiled")

    def test_finds_a_clock_below_the_worker_but_not_in_a_comment(self):
        self.write("lib/tcp/x.hpp", "// steady_clock is the worker's\n/* float */ const char* s = \"double\";\n")
        self.assertEqual(self.check(), (0, ""))
        self.write("lib/tcp/x.hpp", "\nauto t = std::chrono::steady_clock::now();\n")
        self.expect_breach("lib/tcp/x.hpp:2", "reads a clock")

    def test_finds_floating_point_below_the_worker(self):
        self.write("lib/tcp/x.hpp", "double srtt;\n")
        self.expect_breach("lib/tcp/x.hpp:1", "floating point")


if __name__ == "__main__":
    unittest.main()
