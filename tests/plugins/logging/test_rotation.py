"""Rotated files: every line once, whole and in order, whatever happens in between."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hookbus_logging.oldfiles import OldFiles
from hookbus_logging.rotation import RotatingOutput, Schedule, written_at
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.logging.rotating import START, open_log
from tests.plugins.logging.test_outputs import file_size_limit


def content(path: Path) -> str:
    """What a file holds, unpacked."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def files(path: Path) -> list[str]:
    """The names of the old files and the current one, in the order of the shell's `*`."""
    return sorted(each.name for each in path.parent.iterdir())


def everything(path: Path) -> str:
    """All old files, oldest first, and the current one."""
    old = sorted(each for each in path.parent.glob(f"{path.name}.*"))
    return "".join(map(content, [*old, *([path] if path.exists() else [])]))


def test_a_file_never_exceeds_its_size(tmp_path: Path) -> None:
    """A new file is begun before the line that would not fit."""
    path = tmp_path / "events.log"
    log = open_log(path, size=8)
    for line in ("one", "two", "three", "a line longer than a file", "four"):
        log.write(line, START)
    log.close()
    assert [content(path.with_name(name)) for name in files(path)] == [
        "four\n",
        "one\ntwo\n",
        "three\n",
        "a line longer than a file\n",
    ]
    assert files(path)[1:] == [f"events.log.00000{number}" for number in (1, 2, 3)]
    assert log.rotations == 3


@pytest.mark.parametrize(
    ("every", "before", "after"),
    [
        ("hour", datetime(2014, 1, 2, 10, 59, 59), datetime(2014, 1, 2, 11)),
        ("day", datetime(2014, 1, 2, 23, 59, 59, 999_999), datetime(2014, 1, 3)),
        ("week", datetime(2014, 1, 5, 23, 59), datetime(2014, 1, 6)),
        ("week", datetime(2013, 12, 30), datetime(2014, 1, 6)),
    ],
)
def test_periods_are_those_of_utc(
    tmp_path: Path, every: str, before: datetime, after: datetime
) -> None:
    """The first line of a new hour, day or week begins a new file, and the last of the old none."""
    path = tmp_path / "events.log"
    log = open_log(path, every=every)
    log.write("first", before.replace(tzinfo=UTC))
    log.write("last", (after - timedelta(microseconds=1)).replace(tzinfo=UTC))
    log.write("next", after.replace(tzinfo=UTC))
    log.write("late", before.replace(tzinfo=UTC))
    log.close()
    assert content(tmp_path / "events.log.000001") == "first\nlast\n"
    assert content(path) == "next\nlate\n"


def test_a_file_of_another_day_is_set_aside_when_the_host_comes_back(tmp_path: Path) -> None:
    """What decides is when the file was last written to."""
    path = tmp_path / "events.log"
    path.write_text("yesterday\n")
    os.utime(path, (START.timestamp() - 1, START.timestamp() - 1))
    log = open_log(path, every="day", last_write=written_at(path))
    log.write("today", START)
    log.close()
    assert (content(tmp_path / "events.log.000001"), content(path)) == ("yesterday\n", "today\n")


def test_an_empty_or_missing_file_has_no_day(tmp_path: Path) -> None:
    """There is nothing to set aside."""
    path = tmp_path / "events.log"
    assert written_at(path) is None
    path.touch()
    assert written_at(path) is None


def test_a_second_run_goes_on_numbering(tmp_path: Path) -> None:
    """No old file is overwritten, packed or not, also after a thousand thousand of them."""
    path = tmp_path / "events.log"
    for name in ("events.log.000007", "events.log.000009.gz", "events.log.1", "events.log.x"):
        (tmp_path / name).touch()
    assert OldFiles(path).next_path().name == "events.log.000010"
    (tmp_path / "events.log.1000000").touch()
    assert OldFiles(path).next_path().name == "events.log.1000001"


def test_only_so_many_old_files_are_kept_and_the_others_are_counted(tmp_path: Path) -> None:
    """The newest stay, and of those that went nothing does, a half-packed part included."""
    path = tmp_path / "events.log"
    (tmp_path / "events.log.000001.gz.part").touch()
    log = open_log(path, size=1, keep=2)
    for number in range(6):
        log.write(str(number), START)
    log.close()
    assert files(path) == ["events.log", "events.log.000004", "events.log.000005"]
    assert everything(path) == "3\n4\n5\n"
    assert (log.rotations, log.old.removed) == (5, 3)


def test_packed_files_are_the_same_every_time(tmp_path: Path) -> None:
    """The bytes depend on the lines alone: not on the name, not on the time of day."""
    packed = []
    for name in ("a.log", "b.log"):
        log = open_log(tmp_path / name, size=4, compress=True)
        for line in ("one", "two"):
            log.write(line, START)
        log.close()
        packed.append((tmp_path / f"{name}.000001.gz").read_bytes())
        assert not (tmp_path / f"{name}.000001").exists()
    assert packed[0] == packed[1]
    assert packed[0][4:8] == bytes(4), "gzip keeps the time of day here"
    assert gzip.decompress(packed[0]) == b"one\n"


