"""Takes report.png: the first screen of the report of the example with everything on.

    python docs/pictures/draw_report.py

It runs the example and needs chromium on the path.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = Path(__file__).with_name("report.png")
CONFIG = "docs/examples/everything/hookbus.toml"
BROWSER = [
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,890",
]


def take(folder: Path) -> None:
    """Run the example and photograph its report."""
    report = folder / "report.html"
    run = [sys.executable, "-m", "hookbus", "run", CONFIG, "--report", str(report)]
    subprocess.run(run, cwd=ROOT, check=True)
    options = [f"--user-data-dir={folder / 'profile'}", f"--screenshot={PICTURE}"]
    subprocess.run([*BROWSER, *options, report.as_uri()], check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
