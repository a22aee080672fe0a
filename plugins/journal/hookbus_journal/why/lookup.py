"""Finding the event that is meant by an id, a part of one, or the id of an order or a fill."""

from __future__ import annotations

from difflib import get_close_matches

from hookbus import StoredEvent, UsageError

from hookbus_journal.why.reader import Reader, event_id, split_id

__all__ = ["UnknownEvent", "find_event"]

_RECENT = 2000
_IDENTIFIERS = "(field.key = 'id' OR field.key LIKE '%\\_id' ESCAPE '\\')"


class UnknownEvent(UsageError):  # noqa: N818 - as UnknownEventType
    """Nothing in the journal has this id; the text says what comes near."""


def find_event(reader: Reader, text: str) -> StoredEvent:
    """The event that is meant.

    An id, its end where only one run has it, a sequence of the newest run, or the value of a field
    such as `order_id`: then the newest event that has it. Raises `UnknownEvent`.
    """
    found = (
        reader.by_id(text)
        or _in_newest_run(reader, text)
        or _by_end(reader, text)
        or _by_field(reader, text)
    )
    if found is None:
        raise UnknownEvent(_unknown(reader, text))
    return found


def _in_newest_run(reader: Reader, text: str) -> StoredEvent | None:
    run = reader.newest_run()
    return None if run is None or not text.isdecimal() else reader.by_id(f"{run}-{text}")


def _by_end(reader: Reader, text: str) -> StoredEvent | None:
    """The event whose id ends like this; raises `UnknownEvent` when several runs have one."""
    parts = split_id(text)
    if parts is None:
        return None
    runs = [run for run in _runs(reader) if run.endswith(parts[0])]
    found = [event for run in runs if (event := reader.event(run, parts[1])) is not None]
    if len(found) > 1:
        names = ", ".join(event_id(event) for event in found[-3:])
        raise UnknownEvent(f"{text!r} is the end of {len(found)} ids; write one of {names}")
    return found[0] if found else None


def _runs(reader: Reader) -> list[str]:
    return [name for (name,) in reader.rows("SELECT name FROM runs ORDER BY id")]


def _by_field(reader: Reader, text: str) -> StoredEvent | None:
    condition = f"""instr(data, ?) AND EXISTS (
        SELECT 1 FROM json_each(data) AS field
        WHERE {_IDENTIFIERS} AND CAST(field.value AS TEXT) = ?)
        ORDER BY position DESC LIMIT 1"""
    return next(reader.events(condition, text, text), None)


def _unknown(reader: Reader, text: str) -> str:
    wrong = f"no event {text!r} is in the journal"
    newest = reader.newest_run()
    if newest is None:
        return f"{wrong}: it is empty"
    parts = split_id(text)
    run = parts[0] if parts and parts[0] in _runs(reader) else None
    if run is not None or text.isdecimal():
        return f"{wrong}; {_extent(reader, run or newest)}"
    return f"{wrong}; {_nearest(reader, text)}"


def _extent(reader: Reader, run: str) -> str:
    first, last = next(
        reader.rows(
            "SELECT min(sequence), max(sequence) FROM events JOIN runs ON runs.id = events.run "
            "WHERE runs.name = ?",
            run,
        )
    )
    if first is None:
        return f"all events of the run {run} have been pruned"
    return f"of the run {run} it has events between {run}-{first} and {run}-{last}"


def _nearest(reader: Reader, text: str) -> str:
    known = {
        str(value): None
        for (value,) in reader.rows(
            f"""SELECT field.value FROM (SELECT data FROM events ORDER BY position DESC LIMIT ?)
            AS recent, json_each(recent.data) AS field WHERE {_IDENTIFIERS}""",
            _RECENT,
        )
    }
    ids = [f"{run}-{last}" for run, last in _last_sequences(reader)]
    near = get_close_matches(text, [*known, *ids], n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"name an event such as {ids[-1]}, or the id of an order"


def _last_sequences(reader: Reader) -> list[tuple[str, int]]:
    rows = reader.rows(
        "SELECT runs.name, max(events.sequence) FROM runs JOIN events ON events.run = runs.id "
        "GROUP BY runs.id ORDER BY runs.id"
    )
    return [(run, last) for run, last in rows]
