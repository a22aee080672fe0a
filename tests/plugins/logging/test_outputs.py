"""Where lines go, and what happens when they cannot go there."""

from __future__ import annotations

import io
import os
import pty
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hookbus_logging.outputs import DescriptorOutput, StreamOutput, open_file, open_stream

NOW = datetime(2014, 1, 2, 12, tzinfo=UTC)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    """A second run does not erase what the first one logged."""
    for line in ("one", "two"):
        output = open_file(tmp_path / "events.log")
        output.write(line, NOW)
        output.close()
    assert (tmp_path / "events.log").read_text() == "one\ntwo\n"


def test_a_line_is_in_the_file_as_soon_as_it_is_written(tmp_path: Path) -> None:
    """Nothing lingers in a buffer that a crash would lose."""
    output = open_file(tmp_path / "events.log")
    output.write("one", NOW)
    assert (tmp_path / "events.log").read_text() == "one\n"
    output.close()


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    """A wrong path is found at start, not when the first event is lost."""
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "missing" / "events.log")


def test_a_torn_line_is_ended_before_the_next_one(tmp_path: Path) -> None:
    """A disk that fills up in the middle of a line spoils that line only."""
    output = open_file(tmp_path / "events.log")
    with file_size_limit(6):
        output.write("one", NOW)
        with pytest.raises(OSError, match="too large"):
            output.write("two", NOW)
    output.write("three", NOW)
    output.close()
    assert (tmp_path / "events.log").read_text() == "one\ntw\nthree\n"


def test_a_closed_pipe_is_an_error_of_the_write() -> None:
    """A reader that went away is noticed by whoever writes, and by nobody else."""
    reading, writing = os.pipe()
    output = DescriptorOutput(writing, "pipe")
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        output.write("one", NOW)
    output.close()


def test_a_closed_output_takes_no_lines(tmp_path: Path) -> None:
    """Nothing is written to a descriptor that may meanwhile belong to another file."""
    output = open_file(tmp_path / "events.log")
    output.close()
    output.close()
    with pytest.raises(ValueError, match="closed"):
        output.write("one", NOW)


def test_a_stream_without_descriptor_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that has replaced `sys.stderr` finds the lines in its replacement."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    output = open_stream("stderr")
    output.write("one", NOW)
    assert not output.terminal
    assert stream.getvalue() == "one\n"


def test_a_stream_that_is_no_terminal_is_written_to_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines bypass the stream's buffer, so that a broken pipe does not spoil the exit of Python."""
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        output = open_stream("stdout")
        output.write("one", NOW)
        output.close()
        assert (tmp_path / "out").read_text() == "one\n"
        assert not stream.closed


def test_a_terminal_is_recognised_and_reached_through_what_stands_in_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a progress bar has replaced the stream, lines go through the bar and not across it."""
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        output = open_stream("stderr")
        assert output.terminal
        bar = io.StringIO()
        monkeypatch.setattr(sys, "stderr", bar)
        output.write("one", NOW)
    os.close(leader)
    assert bar.getvalue() == "one\n"


def test_a_process_without_a_stream_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon without stderr gets a reason that it can read."""
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(OSError, match="no stderr"):
        open_stream("stderr")


def test_a_stream_that_lacks_a_letter_gets_its_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASCII terminal shows an escape where a line has another letter; the line is not lost."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    StreamOutput("stdout", terminal=False).write("€ 5", NOW)
    assert raw.getvalue() == b"\\u20ac 5\n"
