"""Links between pages lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo.pages import Page, broken_links, pages
from tests.repo.tree import ROOT


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_docs_links_lead_to_files_and_headings(page: Page) -> None:
    """No page sends its reader to a file or a heading that is not there."""
    assert list(broken_links(page)) == []


def test_docs_every_page_can_be_reached() -> None:
    """Each guide is linked from docs/index.md, so that no page is found only by chance."""
    index = Page(ROOT / "docs" / "index.md")
    linked = {(index.path.parent / link).resolve() for link in index.links()}
    guides = {path for path in (ROOT / "docs").glob("*.md") if path != index.path}
    assert {path.name for path in guides - linked} == set()


def test_docs_broken_links_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker sees a missing file and a missing heading."""
    monkeypatch.setattr("tests.repo.pages.ROOT", tmp_path)
    page = Page(tmp_path / "page.md")
    page.path.write_text("# One\n[a](#one) [b](#two) [c](gone.md)\n", encoding="utf-8")
    assert list(broken_links(page)) == [
        "page.md: #two names no heading",
        "page.md: gone.md does not exist",
    ]
