"""terminusd beside other proxies, and beside what its ports can carry: `scripts/bench peers` and `scripts/bench limits`.

docs/benchmarks.md says what is measured and how to read it.
"""
