"""Draws rings.svg, event-path.svg and plugin-life.svg, the diagrams of docs/architecture.md.

python docs/pictures/draw_architecture.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f;
  text-anchor: middle }
.title { font-weight: 600 }
.note { font-size: 11.5px; fill: #57606a }
.left { text-anchor: start }
rect, path { stroke: #8c959f; stroke-width: 1.2; fill: none }
.box { fill: #f6f8fa }
.outer { fill: #ddf4ff } .middle { fill: #dafbe1 } .inner { fill: #fff8c5 } .bad { fill: #ffebe9 }
.arrow { stroke: #57606a; stroke-width: 1.4; marker-end: url(#head) }
.dashed { stroke-dasharray: 5 4 }
.head { fill: #57606a; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9198a1 } .box { fill: #161b22 }
  .outer { fill: #0c2d4a } .middle { fill: #12361f } .inner { fill: #3b2f0b }
  .bad { fill: #45171a }
  rect, path { stroke: #6e7681 } .arrow { stroke: #9198a1 } .head { fill: #9198a1 }
}
"""
HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>'
)


class Drawing:
    """A picture that is put together from boxes, arrows and texts."""

    def __init__(self, width: int, height: int, label: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{escape(label)}">',
            f"<style>{STYLE}</style>",
            HEAD,
        ]

    def box(
        self, x: int, y: int, width: int, height: int, lines: Sequence[str], style: str = "box"
    ) -> None:
        """A box with a title and, below it, smaller notes."""
        self._parts.append(
            f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>'
        )
        top = y + height / 2 - (len(lines) - 1) * 8.5 + 4.5
        for number, line in enumerate(lines):
            kind = "note" if number else "title"
            self.text(x + width // 2, round(top + number * 17), line, kind)

    def text(self, x: int, y: int, text: str, style: str = "note") -> None:
        """A line of text, in the middle of `x` unless its style says `left`."""
        self._parts.append(f'<text class="{style}" x="{x}" y="{y}">{escape(text)}</text>')

    def arrow(self, *points: tuple[int, int], style: str = "arrow") -> None:
        """An arrow along some points."""
        way = " ".join(f"{x} {y}" for x, y in points)
        self._parts.append(f'<path class="{style}" d="M{way}"/>')

    def save(self, name: str) -> None:
        """Write the picture."""
        (FOLDER / name).write_text("\n".join([*self._parts, "</svg>", ""]), encoding="utf-8")


def draw_rings() -> None:
    """Who may import whom."""
    one = Drawing(760, 300, "Three rings: plugins import the vocabulary, which imports the host")
    one.box(10, 10, 740, 280, [], "outer")
    one.text(380, 36, "plugins/NAME: one distribution each; none imports another", "title")
    for number, name in enumerate(("a feed", "a strategy", "a log", "yours")):
        one.box(40 + number * 175, 52, 155, 34, [name])
    one.box(90, 116, 580, 160, [], "middle")
    one.text(380, 142, "hookbus-trading: shared event types, without behaviour", "title")
    one.box(160, 162, 440, 98, [], "inner")
    one.text(380, 187, "hookbus: the kernel", "title")
    one.text(380, 210, "events · bus · scheduler · clock · plugins · settings · ledger")
    one.text(380, 230, "knows no trading, no HTTP, no SQL")
    one.arrow((70, 90), (70, 196), (154, 196))
    one.arrow((690, 90), (690, 130), (675, 130))
    one.text(46, 250, "imports", "note")
    one.save("rings.svg")


def draw_event_path() -> None:
    """What becomes of an event that is published."""
    one = Drawing(780, 350, "An event goes from publish through routes and rings to handlers")
    one.box(10, 50, 120, 64, ["publish", "in a plugin"], "outer")
    one.box(155, 50, 140, 64, ["envelope", "sequence, time, cause"])
    one.box(320, 50, 130, 64, ["routing table", "by type(event)"])
    one.arrow((130, 82), (152, 82))
    one.arrow((295, 82), (317, 82))
    rings = (
        (50, "ring of Bar", ("one push for all", "that subscribe to it")),
        (150, "ring of trading.*", ("one push for all", "that subscribe to it")),
        (250, "inline", ("called at once,", "behind a guard")),
    )
    for y, name, notes in rings:
        one.arrow((450, 82), (467, 82), (467, y + 32), (487, y + 32))
        ring = "ring" in name
        one.box(490, y, 140, 64, [name, *notes], "inner" if ring else "box")
        one.arrow((630, y + 32), (657, y + 32))
        one.box(660, y, 110, 64, ["handler", "own cursor, task" if ring else "no task"], "outer")
    one.arrow((715, 50), (715, 24), (70, 24), (70, 47), style="arrow dashed")
    one.text(390, 16, "a handler publishes: the new envelope names the old one as its cause")
    one.box(
        10, 180, 200, 84, ["ledger", "sequences, rings, cursors:", "the sums must agree"], "middle"
    )
    lines = ["a handler fails", "retry, breaker, dead letter;", "told as an event"]
    one.box(240, 180, 200, 84, lines, "bad")
    one.arrow((715, 314), (715, 334), (340, 334), (340, 267), style="arrow dashed")
    one.save("event-path.svg")


def draw_plugin_life() -> None:
    """The states of a plugin."""
    one = Drawing(760, 290, "States of a plugin from discovered to stopped, disabled or failed")
    names = ("discovered", "loaded", "starting", "started", "stopping", "stopped")
    for number, name in enumerate(names):
        x = 10 + number * 126
        one.box(x, 90, 104, 44, [name], "middle" if name == "started" else "box")
        if number:
            one.arrow((x - 22, 112), (x - 2, 112))
    one.box(10, 10, 104, 40, ["disabled"])
    one.arrow((62, 90), (62, 53))
    one.text(72, 75, "never imported", "note left")
    notes = (
        ("import, check,", "settings, build"),
        ("hookbus_start", ""),
        ("hookbus_ready,", "then it runs"),
    )
    for number, (first, second) in enumerate(notes):
        one.text(125 + number * 126, 152, first)
        one.text(125 + number * 126, 168, second)
    one.text(503, 152, "hookbus_stop")
    one.text(629, 152, "all undone")
    lines = [
        "failed",
        "says at which step, why, and how to mend it;",
        "those that require it fail too",
    ]
    one.box(200, 215, 360, 62, lines, "bad")
    for begin, end in (
        ((170, 178), (230, 212)),
        ((251, 160), (270, 212)),
        ((377, 174), (377, 212)),
    ):
        one.arrow(begin, end, style="arrow dashed")
    one.arrow((503, 160), (503, 212), style="arrow dashed")
    one.save("plugin-life.svg")


if __name__ == "__main__":
    draw_rings()
    draw_event_path()
    draw_plugin_life()
