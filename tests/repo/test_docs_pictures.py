"""The pictures of the documentation show what really happens."""

from __future__ import annotations

import html
import re
import runpy
from typing import Any

from tests.repo.tree import ROOT

PICTURES = ROOT / "docs" / "pictures"


def words(text: str) -> str:
    """Text without blanks, and without how long a run took."""
    dense = re.sub(r"\s", "", text)
    return re.sub(r"after[\d.]+s,[\d,]+events/s", "", dense)


def test_docs_picture_of_a_run_is_its_genuine_output() -> None:
    """What the README shows is what the command prints today, and the picture can be made again."""
    script: dict[str, Any] = runpy.run_path(str(PICTURES / "draw_run.py"))
    printed = re.sub(r"\x1b\[[\d;]*m", "", script["output"]())
    drawn = (PICTURES / "run.svg").read_text(encoding="utf-8")
    texts = html.unescape("".join(re.findall(r"<text[^>]*>(.*?)</text>", drawn)))
    assert words(texts) == words(f"$ hookbus run {script['CONFIG']}\n{printed}"), (
        "run: python docs/pictures/draw_run.py"
    )


def test_docs_pictures_are_all_shown() -> None:
    """A picture that no page shows is left over."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert {path.name for path in PICTURES.glob("*.svg") if path.name not in text} == set()
