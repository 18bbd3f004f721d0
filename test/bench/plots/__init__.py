"""What the benchmarks' JSON files say, as pictures and as the table of DESIGN's budgets: `scripts/bench plot`, `scripts/bench budgets`.

docs/benchmarks.md says which pictures there are.
"""
