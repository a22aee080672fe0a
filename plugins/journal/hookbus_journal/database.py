"""The database: one file, made whole or not at all, and refused where something is wrong."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

import apsw
from hookbus import PluginError

from hookbus_journal.schema import APPLICATION_ID, TABLES, VERSION
from hookbus_journal.sql import value

LEFT_IN_THE_LOG: Final = 16 * 1024 * 1024
"""Bytes to which the write-ahead log is cut when it begins anew."""

ALWAYS_CHECKED: Final = 256 * 1024 * 1024
"""Bytes up to which every page is looked at before a journal is used, which takes a second or two.

A larger one is looked through after a run that did not end as it should.
"""

LONGEST_LOOK: Final = 15.0
"""Seconds that looking through a journal may take at a start, which must not fail for its size."""

SIDE_FILES: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, by the end of the name."""

KEEP_ASIDE: Final = (
    "Nothing was changed. Move the file and those beside it elsewhere to begin a new journal, "
    "or put a copy in its place"
)


def open_for_writing(path: Path, *, fresh: bool = False, vfs: str | None = None) -> apsw.Connection:
    """The one connection that writes, to a file that is made where there is none.

    `fresh` removes what is there. Raises `PluginError` for a file that is damaged, foreign or
    newer, naming file, reason and mend; nothing is put in its place.
    """
    check_library(apsw.sqlite_lib_version())
    path.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        remove(path)
    if not path.exists():
        _create(path)
    try:
        connection = _open(path, apsw.SQLITE_OPEN_READWRITE, vfs)
        try:
            check(connection, path)
            _set_up(connection)
        except BaseException:
            connection.close()
            raise
    except apsw.Error as error:
        raise _refusal(path, error) from None
    return connection


def open_for_reading(path: Path, vfs: str | None = None) -> apsw.Connection:
    """A connection that reads; raises `apsw.Error`."""
    connection = _open(path, apsw.SQLITE_OPEN_READONLY, vfs)
    connection.set_busy_timeout(5_000)
    return connection


def check_library(version: str) -> None:
    """Raise `PluginError` for a build of SQLite that can lose what was committed.

    Before 3.51.3 a commit that begins the write-ahead log anew while another connection begins a
    checkpoint may be lost (https://sqlite.org/wal.html#walresetbug); 3.50.7 and 3.44.6 are mended.
    """
    parts = tuple(int(part) for part in version.split("."))
    if parts >= (3, 51, 3) or (3, 50, 7) <= parts < (3, 51) or (3, 44, 6) <= parts < (3, 45):
        return
    raise PluginError(
        "journal",
        "start",
        f"SQLite {version} can lose what was committed",
        "Install apsw 3.51.3 or newer from its wheel, which brings a build without the fault",
    )


def check(connection: apsw.Connection, path: Path) -> None:
    """Raise `PluginError` for what is no whole journal of this version."""
    if path.stat().st_size == 0:
        raise refused(path, "is empty, which a journal never is", KEEP_ASIDE)
    application = connection.pragma("application_id")
    if application != APPLICATION_ID:
        raise refused(path, "is a SQLite database, but no journal of hookbus", KEEP_ASIDE)
    version = connection.pragma("user_version")
    if version > VERSION:
        raise refused(
            path,
            f"has schema version {version}, and this hookbus-journal knows {VERSION} only",
            "Upgrade hookbus-journal, or set [host] state to another folder",
        )
    if version < VERSION:
        raise refused(path, "is damaged: it has no schema version", KEEP_ASIDE)
    ended = value(connection, "SELECT clean FROM runs ORDER BY id DESC LIMIT 1")
    if path.stat().st_size <= ALWAYS_CHECKED or not ended:
        problem = _look_through(connection)
        if problem != "ok":
            raise refused(path, f"is damaged: {problem}", KEEP_ASIDE)


def _look_through(connection: apsw.Connection) -> str:
    """What is wrong with the pages of a database, "ok" where nothing was found in time."""
    timer = threading.Timer(LONGEST_LOOK, connection.interrupt)
    timer.start()
    try:
        return str(value(connection, "PRAGMA quick_check(1)"))
    except apsw.InterruptError:
        return "ok"
    finally:
        timer.cancel()


def refused(path: Path, reason: str, mend: str) -> PluginError:
    """The error for a file that cannot be used."""
    return PluginError("journal", "start", f"{path} {reason}", mend)


def _refusal(path: Path, error: apsw.Error) -> PluginError:
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return refused(path, f"is damaged: {error}", KEEP_ASIDE)
    return refused(path, f"cannot be opened: {error}", "See to the file, its folder and its disk")


def remove(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    for end in ("", *SIDE_FILES):
        Path(f"{path}{end}").unlink(missing_ok=True)


def _create(path: Path) -> None:
    """Make an empty journal under another name, and give it its name when it is on the disk."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        raise refused(path, f"is missing, but {log.name} beside it holds a part of it", KEEP_ASIDE)
    draft = Path(f"{path}.new")
    remove(draft)
    connection = apsw.Connection(str(draft))
    try:
        connection.pragma("journal_mode", "wal")
        connection.execute(
            f"BEGIN; {TABLES} PRAGMA application_id={APPLICATION_ID}; "
            f"PRAGMA user_version={VERSION}; COMMIT"
        )
    finally:
        connection.close()
    synced(draft)
    os.replace(draft, path)
    synced(path.parent)


def synced(path: Path) -> None:
    """Have the system write a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path, flags: int, vfs: str | None) -> apsw.Connection:
    return apsw.Connection(str(path), flags=flags, vfs=vfs)


def _set_up(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")
    connection.pragma("wal_autocheckpoint", 0)
    connection.pragma("journal_size_limit", LEFT_IN_THE_LOG)
    connection.pragma("trusted_schema", False)
    connection.pragma("cache_size", -16_384)
