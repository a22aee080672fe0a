"""Texts for Discord: nothing formatted, nobody notified, nothing too long."""

from __future__ import annotations

import re

import pytest
from hookbus_discord.text import BLANK, clip, length, plain
from hypothesis import given
from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a*b_c~d`e|f>g", r"a\*b\_c\~d\`e\|f\>g"),
        ("@everyone <@12>", r"\@everyone \<\@12\>"),
        ("https://evil.net", r"https\://evil.net"),
        ("[a](b)", r"\[a\]\(b\)"),
        ("# big\n- one\n1. two", "\\# big\n\\- one\n1\\. two"),
        ("C:\\temp", r"C\:\\temp"),
        ("dead-lettered 1.50", "dead-lettered 1.50"),
        ("-1.50", "-1.50"),
        ("a\x00b\x1b[31m\u202ec", r"ab\[31mc"),
        ("   ", BLANK),
        ("", BLANK),
    ],
)
def test_nothing_is_left_that_discord_would_format(text: str, shown: str) -> None:
    """What an event says is shown as it says it."""
    assert plain(text) == shown


@given(ANY_TEXT)
def test_no_sign_with_a_meaning_stands_alone(text: str) -> None:
    """After the escaped pairs are taken out, no sign of markdown and no mention is left."""
    rest = re.sub(r"\\[^0-9A-Za-z\s]", "", plain(text))
    assert not re.search(r"[\\*_~`|>#\[\]()<@:]", rest)


@given(ANY_TEXT)
def test_every_text_can_be_sent(text: str) -> None:
    """Half characters and control characters, which Discord refuses, are gone; none is empty."""
    shown = plain(text)
    assert shown.encode().decode() == shown
    assert shown.strip()
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", shown)


@given(ANY_TEXT, st.integers(1, 40))
def test_a_clipped_text_fits_and_is_still_escaped(text: str, limit: int) -> None:
    """It never ends in half an escape, and short texts are left alone."""
    whole = plain(text)
    cut = clip(whole, limit)
    assert length(cut) <= limit
    assert cut == whole or cut.endswith("…")
    assert "\\" not in re.sub(r"\\[^0-9A-Za-z\s…]", "", cut)


def test_what_lies_beyond_the_basic_plane_counts_twice() -> None:
    """Discord may count UTF-16 units; whoever counts those is right in both cases."""
    assert length("a\N{ROCKET}") == 3
    assert clip("\N{ROCKET}" * 5, 4) == "\N{ROCKET}…"
