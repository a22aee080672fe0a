"""Demonstrations that durable delivery survives what goes wrong, each counted.

Run them with `python -m tests.faults`; `--help` lists the options.
"""
