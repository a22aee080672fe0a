"""The file: made whole, refused where something is wrong with it, and never replaced."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hookbus import PluginError
from hookbus_journal import database
from hookbus_journal.database import check_library, open_for_reading, open_for_writing
from hookbus_journal.lock import FileLock
from hookbus_journal.schema import VERSION
from hookbus_journal.sql import value

from tests.plugins.journal.samples import append, envelopes, opened

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("simulated_clock")]


async def written(folder: Path, events: int = 600) -> Path:
    """A journal with some events in it, closed as it should be."""
    async with opened(folder) as session:
        await append(session, *envelopes(events))
    return folder / "journal.db"


def change(path: Path, offset: int, data: bytes) -> None:
    """Write over a part of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def cut_to_half(path: Path) -> None:
    """Leave the first half of a file."""
    os.truncate(path, path.stat().st_size // 2)


def scramble_pages(path: Path) -> None:
    """Write nonsense over the heads of some pages in the middle."""
    for page in range(5, 15):
        change(path, page * 4096, b"\xff" * 64)


def set_pragma(name: str, number: int) -> Callable[[Path], None]:
    """Set a number in the header of a database."""

    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA {name} = {number}")
        connection.commit()
        connection.close()

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("hello " * 200), "is damaged: file is not a database"),
        (lambda path: change(path, 0, b"SQLite torn"), "is damaged: file is not a database"),
        (lambda path: change(path, 16, b"\x00\x01\x00\x00"), "is damaged"),
        (cut_to_half, "is damaged: "),
        (scramble_pages, "is damaged: "),
        (set_pragma("application_id", 7), "is a SQLite database, but no journal of hookbus"),
        (set_pragma("user_version", VERSION + 1), f"has schema version {VERSION + 1}"),
        (set_pragma("user_version", 0), "is damaged"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_left_as_it_is(
    tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    """The error names file, reason and mend; the file is the same afterwards, byte by byte."""
    path = await written(tmp_path)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(PluginError) as caught:
        async with opened(tmp_path):
            pass
    assert str(path) in caught.value.reason
    assert reason in caught.value.reason
    assert caught.value.mend
    assert path.read_bytes() == before


async def test_a_large_journal_is_looked_through_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a start takes no minute; a small one is looked through each time."""
    path = await written(tmp_path)
    scramble_pages(path)
    monkeypatch.setattr(database, "ALWAYS_CHECKED", 0)
    open_for_writing(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE runs SET clean = 0")
    connection.commit()
    connection.close()
    with pytest.raises(PluginError, match="is damaged"):
        open_for_writing(path)


async def test_looking_through_a_journal_does_not_take_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host whose journal has grown large starts all the same; the timer is gone then."""
    path = await written(tmp_path, 20_000)
    threads = threading.active_count()
    monkeypatch.setattr(database, "LONGEST_LOOK", 0.0)
    connection = open_for_writing(path)
    assert connection.execute("SELECT count(*) FROM events").fetchall() == [(20_000,)]
    connection.close()
    assert threading.active_count() <= threads


async def test_a_refused_journal_can_be_tried_again(tmp_path: Path) -> None:
    """The lock is given back with the refusal: a mended file is opened by the same process."""
    path = await written(tmp_path, 3)
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(PluginError, match="is empty"):
        async with opened(tmp_path):
            pass
    path.write_bytes(whole)
    async with opened(tmp_path) as session:
        assert (await session.figures()).events == 3


def test_a_log_without_its_database_is_refused(tmp_path: Path) -> None:
    """A part of a journal is no reason to begin a new one."""
    (tmp_path / "journal.db-wal").write_bytes(b"x" * 5000)
    with pytest.raises(PluginError, match=r"journal\.db is missing, but journal\.db-wal"):
        open_for_writing(tmp_path / "journal.db")
    assert not (tmp_path / "journal.db").exists()


def test_a_draft_that_a_crash_left_is_no_journal(tmp_path: Path) -> None:
    """A journal has its name only once it is whole, so what is half made is begun anew."""
    path = tmp_path / "deep" / "folder" / "journal.db"
    path.parent.mkdir(parents=True)
    Path(f"{path}.new").write_bytes(b"half a header")
    open_for_writing(path).close()
    assert [one.name for one in path.parent.iterdir()] == ["journal.db"]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """The state folder need not be there."""
    connection = open_for_writing(tmp_path / "a" / "b" / "journal.db")
    assert value(connection, "PRAGMA journal_mode") == "wal"
    connection.close()


def test_builds_of_sqlite_that_lose_commits_are_refused() -> None:
    """The fault of the log's reset is in every build before 3.51.3 but the mended ones."""
    for version in ("3.51.3", "3.54.1", "3.50.7", "3.44.6", "4.0.0"):
        check_library(version)
    for version in ("3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.0", "3.51.2"):
        with pytest.raises(PluginError, match=version):
            check_library(version)


async def test_one_host_at_a_time(tmp_path: Path) -> None:
    """A second host is told which process has the journal, and the first goes on."""
    async with opened(tmp_path, run="first") as session:
        with pytest.raises(PluginError, match=f"held by process {os.getpid()}, run first"):
            async with opened(tmp_path, run="second"):
                pass
        assert await append(session, *envelopes(2)) == [1, 2]
    async with opened(tmp_path, run="second"):
        pass


def test_a_lock_file_that_was_left_does_not_lock(tmp_path: Path) -> None:
    """It is the system's lock that counts, which ends with the process, not the file."""
    (tmp_path / "journal.lock").write_text("process 1, run gone\n")
    FileLock(tmp_path / "journal.lock", "mine").release()
    assert (tmp_path / "journal.lock").read_text() == ""


async def test_readers_cannot_write(tmp_path: Path) -> None:
    """There is exactly one connection that writes."""
    path = await written(tmp_path, 3)
    connection = open_for_reading(path)
    with pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM events")
    connection.close()
