"""The pages of the documentation: their code blocks, their headings and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repo.tree import ROOT, plugins

EXAMPLES = "docs/examples/"
"""A block whose title begins so is an excerpt of that file."""

_BLOCK = re.compile(
    r"^```(?P<language>\w+)(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_TITLE = re.compile(r'title="([^"]+)"')
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code: its language, its title, and whether it is only shown, never run."""

    page: Path
    line: int
    language: str
    title: str | None
    shown: bool
    text: str

    @property
    def place(self) -> str:
        """The page and the line of its first line of code."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def is_excerpt(self) -> bool:
        """Whether it repeats a part of a file in the folder of examples."""
        return self.title is not None and self.title.startswith(EXAMPLES)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path within the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    def blocks(self, *languages: str) -> list[Block]:
        """Its blocks of code, of these languages or of all."""
        found = [_block(self, match) for match in _BLOCK.finditer(self.text)]
        return [block for block in found if not languages or block.language in languages]

    def links(self) -> list[str]:
        """What it links to and which pictures it shows, code left out."""
        prose = re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", self.text))
        return [match.group(1) or match.group(2) for match in _LINK.finditer(prose)]

    def anchors(self) -> set[str]:
        """The names of its headings as links write them."""
        return {_anchor(heading) for heading in _HEADING.findall(_BLOCK.sub("", self.text))}


def pages() -> list[Page]:
    """The README, everything in docs/, and the README of each plugin."""
    return [
        Page(ROOT / "README.md"),
        *map(Page, sorted((ROOT / "docs").rglob("*.md"))),
        *(Page(plugin.folder / "README.md") for plugin in plugins(ROOT)),
    ]


def guides() -> list[Page]:
    """The pages whose examples are run: the README and those that lie in docs/ itself."""
    return [Page(ROOT / "README.md"), *map(Page, sorted((ROOT / "docs").glob("*.md")))]


def broken_links(page: Page) -> Iterator[str]:
    """Every link of a page that leads to no file, or to no heading of it."""
    for link in page.links():
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        if not target.exists():
            yield f"{page.name}: {link} does not exist"
        elif anchor and (target.suffix != ".md" or anchor not in Page(target).anchors()):
            yield f"{page.name}: {link} names no heading"


def _block(page: Page, match: re.Match[str]) -> Block:
    words = match["words"]
    title = _TITLE.search(words)
    return Block(
        page=page.path,
        line=page.text.count("\n", 0, match.start("text")) + 1,
        language=match["language"],
        title=title.group(1) if title else None,
        shown="shown" in _TITLE.sub("", words).split(),
        text=match["text"],
    )


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
