"""Every error that hookbus raises, each with the exit code that the command line gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class HookbusError(Exception):
    """The base of every error of hookbus.

    `exit_code` is what the `hookbus` command exits with when the error ends it.
    """

    exit_code: int = 1


class UsageError(HookbusError):
    """A function or a command was called with arguments that make no sense."""

    exit_code = 2


class WouldBlock(HookbusError):  # noqa: N818 - the established name of trio and anyio
    """A `..._nowait` call would have had to wait for a full subscriber or queue."""


class BusClosed(HookbusError):  # noqa: N818
    """Something was published, subscribed or queued after the host had stopped."""


class QueueFull(HookbusError):  # noqa: N818
    """A work queue with `when_full="reject"` has no room for another item."""


class PublishDeadlock(HookbusError):  # noqa: N818
    """Handlers wait for one another in a circle, and their rings have grown to the limit."""


class DuplicateEventType(HookbusError):  # noqa: N818
    """Two event classes claim the same wire name."""

    exit_code = 3


class UnknownEventType(HookbusError):  # noqa: N818
    """A wire name that no loaded plugin declares."""


class EventDecodeError(HookbusError):
    """Data from outside does not fit the event type that it names."""


class ExpressionError(UsageError):
    """A `where=` expression is malformed, unsafe or does not fit the event's fields."""


class JournalError(HookbusError):
    """The journal could not store something; nothing of it was stored."""


class JournalFull(JournalError):  # noqa: N818
    """The disk of the journal has no more room; it goes on by itself when there is some again."""


class PayloadTooLarge(JournalError):  # noqa: N818
    """A durable event is larger than the journal takes."""


class DeadLettersFull(JournalError):  # noqa: N818
    """There is no room for another dead letter; the consumer waits until there is."""


class TransactionRefused(HookbusError):  # noqa: N818
    """A statement of a transaction failed, so that nothing of the transaction took place."""


class ServiceMissing(HookbusError):  # noqa: N818
    """A plugin asked for a service that no started plugin provides."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration: where it is, what it is, and how to mend it.

    `file` and `line` are None where the value came from the environment or the command line;
    `source` then says which.
    """

    file: str | None
    key: str
    value: Any
    reason: str
    mend: str
    line: int | None = None
    source: str | None = None

    @property
    def place(self) -> str:
        """Where the mistake is: `file:line`, the file, or the other source of the value."""
        if self.file is None:
            return self.source or "configuration"
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        value = "" if self.value is None else f" = {self.value!r}"
        key = f"{self.key}{value}: " if self.key else ""
        return f"{self.place}: {key}{self.reason}. {self.mend}"


class ConfigurationError(HookbusError):
    """The configuration has mistakes; `problems` lists every one of them."""

    exit_code = 4

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginError(HookbusError):
    """A plugin could not be found, imported, configured, started or stopped.

    `phase` is the step that failed (`import`, `settings`, `start`, ...), `mend` says what to do.
    """

    exit_code = 3

    def __init__(self, plugin: str, phase: str, reason: str, mend: str = "") -> None:
        self.plugin = plugin
        self.phase = phase
        self.reason = reason
        self.mend = mend
        advice = f". {mend}" if mend else ""
        super().__init__(f"plugin {plugin!r} failed at {phase}: {reason}{advice}")


def in_words(error: BaseException) -> str:
    """Type and text of an exception, even of one whose text cannot be made."""
    try:
        text = str(error)
    except Exception as unprintable:  # noqa: BLE001 - an exception's text is code of its author
        text = f"(its text raised {type(unprintable).__name__})"
    name = type(error).__name__
    return f"{name}: {text}" if text.strip() else name


def error_text(error: BaseException) -> str:
    """As `in_words`, in one line."""
    return " ".join(in_words(error).split())
