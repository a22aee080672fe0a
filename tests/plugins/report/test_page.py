"""The page as a file: nothing of it comes from elsewhere, and text of events is only text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files

from hookbus_report.glossary import GLOSSARY
from hookbus_report.page import SCRIPTS, STYLES, make_json, make_page

from tests.plugins.report.makers import document, equity
from tests.plugins.report.script import script

EVIL = "<script>alert(1)</script>"


class Parts(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self.open = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """Note that no element is open."""
        self.open = ""

    def handle_data(self, data: str) -> None:
        """Note the text of a script, a style or the title."""
        if self.open in self.texts:
            self.texts[self.open][-1] += data


def evil_page() -> bytes:
    """A page of a run in which every name is code."""
    events = [
        event.model_copy(update={"symbol": EVIL}) if hasattr(event, "symbol") else event
        for _, event in script(symbols=(EVIL,), bars=100, books=(EVIL,))
    ]
    return make_page(document(events, title=f"Title {EVIL}"))


def test_text_of_events_never_becomes_markup() -> None:
    """A symbol, a book and a title that are code make no element of the page."""
    parts = Parts(evil_page())
    assert [tag for tag, _ in parts.elements].count("script") == 2
    assert "alert(1)" in parts.texts["script"][0]
    assert "alert(1)" not in parts.texts["script"][1]
    assert not set("<>&") & set(parts.texts["script"][0])
    assert json.loads(parts.texts["script"][0])["symbols"][0]["symbol"] == EVIL
    assert parts.texts["title"][0] == f"Title {EVIL}"


def test_the_page_asks_nothing_of_the_network() -> None:
    """No element names another file, the styles import none, and the policy forbids it anyway."""
    page = make_page(document([equity(1)]))
    parts = Parts(page)
    for tag, attributes in parts.elements:
        assert tag != "link"
        assert not {"src", "href", "srcset", "data"} & set(attributes)
    for style in parts.texts["style"]:
        assert not re.search(r"@import|url\(", style)
    own = "".join(_asset(f"{name}.js") for name in SCRIPTS)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", own)
    assert policy(parts).startswith("default-src 'none'; ")


def test_the_policy_names_the_very_script_and_style() -> None:
    """Only what was made to be in the page runs in it: the hashes are those of the text."""
    parts = Parts(make_page(document([equity(1)])))
    for text, kind in (
        (parts.texts["script"][1], "script"),
        ("".join(parts.texts["style"]), "style"),
    ):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy(parts)


def policy(parts: Parts) -> str:
    """What the page allows itself."""
    (found,) = [
        attributes["content"]
        for tag, attributes in parts.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    return found or ""


def _asset(name: str) -> str:
    return files("hookbus_report").joinpath("assets", name).read_text(encoding="utf-8")


def test_the_library_comes_with_its_licence() -> None:
    """uPlot may be passed on together with its licence, which its own first line points to."""
    assert "uPlot (v1." in _asset("uplot.js").splitlines()[0]
    assert "The MIT License" in _asset("uplot.LICENSE")


def test_every_asset_is_used() -> None:
    """What lies in the folder is in the page."""
    names = {path.name for path in files("hookbus_report").joinpath("assets").iterdir()}
    used = {f"{name}.js" for name in SCRIPTS} | {f"{name}.css" for name in STYLES}
    assert names == used | {"page.html", "uplot.LICENSE"}


def test_the_same_document_makes_the_same_bytes() -> None:
    """There is no time of day and no order of a set in it."""
    events = [event for _, event in script(bars=300)]
    for make in (make_page, make_json):
        assert make(document(events)) == make(document(events))


def test_the_script_names_metrics_that_exist() -> None:
    """The tiles of the page are metrics of the glossary."""
    tiles = re.search(
        r"const TILES = \[(.*?)\];\n.*?const BELOW = \{(.*?)\};", _asset("sections.js"), re.S
    )
    assert tiles is not None
    named = set(re.findall(r'"(\w+)"|(\w+):', tiles.group(1) + tiles.group(2)))
    assert {one or two for one, two in named} <= {one.key for one in GLOSSARY}


def test_json_is_the_same_document() -> None:
    """A program reads what the page shows."""
    made = document([event for _, event in script(bars=100)])
    assert json.loads(make_json(made)) == made
