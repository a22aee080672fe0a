"""Everything that the documentation shows is true: it runs, and prints what is printed there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hookbus import Clock, Host, Plugin
from hookbus.settings.config import make_config

from tests.repo.pages import Block, Page, guides, pages
from tests.repo.stories import (
    Example,
    Story,
    configuration_problems,
    excerpt_problem,
    pattern,
    run_examples,
)
from tests.repo.tree import ROOT

BLOCKS = [block for page in guides() for block in page.blocks()]


def _runs(block: Block) -> bool:
    return block.language == "python" and block.title is None and not block.shown


WITH_COMMANDS = [
    page for page in guides() if any(not block.shown for block in page.blocks("console"))
]
WITH_EXAMPLES = [page for page in guides() if any(map(_runs, page.blocks()))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_docs_commands_print_what_the_page_shows(page: Page, tmp_path: Path) -> None:
    """A reader who follows a page from top to bottom sees what it says."""
    Story(page, tmp_path).follow()


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
async def test_docs_examples_run(page: Page, simulated_clock: Clock, tmp_path: Path) -> None:
    """The Python of a page runs in a plugin, and its asserts hold."""
    config = make_config({}, base=tmp_path)
    plugins = [*_needed(page), Example]
    async with Host(config, plugins=plugins, group=None, clock=simulated_clock) as host:
        instance = host.records["example"].instance
        assert isinstance(instance, Example)
        await run_examples([block for block in page.blocks() if _runs(block)], instance.context)


def _needed(page: Page) -> list[type[Plugin]]:
    """What the examples of a page rest on: a journal where they are about durable delivery."""
    if not any('delivery="durable"' in block.text for block in page.blocks() if _runs(block)):
        return []
    return [pytest.importorskip("hookbus_journal.plugin").JournalPlugin]


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.is_excerpt], ids=lambda block: block.place
)
def test_docs_excerpts_equal_their_files(block: Block) -> None:
    """Code that is taken from a tested file is still what that file says."""
    assert excerpt_problem(block) is None


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "toml" and not block.is_excerpt],
    ids=lambda block: block.place,
)
def test_docs_configuration_is_valid(block: Block) -> None:
    """TOML in the documentation has only sections and keys that the host knows."""
    assert configuration_problems(block) == []


def test_docs_blocks_of_code_are_closed() -> None:
    """A fence that is not closed would hide its example from these tests."""
    for page in pages():
        fences = sum(line.startswith("```") for line in page.text.splitlines())
        assert fences == 2 * len(page.blocks()), f"{page.name}: an unusual or open fence"


def test_docs_output_is_compared_line_by_line() -> None:
    """Dots stand for lines or parts of lines, and nothing else may differ."""
    wanted = pattern("first\n…\nlast of … lines\n")
    assert wanted.fullmatch("first\nlast of 2 lines\n")
    assert wanted.fullmatch("first\nsecond\nthird\nlast of 4 lines\n")
    assert not wanted.fullmatch("first\nlast of 2 words\n")
    assert not wanted.fullmatch("first\nlast of 2 lines\nmore\n")


def test_docs_excerpts_that_differ_are_found() -> None:
    """A changed example does not pass as an excerpt."""
    block = Block(ROOT / "README.md", 1, "python", "docs/examples/first/my_strategy.py", False, "")
    changed = Block(block.page, 1, "python", block.title, False, "class Changed:\n")
    assert excerpt_problem(block) is None
    assert "differs" in str(excerpt_problem(changed))
