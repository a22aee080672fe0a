"""The place: which journal a command is about, and reading and changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import apsw
import click
from hookbus import JournalError, PluginError, UsageError
from hookbus.commands import (
    Given,
    ask,
    configuration_options,
    is_running,
    plugin_settings,
    state_folder,
)

from hookbus_journal import runs
from hookbus_journal.database import open_for_reading, open_for_writing
from hookbus_journal.lock import FileLock
from hookbus_journal.schema import APPLICATION_ID, VERSION
from hookbus_journal.settings import JournalSettings
from hookbus_journal.store import Store

T = TypeVar("T")

Function = Callable[..., Any]


@dataclass(frozen=True)
class Place:
    """One journal: the file, and whether a running host that has it can be asked to change it."""

    path: Path
    given: Given
    askable: bool

    @property
    def settings(self) -> JournalSettings:
        """The settings of the journal in the configuration."""
        return plugin_settings(self.given, "journal", JournalSettings)

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection that reads, also while a host writes.

        Raises `UsageError` where there is no journal, `JournalError` where it cannot be read.
        """
        if not self.path.exists():
            raise UsageError(self._missing())
        try:
            connection = open_for_reading(self.path)
            try:
                self._check(connection)
                yield connection
            finally:
                connection.close()
        except apsw.Error as error:
            raise JournalError(f"{self.path} cannot be read: {error}") from None

    def _check(self, connection: apsw.Connection) -> None:
        version = connection.pragma("user_version")
        if connection.pragma("application_id") != APPLICATION_ID:
            raise UsageError(f"{self.path} is no journal of hookbus")
        if version != VERSION:
            text = f"{self.path} has schema version {version}, and this hookbus-journal knows"
            raise JournalError(f"{text} {VERSION} only: upgrade hookbus-journal")

    def _missing(self) -> str:
        found = sorted(one.name for one in self.path.parent.glob("*.db") if one != self.path)
        if found and self.path.parent.name == "journal":
            add = "simulation.db" in found
            mend = "add --simulation" if add else "leave out --simulation (or clock.mode)"
            return f"there is no {self.path}, but {found[0]} beside it: {mend}"
        return (
            f"there is no journal {self.path}; run a host with the plugin journal, or name its "
            "configuration with --config, or the file with --file"
        )

    @contextmanager
    def changing(self) -> Iterator[Hands]:
        """What changes the journal: the running host, or this process where none runs."""
        with self.reading():
            pass
        lock = self._lock()
        if lock is None:
            yield Hands(self.given, None)
            return
        try:
            connection = open_for_writing(self.path)
            try:
                yield Hands(self.given, connection)
            finally:
                connection.close()
        finally:
            lock.release()

    def _lock(self) -> FileLock | None:
        """The lock of the journal; None where a host has it that can be asked."""
        try:
            return FileLock(self.path.with_suffix(".lock"), "hookbus journal")
        except PluginError as held:
            if self.askable and is_running(self.given):
                return None
            mend = "which cannot be asked: stop it, or wait until it is up"
            raise JournalError(f"{held.reason}, {mend}") from None


class Hands:
    """Changes a journal: by asking the host that has it, or on the `connection` of this process."""

    def __init__(self, given: Given, connection: apsw.Connection | None) -> None:
        self._given = given
        self._connection = connection

    @property
    def hosted(self) -> bool:
        """Whether a running host makes the changes."""
        return self._connection is None

    def do(self, request: str, alone: Callable[[apsw.Connection], T], **fields: Any) -> T:
        """Have the host answer a request, or do what it stands for in a transaction of one's own.

        Raises what `hookbus.commands.ask` raises, and `JournalError`.
        """
        if self._connection is None:
            answer: T = ask(self._given, "journal", request, limit=None, **fields)
            return answer
        try:
            with self._connection:
                result = alone(self._connection)
        except apsw.Error as error:
            raise JournalError(f"the journal cannot be changed: {error}") from None
        return result


def store_of(connection: apsw.Connection, settings: JournalSettings) -> Store | None:
    """A store that writes in the name of the latest run; None in a journal without any."""
    last = runs.last(connection)
    return None if last is None else Store(connection, last[0], settings.payload_limit)


def journal_options(function: Function) -> Function:
    """Add the options that say which journal is meant; the function gets it as `place`."""

    @wraps(function)
    def with_place(given: Given, simulation: bool, file: Path | None, **others: Any) -> Any:
        return function(place=find(given, simulation, file), **others)

    decorated: Function = with_place
    decorated = click.option(
        "--file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The journal in this file.",
    )(decorated)
    decorated = click.option(
        "--simulation", is_flag=True, help="The journal of the last simulated run."
    )(decorated)
    return configuration_options(decorated)


def find(given: Given, simulation: bool, file: Path | None) -> Place:
    """The journal that is meant: the file, or the one in the state folder of the configuration."""
    if file is not None:
        if simulation:
            raise click.UsageError("Both --file and --simulation are given; keep one.")
        return Place(file, given, askable=False)
    simulation = simulation or given.config().clock.mode == "simulated"
    name = "simulation.db" if simulation else "journal.db"
    return Place(state_folder(given, "journal") / name, given, askable=not simulation)
