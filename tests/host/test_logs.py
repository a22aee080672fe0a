"""The host's own log."""

from __future__ import annotations

import io
import sys

import pytest
from hookbus.logs import make_logger


def test_it_writes_what_is_important_enough_to_the_standard_error_of_the_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A progress bar or a test that replaces the stream gets the lines."""
    log = make_logger("warning", colors=False)
    replaced = io.StringIO()
    monkeypatch.setattr(sys, "stderr", replaced)
    log.info("unimportant")
    log.warning("important", plugin="risk")
    assert "important" in replaced.getvalue()
    assert "plugin=risk" in replaced.getvalue()
    assert "unimportant" not in replaced.getvalue()


def test_a_closed_stream_fails_nobody() -> None:
    """Whoever reports a failure must not fail because of the log."""
    stream = io.StringIO()
    log = make_logger("info", stream, colors=False)
    stream.close()
    assert log.error("nobody hears this") is None


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_its_user_wants_none(
    no_color: str, colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR holds for the log as it does for tables."""
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = Terminal()
    make_logger("info", stream).info("heard")
    assert ("\x1b[" in stream.getvalue()) is colored
