"""Draws run.svg: what `hookbus run` of the trading example prints on a terminal.

    python docs/pictures/draw_run.py

The picture is made from the output of the command, which runs while you wait.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
PICTURE = Path(__file__).with_name("run.svg")
CONFIG = "docs/examples/trading/hookbus.toml"
WIDTH = 84
"""Columns of the terminal."""

GREY, GREEN = (139, 148, 158), (63, 185, 80)
NORMAL = [GREY, (255, 123, 114), GREEN, (210, 153, 34), (121, 192, 255), (188, 140, 255)]
THEME = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    [*NORMAL, (118, 227, 234), (230, 237, 243)],
    [*NORMAL, (118, 227, 234), (255, 255, 255)],
)


def output() -> str:
    """What the command prints on standard output, with the colours that it has on a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "hookbus", "run", CONFIG],
        cwd=ROOT,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def draw(text: str, title: str, path: Path) -> None:
    """Write terminal output as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), (title, "bold")))
    console.print(Text.from_ansi(text.rstrip()))
    svg = console.export_svg(title="", theme=THEME, unique_id="run")
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    draw(output(), f"hookbus run {CONFIG}", PICTURE)
