"""A real browser without a window: what it makes of a page, and what it looks like."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no chromium here: apt-get install chromium"
)

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
SCHEMES = {"light": "--blink-settings=preferredColorScheme=1",
           "dark": "--blink-settings=preferredColorScheme=0"}  # fmt: skip
LAPTOP, SMALL = "--window-size=1440,900", "--window-size=900,800"
CODE = re.compile(r"(<(script|style)[^>]*>).*?(?=</\2>)", re.DOTALL)
LINE = re.compile(r"^.*CONSOLE.*$", re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """A page after its scripts have run: its elements as text, and the lines of its console.

    What stands in scripts and styles is left out, for it is not what a reader sees.
    """

    dom: str
    console: list[str]

    @property
    def state(self) -> str:
        """What the page says of itself: drawn, failed, or nothing."""
        found = re.search(r'<html[^>]* data-state="(\w+)"', self.dom)
        return found.group(1) if found else ""

    def texts(self, pattern: str) -> list[str]:
        """The texts that the first group of a pattern finds."""
        return re.findall(pattern, self.dom, re.DOTALL)


def browse(path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Open a page with a profile of its own."""
    profile = f"--user-data-dir={path.parent / 'profile'}"
    return subprocess.run(
        [str(BROWSER), *OPTIONS, profile, *more, path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def look(folder: Path, page: bytes) -> Seen:
    """What becomes of a page."""
    path = folder / "page.html"
    path.write_bytes(page)
    done = browse(path, LAPTOP, "--dump-dom")
    return Seen(CODE.sub(r"\1", done.stdout), LINE.findall(done.stderr))


def act(folder: Path, page: bytes, script: str) -> Seen:
    """What becomes of a page when somebody uses it, which `script` does."""
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.decode())
    return look(folder, text.replace("</body>", f"<script>{script}</script></body>").encode())


def colours(folder: Path, page: bytes, scheme: str) -> Counter[tuple[int, ...]]:
    """How many pixels of each colour a picture of the page has."""
    path, picture = folder / "page.html", folder / "page.png"
    path.write_bytes(page)
    browse(path, SMALL, f"--screenshot={picture}", SCHEMES[scheme])
    return Counter(pixels(picture.read_bytes()))


def pixels(png: bytes) -> list[tuple[int, ...]]:
    """The pixels of a PNG picture of eight bits for each colour, without interlacing."""
    width, _, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    assert (depth, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[kind]
    data, at = b"", 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    rows, step = zlib.decompress(data), width * size + 1
    before, found = bytes(step - 1), []
    for start in range(0, len(rows), step):
        before = unfiltered(rows[start], rows[start + 1 : start + step], before, size)
        found += [tuple(before[x : x + 3]) for x in range(0, len(before), size)]
    return found


def unfiltered(kind: int, row: bytes, above: bytes, size: int) -> bytes:
    """A row of a PNG picture as it was before it was made smaller."""
    done = bytearray(row)
    for at in range(len(done)):
        left = done[at - size] if at >= size else 0
        corner = above[at - size] if at >= size else 0
        done[at] = (done[at] + predicted(kind, left, above[at], corner)) & 255
    return bytes(done)


def predicted(kind: int, left: int, up: int, corner: int) -> int:
    """What PNG expects in a place from its neighbours."""
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda one: abs(guess - one))
    return (0, left, up, (left + up) // 2)[kind]
