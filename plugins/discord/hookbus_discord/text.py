"""Texts as Discord takes them: no markdown, no mentions, no more than it has room for."""

from __future__ import annotations

import re
from typing import Final

_MARKDOWN: Final = re.compile(r"[\\*_~`|>#\[\]()<@:]")
_LIST_MARK: Final = re.compile(r"^(\s*)([-+])(?=\s)", re.MULTILINE)
_NUMBERING: Final = re.compile(r"^(\s*\d+)\.(?=\s)", re.MULTILINE)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

BLANK: Final = "\N{EM DASH}"
"""Stands where Discord refuses an empty text."""


def length(text: str) -> int:
    """How long Discord takes a text to be, at most: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def plain(text: str) -> str:
    """The text with nothing in it that Discord would format, link, or notify somebody for.

    Characters that no message may hold, or that turn the direction of writing, are left out.
    """
    text = _CONTROLS.sub("", text.encode("utf-8", "replace").decode())
    text = _MARKDOWN.sub(r"\\\g<0>", text)
    text = _LIST_MARK.sub(r"\1\\\2", text)
    return _NUMBERING.sub(r"\1\\.", text).strip() or BLANK


def clip(text: str, limit: int) -> str:
    """At most `limit` units of a text made by `plain`; one that is cut ends with an ellipsis."""
    if length(text) <= limit:
        return text
    cut = text.encode("utf-16-le")[: 2 * max(0, limit - 1)].decode("utf-16-le", "ignore")
    backslashes = len(cut) - len(cut.rstrip("\\"))
    return (cut[:-1] if backslashes % 2 else cut) + "…"
