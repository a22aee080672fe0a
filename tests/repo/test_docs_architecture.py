"""docs/architecture.md names every part of the host."""

from __future__ import annotations

import re

from tests.repo.tree import ROOT


def test_docs_architecture_names_every_module_of_the_host() -> None:
    """A module or package that is added or removed is added to or removed from the table."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Modules\n")[2].partition("\n\nWhy ")[0]
    first_cells = "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    found = [path for path in (ROOT / "host" / "hookbus").iterdir() if path.name[0] != "_"]
    modules = {path.stem for path in found if path.suffix == ".py"}
    packages = {f"{path.name}/" for path in found if path.is_dir()}
    assert set(re.findall(r"`([\w/]+)`", first_cells)) - {"hookbus"} == modules | packages
