"""The line of every key in a TOML file is found, or is unknown, but never wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hookbus.settings.mistakes import Place
from hookbus.settings.places import key_lines
from hypothesis import given
from hypothesis import strategies as st

TEXT = '''\
# a comment = 1
top = 1                      # line 2

[host]
name = "a # no comment"
"quoted key" = 1
'single' = 2
a.b . c = 3
[plugins.risk]
text = """
[not.a.table]
key = 1
"""
path = \'\'\'
[nor.this]\'\'\'
symbols = [
  "A",  # ]
  "]",
  { x = 1 },
]
inline = { a = 1, b = { c = 2 } }
last = 1
[[feeds]]
name = "one"
[feeds.sub]
x = 1
[[feeds]]
name = "two"
[ plugins . "dotted.name" ]
x = 2024-01-01T00:00:00Z
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 2),
        (("host",), 4),
        (("host", "name"), 5),
        (("host", "quoted key"), 6),
        (("host", "single"), 7),
        (("host", "a", "b", "c"), 8),
        (("plugins",), 9),
        (("plugins", "risk"), 9),
        (("plugins", "risk", "text"), 10),
        (("plugins", "risk", "path"), 14),
        (("plugins", "risk", "symbols"), 16),
        (("plugins", "risk", "inline"), 21),
        (("plugins", "risk", "inline", "a"), None),
        (("plugins", "risk", "last"), 22),
        (("feeds", 0), 23),
        (("feeds", 0, "name"), 24),
        (("feeds", 0, "sub", "x"), 26),
        (("feeds", 1, "name"), 28),
        (("plugins", "dotted.name"), 29),
        (("plugins", "dotted.name", "x"), 30),
        (("not", "a", "table"), None),
    ],
)
def test_where_keys_are(place: Place, line: int | None) -> None:
    """All forms of keys and tables are found; what only looks like one is not."""
    assert key_lines(TEXT, tomllib.loads(TEXT)).get(place) == line


def test_an_explicit_table_is_where_its_header_is() -> None:
    """A table that is first mentioned on the way to another is where it is written itself."""
    text = "[a.b]\nx = 1\n[a]\ny = 2\n"

    assert key_lines(text, tomllib.loads(text))[("a",)] == 3


@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("inner", ["", "a", '\\"""', "a''", 'a""', "\n\n", "\n# x\n[y]\nz = 1\n"])
def test_strings_over_several_lines(quotes: str, inner: str) -> None:
    """Whatever is within a string, the next key is found on its own line."""
    text = f"first = {quotes}{inner}{quotes}\nsecond = 2\n"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return

    assert key_lines(text, data)["second",] == text.count("\n", 0, text.index("second")) + 1


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True),
    st.text(st.sampled_from("ab.\"\\#=[] \n'é"), max_size=5),
)
SCALARS = st.one_of(
    st.integers(-5, 5), st.booleans(), st.text(st.sampled_from("ab\"'\\#=[]{}\n ,"), max_size=9)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner)),
    max_leaves=6,
)


def quoted(text: str) -> str:
    """A basic string of TOML."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'


def written(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """A value as TOML, in one of the forms that it can have."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        gap = str(draw(st.sampled_from([" ", "\n  ", " # ] }\n"])))
        return "[" + ",".join(gap + written(item, draw) for item in value) + gap + "]"
    if isinstance(value, dict):
        pairs = [f"{quoted(key)} = {written(item, draw)}" for key, item in value.items()]
        return "{" + ", ".join(pairs) + "}"
    return written_text(str(value), draw(st.sampled_from(["literal", "basic", "plain"])))


def written_text(value: str, form: str) -> str:
    """A string as TOML."""
    if form == "literal" and "'" not in value:
        return f"'''{value}'''"
    if form == "basic":
        body = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"""{body}"""'
    return quoted(value)


@given(data=st.data())
def test_no_line_is_ever_wrong(data: st.DataObject) -> None:
    """In files of any shape, every key is reported on the line on which it was written."""
    tables = data.draw(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
    text = ""
    expected: dict[Place, int] = {}
    for table, pairs in tables.items():
        text += data.draw(st.sampled_from(["", "\n", "# [x]\n", "\r\n"]))
        expected[table,] = text.count("\n") + 1
        text += f"[{quoted(table)}]\n"
        for key, value in pairs.items():
            expected[table, key] = text.count("\n") + 1
            text += f"{quoted(key)} = {written(value, data.draw)}\n"

    text = text.replace("\r\n", "\n")
    assert key_lines(text, tomllib.loads(text)) == expected
