"""Benchmarks: hookbus beside what people use instead, every delivery counted.

Run them with `python tests/benchmarks`; `--help` lists the options.
"""
