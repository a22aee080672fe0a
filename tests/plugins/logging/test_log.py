"""The log: order, gaps, and outputs that fail."""

from __future__ import annotations

import json
import re
from datetime import datetime

from hookbus_logging.levels import Rules
from hookbus_logging.lines import json_lines
from hookbus_logging.log import TOO_SLOW, EventLog, gap_text
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.logging.samples import Failed, envelope, envelopes


class Disk:
    """An output that is full while `full` is set."""

    name = "disk"
    terminal = False

    def __init__(self) -> None:
        self.full = False
        self.closed = False
        self.lines: list[str] = []

    def write(self, line: str, time: datetime) -> None:
        """Keep a line, or fail as a full disk does."""
        if self.full:
            raise OSError(28, "No space left on device")
        self.lines.append(line)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    @property
    def events(self) -> list[str]:
        """What the lines are about: wire names, or what the log says of itself."""
        return [json.loads(line)["event"] for line in self.lines]


def make_log() -> tuple[EventLog, Disk]:
    """A log of everything, and where it goes."""
    disk = Disk()
    return EventLog(disk, json_lines(), Rules("debug")), disk


def test_events_are_logged_in_order_and_counted() -> None:
    """What goes in comes out, once, in the same order."""
    log, disk = make_log()
    log.write(envelopes(3))
    assert [json.loads(line)["id"] for line in disk.lines] == ["run-1", "run-2", "run-3"]
    assert (log.written, log.lost.total(), log.failure) == (3, 0, None)


def test_every_event_has_its_level() -> None:
    """The rules decide the level of each line."""
    log, disk = make_log()
    log.write([envelope(Failed())])
    assert json.loads(disk.lines[0])["level"] == "error"


def test_what_came_too_fast_is_said_where_it_is_missing() -> None:
    """The log has a line in the place of what it lacks, before the next event."""
    log, disk = make_log()
    log.write(envelopes(1))
    log.miss(42, TOO_SLOW)
    log.write(envelopes(1))
    notice = "42 events not logged: the log's consumer was too slow"
    assert disk.events == ["sample.traded", notice, "sample.traded"]
    assert log.lost == {TOO_SLOW: 42}


def test_a_full_disk_is_survived_and_said_once_there_is_room() -> None:
    """Events that met a full disk are counted; the log goes on when there is room again."""
    log, disk = make_log()
    disk.full = True
    log.write(envelopes(5))
    assert log.failure == "No space left on device"
    disk.full = False
    log.write(envelopes(1))
    notice = "5 events not logged: disk: No space left on device"
    assert disk.events == [notice, "sample.traded"]
    assert (log.written, log.lost.total()) == (1, 5)
    assert log.failure is None


def test_what_is_missing_at_the_end_is_said_at_the_end() -> None:
    """The last line of a log that lacks its last events says so."""
    log, disk = make_log()
    log.write(envelopes(1))
    log.miss(1, TOO_SLOW)
    log.finish(envelopes(1)[0].time)
    assert disk.events[-1] == "1 event not logged: the log's consumer was too slow"
    assert disk.closed


def test_a_log_that_cannot_say_it_keeps_the_count() -> None:
    """When the output stays broken to the end, the count is still there to be reported."""
    log, disk = make_log()
    disk.full = True
    log.write(envelopes(2))
    log.finish(envelopes(1)[0].time)
    assert log.lost == {"disk: No space left on device": 2}
    assert disk.closed


def test_a_log_that_was_left_begins_no_further_line() -> None:
    """What was said to be missing does not turn up in the log afterwards."""
    log, disk = make_log()
    log.leave()
    log.write(envelopes(2))
    assert disk.lines == []


def test_large_gaps_are_readable() -> None:
    """A million is written so that it can be told from a hundred thousand."""
    assert gap_text(1_000_000, "x") == "1,000,000 events not logged: x"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), max_size=12))
def test_every_event_is_logged_or_counted_as_missing(
    steps: list[tuple[bool, int, int]],
) -> None:
    """However often the output fails and events are missed, the figures add up and are said."""
    log, disk = make_log()
    offered = 0
    for full, count, missed in steps:
        disk.full = full
        if missed:
            log.miss(missed, TOO_SLOW)
        log.write(envelopes(count))
        offered += count + missed
    disk.full = False
    log.finish(envelopes(1)[0].time)
    notices = [text for text in disk.events if text != "sample.traded"]
    said = sum(int(re.sub(r"\D.*", "", text)) for text in notices)
    assert log.written == disk.events.count("sample.traded")
    assert said == log.lost.total() == offered - log.written
