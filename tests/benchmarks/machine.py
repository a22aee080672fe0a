"""Where the figures come from: machine, interpreter, versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("hookbus", "pydantic", "apsw", "blinker", "pyee", "aiopubsub", "eventkit", "bubus")


def describe_machine() -> dict[str, str | float | None]:
    """Operating system, processor and interpreter."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "load": _load(),
    }


def package_versions() -> dict[str, str | None]:
    """The version of everything that is compared, None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _load() -> float | None:
    """Processes that wanted a core, on average over the last five minutes; ours is one of them."""
    return round(os.getloadavg()[1], 2) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
