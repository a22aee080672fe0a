"""The page: the document, a style and a script in one file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any

__all__ = ["make_json", "make_page"]

SCRIPTS = ("uplot", "elements", "formats", "charts", "tables", "timelines", "sections", "page")
"""The scripts of the page, in the order in which they build on one another."""

STYLES = ("uplot", "page")


def make_json(document: dict[str, Any]) -> bytes:
    """The document as a file of JSON."""
    return f"{json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)}\n".encode()


def make_page(document: dict[str, Any]) -> bytes:
    """The document as a page of HTML.

    Text of events gets into the page as JSON alone, in which no `<` is left, and the script writes
    it as text. The page's policy lets nothing be loaded, and no script run but its own.
    """
    style = "\n".join(_asset(f"{name}.css") for name in STYLES)
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    parts = {
        "policy": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        "title": escape(document["title"]),
        "style": style,
        "script": script,
        "document": _embedded(document),
    }
    page = _asset("page.html")
    pieces = page.split("@@")
    return "".join(
        parts[piece] if number % 2 else piece for number, piece in enumerate(pieces)
    ).encode()


def _embedded(document: dict[str, Any]) -> str:
    """JSON that may stand in an element of HTML."""
    data = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files("hookbus_report").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
