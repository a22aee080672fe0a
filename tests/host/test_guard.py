"""Foreign code is run so that neither its errors nor its silence reach the caller."""

from __future__ import annotations

import threading

from hookbus.containment.guard import guarded, trace
from hookbus.errors import in_words

from tests.host.plugin_factory import hang, release


def test_a_result_comes_back_with_its_time() -> None:
    """The usual case: the call returns."""
    outcome = guarded(lambda: 3, 10.0, "test")

    assert (outcome.result, outcome.error, outcome.stands) == (3, None, None)
    assert outcome.seconds >= 0


def test_the_call_is_made_in_a_named_daemon_thread() -> None:
    """The name tells who is hanging; a daemon does not keep the process."""
    outcome = guarded(threading.current_thread, 10.0, "hookbus-import-risk")

    assert outcome.result is not None
    assert (outcome.result.name, outcome.result.daemon) == ("hookbus-import-risk", True)


def test_any_exception_is_an_outcome() -> None:
    """`SystemExit` in a plugin is an error like any other."""

    def leave() -> None:
        raise SystemExit(3)

    outcome = guarded(leave, 10.0, "test")

    assert isinstance(outcome.error, SystemExit)


def test_a_call_that_hangs_shows_where() -> None:
    """The stack of an abandoned call names the line at which it waits."""
    outcome = guarded(hang, 0.05, "test")
    release()

    assert outcome.stands is not None
    assert "in hang" in outcome.stands


def test_an_exception_without_a_text_is_told_by_its_type() -> None:
    """No message ends in an empty colon, and none fails to be made."""

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert in_words(ValueError()) == "ValueError"
    assert in_words(ValueError("x")) == "ValueError: x"
    assert in_words(BrokenError()) == "BrokenError: (its text raised RuntimeError)"
    assert "BrokenError" in trace(BrokenError())
