"""terminusd between terminus-load's clients and backends, on memif, and beside it a reflector: `scripts/bench load`.

docs/benchmarks.md says what is measured and how to read it.
"""
