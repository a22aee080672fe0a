"""`python tests/benchmarks`: measure hookbus beside other ways to bring events to subscribers."""

import importlib
import sys
from pathlib import Path

# By this name only: eventkit installs a package of its own that is called `tests`.
sys.path[0] = str(Path(__file__).resolve().parents[1])
sys.exit(importlib.import_module("benchmarks.cli").main())
