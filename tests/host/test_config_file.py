"""Switching plugins on and off in `hookbus.toml` leaves the rest of the file as it was."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hookbus.errors import ConfigurationError
from hookbus.settings.config_file import set_plugin_enabled


def write(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "hookbus.toml"
    path.write_bytes(text.encode())
    return path


def enabled(path: Path, name: str) -> Any:
    """What the file says of a plugin."""
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))["plugins"][name]["enabled"]


FORMS = {
    "empty": "",
    "no table": "[host]\nname = 'x'\n",
    "table": "[plugins.risk]\nmaximum = 1\n",
    "already on": "[plugins.risk]\nenabled = true  # why\n",
    "parent only": "[plugins]\nautoload = false\n",
    "others apart": "[plugins.a]\nx = 1\n[host]\nname = 'x'\n[plugins.b]\ny = 2\n",
    "dotted": "plugins.risk.maximum = 1\n",
    "inline": "plugins = { risk = { maximum = 1 } }\n",
    "inline table": "[plugins]\nrisk = { maximum = 1 }\n",
    "no newline": "[plugins.risk]\nmaximum = 1",
    "windows": "[plugins.risk]\r\nmaximum = 1\r\n",
    "sub-table": "[plugins.risk.limits]\nmaximum = 1\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_plugin_is_disabled_in_any_form_of_file(tmp_path: Path, form: str) -> None:
    """Whatever way the file is written, only `enabled` changes."""
    path = write(tmp_path, FORMS[form])
    before = tomllib.loads(FORMS[form].replace("\r\n", "\n"))

    assert set_plugin_enabled(path, "risk", enabled=False) is True

    after = tomllib.loads(path.read_text(encoding="utf-8"))
    assert after["plugins"]["risk"].pop("enabled") is False
    before.setdefault("plugins", {}).setdefault("risk", {}).pop("enabled", None)
    assert after == before


def test_comments_and_order_stay(tmp_path: Path) -> None:
    """The file still is what its author wrote."""
    text = "# mine\n[plugins.risk] # limits\n# two lots\nmaximum = 2 # lots\n\n[host]\nname = 'x'\n"
    path = write(tmp_path, text)

    set_plugin_enabled(path, "risk", enabled=False)

    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line != "enabled = false"] == text.splitlines()


def test_off_and_on_again_twice(tmp_path: Path) -> None:
    """Switching is repeatable, and says whether it changed anything."""
    path = write(tmp_path, "[plugins.risk]\n")

    changes = [
        set_plugin_enabled(path, "risk", enabled=value) for value in (False, False, True, False)
    ]

    assert changes == [True, False, True, True]
    assert enabled(path, "risk") is False


def test_a_byte_order_mark_and_line_ends_survive_reading(tmp_path: Path) -> None:
    """A file from a Windows editor can be switched too."""
    path = write(tmp_path, "\ufeff[plugins.risk]\r\nmaximum = 1\r\n")

    set_plugin_enabled(path, "risk", enabled=False)

    assert enabled(path, "risk") is False
    assert b"maximum = 1\r\n" in path.read_bytes()


def test_permissions_and_links_survive(tmp_path: Path) -> None:
    """A file that only its owner may read stays so, and a link stays a link."""
    path = write(tmp_path, "")
    path.chmod(0o600)
    link = tmp_path / "link.toml"
    link.symlink_to(path)

    set_plugin_enabled(link, "risk", enabled=False)

    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hookbus.toml", "link.toml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[plugins\n", "is not valid TOML"),
        ("plugins = 3\n", "plugins: must be a table"),
        ("[plugins]\nrisk = false\n", "plugins.risk: must be a table"),
    ],
)
def test_a_file_that_cannot_be_edited_stays_as_it_is(
    tmp_path: Path, text: str, reason: str
) -> None:
    """What is not understood is not touched."""
    path = write(tmp_path, text)

    with pytest.raises(ConfigurationError, match=reason):
        set_plugin_enabled(path, "risk", enabled=False)

    assert path.read_text(encoding="utf-8") == text


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """A mistyped path does not create a file that nobody reads."""
    with pytest.raises(ConfigurationError, match="there is no such file"):
        set_plugin_enabled(tmp_path / "nope.toml", "risk", enabled=False)


def test_an_edit_that_went_wrong_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the edited text does not say what was meant, the file stays and the mend is by hand."""
    path = write(tmp_path, "[host]\nname = 'x'\n")
    monkeypatch.setattr("tomlkit.dumps", lambda document: "[host]\n")

    with pytest.raises(ConfigurationError, match=r"Write enabled = false below \[plugins.risk\]"):
        set_plugin_enabled(path, "risk", enabled=False)

    assert path.read_text(encoding="utf-8") == "[host]\nname = 'x'\n"
