"""The picture of the README: nanoseconds per delivery, one bar per contender and crowd size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from .throughput import SUBSCRIBERS, Row
from .workload import KINDS

WIDTH = 860
LABELS = 120
BAR, GAP, GROUP = 9, 1, 12
TOP, PANEL, FOOT = 62, 46, 30
LOWEST, HIGHEST = 20.0, 20_000.0
TICKS = (30, 100, 300, 1_000, 3_000, 10_000)
HIDDEN = ("hookbus nowait", "hookbus lossless")

STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.panel { font-size: 13px; font-weight: 600 }
.note, .tick { fill: #57606a; font-size: 11px }
.value { font-size: 9px; fill: #57606a }
.ours { font-weight: 700 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.s0 { fill: #afb8c1 } .s1 { fill: #8c959f } .s2 { fill: #6e7781 }
.o0 { fill: #80ccb0 } .o1 { fill: #2da680 } .o2 { fill: #0b7a57 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note, .tick, .value { fill: #8d96a0 }
  .grid { stroke: #30363d }
  .s0 { fill: #484f58 } .s1 { fill: #6e7681 } .s2 { fill: #8b949e }
}
"""


def write_chart(rows: Sequence[Row], path: Path) -> None:
    """Write the chart of the bursts of 100 as SVG."""
    panels = [_panel_rows(rows, kind) for kind in KINDS]
    height = TOP + FOOT + sum(PANEL + _panel_height(panel) for panel in panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" '
        'aria-label="Nanoseconds per delivery of hookbus and others">',
        f"<style>{STYLE}</style>",
        _text(10, 22, "Nanoseconds per delivery, bursts of 100 events", "title"),
        _text(10, 40, "shorter is better; logarithmic; every delivery counted", "note"),
        *_legend(),
    ]
    top = TOP
    for kind, panel in zip(KINDS, panels, strict=True):
        lines += _draw_panel(kind, panel, top + PANEL)
        top += PANEL + _panel_height(panel)
    path.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def _panel_rows(rows: Sequence[Row], kind: str) -> dict[str, dict[int, Row]]:
    """The rows by contender and crowd size, the fastest in the largest crowd first."""
    chosen: dict[str, dict[int, Row]] = {}
    for row in rows:
        wanted = (row.kind, row.burst) == (kind, 100) and row.contender not in HIDDEN
        if wanted and row.per_delivery is not None:
            chosen.setdefault(row.contender, {})[row.subscribers] = row
    return dict(sorted(chosen.items(), key=lambda item: _largest(item[1])))


def _largest(by_size: dict[int, Row]) -> float:
    return by_size[max(by_size)].per_delivery or 0.0


def _panel_height(panel: dict[str, dict[int, Row]]) -> int:
    return sum(len(by_size) * (BAR + GAP) + GROUP for by_size in panel.values())


def _draw_panel(kind: str, panel: dict[str, dict[int, Row]], top: int) -> Iterator[str]:
    bottom = top + _panel_height(panel)
    yield _text(10, top - 18, f"{kind} handlers", "panel")
    for tick in TICKS:
        x = _position(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 6}" y2="{bottom - 6}"/>'
        yield _text(x, top - 10, f"{tick:,}", "tick", anchor="middle")
    for name, by_size in panel.items():
        yield from _draw_group(name, by_size, top)
        top += len(by_size) * (BAR + GAP) + GROUP


def _draw_group(name: str, by_size: dict[int, Row], top: int) -> Iterator[str]:
    ours = name == "hookbus"
    middle = top + len(by_size) * (BAR + GAP) / 2 + 4
    yield _text(LABELS - 8, middle, name, "ours" if ours else "", anchor="end")
    for number, size in enumerate(sorted(by_size)):
        value = by_size[size].per_delivery or LOWEST
        end = _position(min(value, HIGHEST))
        y = top + number * (BAR + GAP)
        yield (
            f'<rect class="{"o" if ours else "s"}{number}" x="{LABELS}" y="{y}" '
            f'width="{end - LABELS:.1f}" height="{BAR}"/>'
        )
        cut = "  (bar cut)" if value > HIGHEST else ""
        yield _text(end + 4, y + BAR - 1, f"{value:,.0f}{cut}", "value")


def _legend() -> Iterator[str]:
    x = WIDTH - 372
    for number, size in enumerate(SUBSCRIBERS):
        yield f'<rect class="s{number}" x="{x}" y="14" width="9" height="9"/>'
        yield f'<rect class="o{number}" x="{x + 10}" y="14" width="9" height="9"/>'
        yield _text(x + 24, 22, f"{size} subscriber{'s' * (size > 1)}", "note")
        x += 124


def _position(value: float) -> float:
    share = math.log(max(value, LOWEST) / LOWEST) / math.log(HIGHEST / LOWEST)
    return LABELS + share * (WIDTH - LABELS - 110)


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{style}">{escape(text)}</text>'
