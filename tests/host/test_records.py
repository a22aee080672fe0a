"""Records of runs: read as streams, searched by halves, and refused where they are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hookbus.records import Chain, Record, RecordedEvent, RecordError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.recorded import CloudEvent, event, runs, write


def sequences(chain: Chain) -> list[int]:
    """The places in the run of the events of a chain."""
    return [one.sequence for one in chain.events]


def causes(events: list[CloudEvent], last: CloudEvent) -> list[int]:
    """The causal chain of an event by following ids in a dictionary."""
    by_id = {one["id"]: one for one in events}
    chain = [last]
    while "causationid" in chain[0]:
        chain.insert(0, by_id[chain[0]["causationid"]])
    return [one["sequence"] for one in chain]


@settings(deadline=None)
@given(events=runs())
def test_a_record_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, events: list[CloudEvent]
) -> None:
    """Every event comes back, in order, with its place."""
    record = Record(write(tmp_path_factory.mktemp("record") / "a.jsonl", events))
    assert [record.event(line).attributes for line in record.lines()] == events
    assert record.position == record.size == record.path.stat().st_size
    assert (record.run, record.torn) == ("one", 0)


@settings(deadline=None)
@given(events=runs())
def test_the_chain_of_every_event_is_found(
    tmp_path_factory: pytest.TempPathFactory, events: list[CloudEvent]
) -> None:
    """Halving the file finds the same causes as following ids one by one."""
    record = Record(write(tmp_path_factory.mktemp("record") / "a.jsonl", events))
    for line, written in zip(record.lines(), events, strict=True):
        chain = record.chain(record.event(line))
        assert sequences(chain) == causes(events, written)
        assert chain.missing is None


def test_the_chain_of_a_long_record_needs_few_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cause costs the logarithm of the length, not the length."""
    events = [event(n, 1 + n // 2 if n > 2 else None) for n in range(1, 20_001)]
    record = Record(write(tmp_path / "a.jsonl", events))
    last = record.event(list(record.lines())[-1])
    reads = 0
    original = Record._event

    def counted(self: Record, text: bytes, number: int | None = None) -> RecordedEvent:
        nonlocal reads
        reads += 1
        return original(self, text, number)

    monkeypatch.setattr(Record, "_event", counted)
    assert sequences(record.chain(last)) == causes(events, events[-1])
    assert reads < len(causes(events, events[-1])) * 30


@pytest.mark.parametrize(
    "cause", ["one-2", "two-1", "elsewhere", "one-9", "one-5", "one-" + "3" * 5_000]
)
def test_a_cause_that_is_not_in_the_record_is_told(tmp_path: Path, cause: str) -> None:
    """A part of a record, or an event of another run, breaks no chain silently."""
    events = [event(1), event(3), event(5) | {"causationid": cause}, event(6, 5)]
    record = Record(write(tmp_path / "a.jsonl", events))
    last = record.event(list(record.lines())[-1])
    assert record.chain(last) == Chain(record.chain(last).events, missing=cause)
    assert sequences(record.chain(last)) == [5, 6]


@pytest.mark.parametrize("cut", [1, 40, 90])
def test_a_torn_last_line_is_left_out_and_told(tmp_path: Path, cut: int) -> None:
    """A host that was killed while it wrote leaves a record that can still be read."""
    events = [event(n, n - 1 if n > 1 else None, note="x" * 70_000) for n in range(1, 4)]
    rest = json.dumps(event(4, note="x" * 150_000))[:-cut]
    record = Record(write(tmp_path / "a.jsonl", events, rest))
    lines = list(record.lines())
    assert [record.event(line).sequence for line in lines] == [1, 2, 3]
    assert record.torn == len(rest)
    assert sequences(record.chain(record.event(lines[-1]))) == [1, 2, 3]


def test_a_last_line_without_its_end_is_whole(tmp_path: Path) -> None:
    """Only the line feed is missing, so the event is there."""
    record = Record(write(tmp_path / "a.jsonl", [event(1)], json.dumps(event(2))))
    assert [line.number for line in record.lines()] == [1, 2]
    assert record.torn == 0


@settings(deadline=None)
@given(cut=st.integers(0, 2_000))
def test_a_record_cut_anywhere_has_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    """Wherever a crash ends a file, every event before that is read and the rest is counted."""
    path = write(tmp_path_factory.mktemp("record") / "a.jsonl", map(event, range(1, 9)))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    complete = [text for text in whole[:cut].split(b"\n") if text.endswith(b"}}")]
    if not complete:
        with pytest.raises(RecordError, match="no whole line" if cut else "empty"):
            Record(path)
        return
    record = Record(path)
    assert [line.text.rstrip(b"\n") for line in record.lines()] == complete
    assert record.size + record.torn == min(cut, len(whole))


NO_RECORDS = {
    "": "a.jsonl: it is empty. Name a file that `hookbus run --events FILE` has written.",
    "[host]\n": "a.jsonl:1: it is no JSON: ",
    "[1]\n": "a.jsonl:1: it is no CloudEvent of version 1.0. ",
    '{"type": "x"}\n': "a.jsonl:1: it is no CloudEvent of version 1.0. ",
    "[" * 100_000 + "\n": "a.jsonl:1: it is no JSON: ",
    '{"speci': "a.jsonl: it has no whole line. ",
    "\0\0\0\n": "a.jsonl:1: it is no JSON: ",
}


@pytest.mark.parametrize("text", NO_RECORDS, ids=range(len(NO_RECORDS)))
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file, the line, the reason and the mend, and it is one of usage."""
    path = write(tmp_path / "a.jsonl", [], text)
    with pytest.raises(RecordError) as caught:
        Record(path)
    assert str(caught.value).startswith(f"{tmp_path}/{NO_RECORDS[text]}")
    assert str(caught.value).endswith("Name a file that `hookbus run --events FILE` has written.")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("attribute", ["id", "source", "type", "time", "sequence", "data"])
def test_an_event_without_an_attribute_is_refused(tmp_path: Path, attribute: str) -> None:
    """A CloudEvent of somebody else is no event of a run, wherever it stands."""
    foreign = {name: value for name, value in event(2).items() if name != attribute}
    for wrong, says in (
        (foreign, f"the event has no '{attribute}'"),
        (foreign | {attribute: None}, f"the event's '{attribute}' is None"),
    ):
        record = Record(write(tmp_path / "a.jsonl", [event(1), wrong]))
        with pytest.raises(RecordError, match=f"a.jsonl:2: {says}. Name a file"):
            list(map(record.event, record.lines()))


@settings(deadline=None)
@given(events=runs(), places=st.data())
def test_a_cause_that_was_dispatched_late_is_found(
    tmp_path_factory: pytest.TempPathFactory, events: list[CloudEvent], places: st.DataObject
) -> None:
    """Durable events come after their commit, behind others that were published later."""
    late = places.draw(st.permutations(events))
    record = Record(write(tmp_path_factory.mktemp("record") / "a.jsonl", late))
    for line, written in zip(record.lines(), late, strict=True):
        chain = record.chain(record.event(line))
        assert sequences(chain) == causes(events, written)


def test_events_out_of_order_are_not_taken_for_causes(tmp_path: Path) -> None:
    """Two records in one file cannot be searched by sequence, and no wrong cause is named."""
    events = [event(n, n - 1 if n > 1 else None) for n in range(1, 40)]
    others = [event(n, n - 1 if n > 1 else None, run="two") for n in range(1, 40)]
    record = Record(write(tmp_path / "a.jsonl", events + others))
    for line in record.lines():
        chain = record.chain(record.event(line))
        assert {one.run for one in chain.events} == {record.event(line).run}
        assert sequences(chain) == list(
            range(chain.events[0].sequence, chain.events[-1].sequence + 1)
        )
        assert (chain.missing is None) == (chain.events[0].sequence == 1)


@pytest.mark.parametrize(
    ("name", "says"),
    [("none.jsonl", "cannot be read: No such file or directory"), ("", "no regular file")],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, says: str) -> None:
    """A missing file and a folder are mistakes of usage with a sentence."""
    with pytest.raises(RecordError, match=says):
        Record(tmp_path / name)