def test_what_a_crash_left_half_packed_is_finished(tmp_path: Path) -> None:
    """Half a packed file is written anew; a whole one beside the plain one is not told twice."""
    path = tmp_path / "events.log"
    (tmp_path / "events.log.000001").write_text("one\n")
    (tmp_path / "events.log.000001.gz.part").write_bytes(b"half")
    (tmp_path / "events.log.000002").write_text("two\n")
    (tmp_path / "events.log.000002.gz").write_bytes(gzip.compress(b"two\n"))
    open_log(path, size=10, compress=True).close()
    assert files(path) == ["events.log", "events.log.000001.gz", "events.log.000002.gz"]
    assert everything(path) == "one\ntwo\n"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20)),
        st.just("restart"),
        st.integers(1, 100_000),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(
    steps=STEPS,
    size=st.none() | st.integers(1, 60),
    every=st.sampled_from([None, "hour", "day", "week"]),
    compress=st.booleans(),
)
def test_all_files_one_after_the_other_are_the_lines_that_were_written(
    steps: list[tuple[str] | str | int], size: int | None, every: str | None, compress: bool
) -> None:
    """Whatever the schedule, however often the host starts anew: every line once and in order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.log"
        now, written = START, ""
        log = open_log(path, size, every, compress=compress)
        for step in steps:
            if isinstance(step, int):
                now += timedelta(seconds=step)
            elif isinstance(step, tuple):
                log.write(step[0], now)
                written += f"{step[0]}\n"
            else:
                log.close()
                log = open_log(path, size, every, compress=compress, last_write=now)
        log.close()
        assert everything(path) == written
        if size is not None:
            for each in Path(folder).iterdir():
                text = content(each)
                assert len(text.encode()) <= size or text.count("\n") == 1


def test_no_line_is_torn_by_a_disk_that_is_full_when_a_file_should_be_set_aside(
    tmp_path: Path,
) -> None:
    """The part that was written stays with its file, is ended there, and nothing follows on it."""
    path = tmp_path / "events.log"
    log = open_log(path, size=10)
    log.write("one", START)
    with file_size_limit(6), pytest.raises(OSError, match="too large"):
        log.write("two", START)
    log.write("three", START)
    log.write("four", START)
    log.close()
    assert everything(path) == "one\ntw\nthree\nfour\n"


def test_lines_go_on_where_a_file_cannot_be_set_aside(tmp_path: Path) -> None:
    """Neither a line nor the file is lost, the reason is told, and it is tried again later."""
    path = tmp_path / "logs" / "events.log"
    path.parent.mkdir()
    log = open_log(path, size=8)
    log.write("one", START)
    moved = tmp_path / "moved"
    path.parent.rename(moved)
    for line in ("two", "three"):
        log.write(line, START)
    assert log.problem == f"{path} is not rotated: No such file or directory"
    moved.rename(path.parent)
    log.write("four", START + timedelta(seconds=59))
    assert log.rotations == 0
    log.write("five", START + timedelta(minutes=1))
    log.close()
    assert (log.rotations, log.problem) == (1, None)
    assert everything(path) == "one\ntwo\nthree\nfour\nfive\n"


def test_a_new_file_that_cannot_be_opened_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file gets its name back, and takes the line."""
    path = tmp_path / "events.log"
    log = open_log(path, size=4)
    log.write("one", START)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hookbus_logging.rotation.open_file", full)
    log.write("two", START)
    monkeypatch.undo()
    log.close()
    assert files(path) == ["events.log"]
    assert everything(path) == "one\ntwo\n"
    assert log.problem == f"{path} is not rotated: No space left on device"


def test_a_file_that_somebody_else_has_moved_is_left_to_them(tmp_path: Path) -> None:
    """With logrotate at work, nobody's file is renamed; from the next rotation on all is well."""
    path = tmp_path / "events.log"
    log = open_log(path, size=4)
    log.write("one", START)
    path.rename(tmp_path / "events.log-20140102")
    path.write_text("theirs\n")
    log.write("two", START)
    log.close()
    assert content(tmp_path / "events.log-20140102") == "one\n"
    assert content(path) == "theirs\ntwo\n"


def test_a_packing_that_fails_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """A full disk leaves the plain file."""
    path = tmp_path / "events.log"
    log = open_log(path, size=1_501, compress=True)
    noise = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))
    log.write(noise, START)
    with file_size_limit(200):
        log.write("two", START)
    assert log.problem is not None
    assert "too large" in log.problem
    assert files(path) == ["events.log", "events.log.000001"]
    log.close()
    open_log(path, size=1_501, compress=True).close()
    assert files(path) == ["events.log", "events.log.000001.gz"]
    assert everything(path) == f"{noise}\ntwo\n"


def test_tidying_can_be_left_for_later(tmp_path: Path) -> None:
    """Packing a large file holds up no line: whoever opens the log says when it is done."""
    path = tmp_path / "events.log"
    jobs: list[Callable[[], None]] = []
    log = RotatingOutput(path, Schedule(size=4), OldFiles(path, compress=True), jobs.append)
    for line in ("one", "two", "six"):
        log.write(line, START)
    log.close()
    assert files(path) == ["events.log", "events.log.000001", "events.log.000002"]
    for job in jobs:
        job()
    assert files(path) == ["events.log", "events.log.000001.gz", "events.log.000002.gz"]


@pytest.mark.parametrize("turn", range(2))
def test_kill_9_loses_no_line_that_was_written(tmp_path: Path, turn: int) -> None:
    """Killed twice in the middle of rotating and packing, the log has every line in order."""
    path = tmp_path / "events.log"
    count = 0
    for lines in (37 + 101 * turn, 73):
        command = [sys.executable, "-m", "tests.plugins.logging.rotating", str(path), str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(lines)][-1]
            process.kill()
        kept = _lines(path)
        assert kept == [f"line {number}" for number in range(len(kept))]
        assert len(kept) > said
        count = len(kept)


def _lines(path: Path) -> list[str]:
    """The lines of all files, once those that were being packed are seen to."""
    copy = Path(tempfile.mkdtemp(dir=path.parent.parent)) / "copy"
    shutil.copytree(path.parent, copy)
    OldFiles(copy / path.name, compress=True).tidy()
    return everything(copy / path.name).splitlines()
