"""The picture of how an event came about."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hookbus_journal.why.chain import Node
from hookbus_journal.why.layout import Row, lay_out, whole_tree
from hookbus_journal.why.lookup import find_event
from hookbus_journal.why.page import make_page
from hookbus_journal.why.reader import event_id
from hookbus_journal.why.story import tell_story
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.journal.memories import Memory

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """An order that led to two fills, one of which a handler failed on."""
    made = Memory(tmp_path / "journal.db")
    bar = made.add("market.bar", {"close": 1.5}, key="BTC", source="market", time=1)
    made.add("trading.order", {"order_id": "o-1"}, key="BTC", source="risk", cause=bar, time=1.5)
    for number in (1, 2):
        fill = {"order_id": "o-1", "note": "<script>alert('&')</script>"}
        id_ = made.add("trading.fill", fill, key="BTC", source="venue", cause="run-2", time=2)
        if number == 2:
            failure = {"subscription": "fills", "plugin": "book", "event_id": id_, "error": "<b>"}
            made.add("hookbus.handler.failed", failure, cause=id_, time=3)
    yield made
    made.connection.close()


def page_of(memory: Memory, id_: str, most: int = 100) -> str:
    """The page of one event."""
    reader = memory.reader()
    return make_page(tell_story(reader, find_event(reader, id_), most))


def test_every_event_is_there_once_with_all_of_itself(memory: Memory) -> None:
    """Below its cause, and openable."""
    page = page_of(memory, "run-2")
    assert re.findall(r'<details class="[^"]*" id="([^"]+)"', page) == [
        *("run-1", "run-2", "run-3", "run-4", "run-5"),
    ]
    wholes = [unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)]
    assert len(wholes) == 5
    assert '"order_id": "o-1"' in wholes[1]


def test_the_page_needs_nothing_and_runs_nothing(memory: Memory) -> None:
    """Text of events stays text; nothing is loaded from anywhere."""
    page = page_of(memory, "run-4")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|https?:", page)
    assert "default-src 'none'" in page
    assert "<b>book:fills</b> failed" in page
    assert "&lt;b&gt;" in page


def test_what_is_left_out_and_what_is_missing_is_said(memory: Memory) -> None:
    """A page never looks whole where it is not."""
    assert "3 more events followed" in page_of(memory, "run-2", most=0)
    memory.connection.execute("DELETE FROM events WHERE sequence = 1")
    assert "The first cause, run-1, is not in the journal" in page_of(memory, "run-2")


TREES = st.lists(st.integers(0, 10**6), max_size=30)


def tree_of(memory: Memory, causes: list[int]) -> Node:
    """A random tree as the journal gives it back."""
    ids = [memory.add("a.b")]
    for pick in causes:
        ids.append(memory.add("a.b", cause=ids[pick % len(ids)]))
    reader = memory.reader()
    return whole_tree(tell_story(reader, find_event(reader, ids[0]), 1000))


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_lines_lead_from_causes_to_effects_and_never_meet(causes: list[int]) -> None:
    """Each effect hangs on the line of its cause, which goes on down to the last effect."""
    with TemporaryDirectory() as folder:
        memory = Memory(Path(folder) / "journal.db")
        rows = lay_out(tree_of(memory, causes))
        memory.connection.close()
    assert len(rows) == len(causes) + 1
    places = {event_id(row.event): number for number, row in enumerate(rows)}
    for number, row in enumerate(rows):
        assert len({*row.passing, row.column}) == len(row.passing) + 1
        if not row.begins:
            check_line(rows, places[str(row.event.causation_id)], number)


def check_line(rows: list[Row], above: int, below: int) -> None:
    """One line goes from a row to a later one, in the column of the first."""
    cause, effect = rows[above], rows[below]
    assert above < below
    assert effect.column == cause.column + effect.branched
    assert not cause.ends
    assert all(cause.column in row.passing for row in rows[above + 1 : below])
    assert (cause.column in effect.passing) == effect.branched


FRAME = """<iframe id="f" width="{width}" height="900" style="border:0" srcdoc="{page}"></iframe>
<script>onload = () => {{ document.title = f.contentDocument.documentElement.scrollWidth }}</script>
"""
"""A frame as wide as a telephone, and a title that says how wide what is in it has become."""


@pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt-get install chromium")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_it_without_scrolling_sideways(
    memory: Memory, tmp_path: Path, width: int
) -> None:
    """Also on a telephone, and with a long name in it."""
    memory.add("trading.fill", {"text": "x" * 500}, key="K" * 60, cause="run-2", time=9)
    path = tmp_path / "frame.html"
    path.write_text(FRAME.format(width=width, page=escape(page_of(memory, "run-2"))))
    done = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900", "--dump-dom",
         path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    found = re.search(r"<title>(\d+)</title>", done.stdout)
    assert found is not None
    assert int(found[1]) <= width
