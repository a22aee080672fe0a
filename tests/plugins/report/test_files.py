"""Writing the file whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hookbus_report.files import check_writable, write


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    """What was there before stays, and nothing is left beside it."""
    target = tmp_path / "out.html"
    target.write_text("old")
    check_writable(target)
    check_writable(tmp_path / "new.html")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("path", ["missing/out.html", "."])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, path: str) -> None:
    """A folder that is not there, and a folder instead of a file."""
    with pytest.raises(OSError, match=r"No such file|folder"):
        check_writable(tmp_path / path)


def test_a_file_is_replaced_at_once_and_keeps_its_mode(tmp_path: Path) -> None:
    """Another file takes its place, so that a reader sees the old or the new one whole."""
    target = tmp_path / "out.html"
    target.write_text("old")
    target.chmod(0o640)
    with target.open() as reader:
        write(target, b"new")
        assert reader.read() == "old"
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_can_be_read_like_any_other(tmp_path: Path) -> None:
    """It has the mode of files that this user makes, not that of temporary ones."""
    (tmp_path / "other").touch()
    write(tmp_path / "out.html", b"new")
    assert (tmp_path / "out.html").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    """Where the file cannot be put in its place, the temporary one goes too."""
    (tmp_path / "out.html").mkdir()
    (tmp_path / "out.html" / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path / "out.html", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
