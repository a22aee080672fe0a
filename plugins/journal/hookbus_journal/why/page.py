"""The picture of a story: one page of HTML that needs neither a script nor the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from itertools import chain

from hookbus_journal.commands.texts import counted
from hookbus_journal.why.layout import Row, lay_out, straight, whole_tree
from hookbus_journal.why.reader import event_id, fields_of
from hookbus_journal.why.story import TROUBLE_TYPES, Story, headline
from hookbus_journal.why.texts import (
    as_cloudevent,
    duration,
    missing_cause,
    moment,
)

__all__ = ["make_page"]

_COLOURS = 8


def make_page(story: Story) -> str:
    """The page; each event opens where it is clicked, and a pointer on it shows its fields."""
    style = files("hookbus_journal.why").joinpath("assets", "page.css").read_text(encoding="utf-8")
    title = escape(f"{story.event.type} {event_id(story.event)}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{''.join(_parts(story))}</main>\n</body>\n</html>\n"
    )


def _parts(story: Story) -> Iterator[str]:
    before = [lay_out(straight(origin.chain)) for origin in story.origins]
    rows = lay_out(whole_tree(story))
    picture = _Picture(story, [*chain.from_iterable(before), *rows])
    yield f"<h1>{escape(story.event.type)}{_chip(story.event.key)}</h1>\n"
    yield f"<p>{escape(headline(story))}</p>\n"
    yield picture.legend()
    for origin, earlier in zip(story.origins, before, strict=True):
        name, value = origin.identifier
        yield f"<h2>Its {escape(name)} {escape(str(value))}</h2>\n"
        yield from _tree(picture, earlier, origin.chain.missing)
    if before:
        yield "<h2>The event itself</h2>\n"
    yield from _tree(picture, rows, story.chain.missing)
    if story.followers and story.followers.left_out:
        left = counted(story.followers.left_out, "more event")
        yield f'<p class="note">{left} followed, too many to be shown.</p>\n'
    yield from _troubles(story)


def _tree(picture: _Picture, rows: list[Row], missing: str | None) -> Iterator[str]:
    if missing is not None:
        yield f'<p class="note">{escape(missing_cause(missing).capitalize())}.</p>\n'
    width = max(row.column for row in rows) + 1
    yield f'<div class="tree" style="--n:{width}">\n'
    yield from map(picture.row, rows)
    yield "</div>\n"


def _troubles(story: Story) -> Iterator[str]:
    if story.troubles:
        yield "<h2>What went wrong with it</h2>\n<ul>\n"
    for one in story.troubles:
        where = f" ({one.evidence})" if one.evidence else ""
        yield f"<li><b>{escape(one.subscription)}</b> {escape(one.outcome + where)}: "
        yield f"{escape(one.reason)}</li>\n"
    if story.troubles:
        yield "</ul>\n"


def _chip(key: str | None) -> str:
    return "" if key is None else f' <span class="key">{escape(key)}</span>'


class _Picture:
    """Rows as HTML, in colours and on a time axis of all."""

    def __init__(self, story: Story, rows: list[Row]) -> None:
        self._story = story
        sources = dict.fromkeys(row.event.source for row in rows)
        self._colours = {source: number % _COLOURS for number, source in enumerate(sources)}
        times = [row.event.time_ns for row in rows]
        self._first, self._span = min(times), max(times) - min(times)

    def legend(self) -> str:
        """The plugins and their colours."""
        items = (
            f'<li class="c{colour}"><i></i>{escape(source)}</li>'
            for source, colour in self._colours.items()
        )
        return f'<ul class="legend">{"".join(items)}</ul>\n'

    def row(self, row: Row) -> str:
        """One event, closed; opened it shows all of itself."""
        event, names = row.event, [f"c{self._colours[row.event.source]}"]
        names += ["asked"] if event.position == self._story.event.position else []
        names += ["trouble"] if event.type in TROUBLE_TYPES else []
        whole = json.dumps(as_cloudevent(event), indent=2, ensure_ascii=False)
        short = escape(self._story.in_short(event))
        hint = json.dumps(fields_of(event), indent=1, ensure_ascii=False)
        return (
            f'<details class="{" ".join(names)}" id="{escape(event_id(event))}">'
            f'<summary title="{escape(hint)}">{self._lines(row)}<span class="text">'
            f'<span class="head"><b>{escape(event.type)}</b>{_chip(event.key)} '
            f'<span class="source">{escape(event.source)}</span></span>'
            f'<span class="fields">{short}</span></span>{self._time(row)}'
            f"</summary>{self._lines(row, dotted=False)}<pre>{escape(whole)}</pre></details>\n"
        )

    def _lines(self, row: Row, *, dotted: bool = True) -> str:
        """The lines beside a row; below an open one only those that go on."""
        marks = [f'<i class="pass" style="--x:{column}"></i>' for column in row.passing]
        if dotted and row.branched:
            marks.append(f'<i class="bend" style="--x:{row.column}"></i>')
        elif dotted and not row.begins:
            marks.append(f'<i class="up" style="--x:{row.column}"></i>')
        if not row.ends:
            name = "down" if dotted else "pass"
            marks.append(f'<i class="{name}" style="--x:{row.column}"></i>')
        if dotted:
            marks.append(f'<i class="dot" style="--x:{row.column}"></i>')
        return f'<span class="lines">{"".join(marks)}</span>'

    def _time(self, row: Row) -> str:
        """How long after its cause, and where that lies in the whole."""
        begun = moment(row.event.time_ns).replace("T", " ")
        after = begun if row.begins else f"+{duration(row.waited_ns)}"
        bar = ""
        if self._span:
            end = 100 * (row.event.time_ns - self._first) / self._span
            width = 100 * row.waited_ns / self._span
            place = f"left:{end - width:.3f}%;width:{width:.3f}%"
            bar = f'<span class="bar"><i style="{place}"></i></span>'
        return f'<span class="time"><span>{escape(after)}</span>{bar}</span>'
