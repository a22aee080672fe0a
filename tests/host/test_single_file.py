"""A single file with a plugin class is found by reading it, and imported only to be loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hookbus.errors import PluginError
from hookbus.plugins.plugin import PluginState
from hookbus.plugins.single_file import default_name, find_plugin, import_file, split_argument
from hookbus.settings.config import make_config

from tests.host.plugin_factory import PRELUDE, Loaded

SOURCE = PRELUDE + "class Mine(Plugin):\n    '''Mine.'''\n    name = 'mine'\n"


def write(folder: Path, source: str, name: str = "my_strategy.py") -> Path:
    """Write a plugin file."""
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a.py", ("a.py", None)),
        ("a.py:B", ("a.py", "B")),
        ("C:\\x\\a.py", ("C:\\x\\a.py", None)),
        ("C:\\x\\a.py:B", ("C:\\x\\a.py", "B")),
        ("a.py:not a class", ("a.py:not a class", None)),
    ],
)
def test_an_argument_is_file_and_class(argument: str, expected: tuple[str, str | None]) -> None:
    """The class is split off only where it is one, also after a drive letter."""
    assert split_argument(argument) == expected


def test_the_class_is_found_without_importing(tmp_path: Path) -> None:
    """Even a file that would end the process is only read."""
    path = write(tmp_path, "raise SystemExit\n" + SOURCE)

    assert find_plugin(path) == ("mine", path, "Mine")


@pytest.mark.parametrize(
    ("source", "class_name", "name"),
    [
        ("class A(hookbus.Plugin):\n    name = 'a'", "A", "a"),
        ("class A(Plugin):\n    name: ClassVar[str] = 'a'", "A", "a"),
        ("class Base(Plugin): ...\nclass A(Base):\n    name = 'a'", "A", "a"),
        ("class A(Plugin): ...", "A", "my-strategy"),
        ("class A(Plugin):\n    name = make()", "A", "my-strategy"),
        ("class Helper: ...\nclass A(Plugin):\n    name = 'a'", "A", "a"),
    ],
)
def test_forms_of_plugin_classes(tmp_path: Path, source: str, class_name: str, name: str) -> None:
    """The usual ways of writing the class are understood; a missing name comes from the file."""
    found = find_plugin(write(tmp_path, source))

    assert (found.class_name, found.name) == (class_name, name)


def test_a_class_can_be_chosen(tmp_path: Path) -> None:
    """A file may have several plugins, one of which is named."""
    path = write(tmp_path, "class A(Plugin):\n    name = 'a'\nclass B(Plugin):\n    name = 'b'\n")

    assert find_plugin(path, "B").name == "b"


@pytest.mark.parametrize(
    ("source", "class_name", "phase", "reason", "mend"),
    [
        ("x = 1", None, "discovery", "has no plugin class", "class MyStrategy(Plugin)"),
        (
            "class A(Plugin):\n name='a'\nclass B(Plugin):\n name='b'",
            None,
            "discovery",
            "several plugin classes: A, B",
            "my_strategy.py:A",
        ),
        ("class Alpha(Plugin):\n name='a'", "Alhpa", "discovery", "'Alhpa'", "'Alpha'"),
        ("class A(", None, "import", "SyntaxError", "Mend that line"),
        ("x = '\0'", None, "import", "", ""),
    ],
)
def test_what_is_wrong_with_a_file(
    tmp_path: Path, source: str, class_name: str | None, phase: str, reason: str, mend: str
) -> None:
    """A file that cannot be used says why, and what to do."""
    with pytest.raises(PluginError) as caught:
        find_plugin(write(tmp_path, source), class_name)

    assert (caught.value.phase, caught.value.plugin) == (phase, "my-strategy")
    assert reason in caught.value.reason
    assert mend in caught.value.mend


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    """A typing mistake in a path is not an import error."""
    with pytest.raises(PluginError, match="there is no file"):
        find_plugin(tmp_path / "nope.py")
    with pytest.raises(PluginError, match="cannot be read"):
        find_plugin(tmp_path)


@pytest.mark.parametrize(
    ("file", "name"), [("My Strategy.py", "my-strategy"), ("x_.py", "x"), ("___.py", "plugin")]
)
def test_names_from_files_can_be_names(file: str, name: str) -> None:
    """Whatever the file is called, something can be said about it."""
    assert default_name(Path(file)) == name


def test_a_file_is_loaded_like_any_other_plugin(tmp_path: Path) -> None:
    """Nobody needs packaging to start."""
    config = make_config({}, files=[str(write(tmp_path, SOURCE))])

    record = Loaded(config)["mine"]

    assert record.state is PluginState.LOADED
    assert record.description == "Mine."
    assert record.distribution is None


def test_a_broken_file_fails_alone(tmp_path: Path) -> None:
    """One broken file does not keep another from being loaded."""
    good = write(tmp_path, SOURCE, "good.py")
    bad = write(tmp_path, "def", "bad.py")

    loaded = Loaded(make_config({}, files=[str(bad), str(good)]))

    assert loaded["mine"].state is PluginState.LOADED
    assert loaded["bad"].state is PluginState.FAILED


def test_an_edited_file_is_imported_anew(tmp_path: Path) -> None:
    """Two files of one name do not mix, and a second host sees what was changed."""
    first = write(tmp_path, "VALUE = 1")
    folder = tmp_path / "other"
    folder.mkdir()
    second = write(folder, "VALUE = 22")

    assert (import_file(first).VALUE, import_file(second).VALUE) == (1, 22)
    write(tmp_path, "VALUE = 333")
    assert import_file(first).VALUE == 333


def test_a_failed_import_leaves_no_module(tmp_path: Path) -> None:
    """Half a module would look like a whole one to the next who imports it."""
    path = write(tmp_path, "raise SystemExit(3)")
    before = set(sys.modules)

    with pytest.raises(SystemExit):
        import_file(path)

    assert set(sys.modules) == before
