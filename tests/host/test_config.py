"""The configuration: the file, the environment and `--set`, one over the other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hookbus.errors import ConfigurationError
from hookbus.settings.config import SECTIONS, Config, load_config, make_config
from hookbus.settings.layers import loose
from hypothesis import given
from hypothesis import strategies as st

from tests.host.risk_settings import Risk, risk, write


def test_without_anything_there_are_defaults() -> None:
    """A host needs no configuration."""
    config = load_config()

    assert config == Config()
    assert config.state_dir == Path.cwd() / ".hookbus"
    assert (config.host.start_timeout, config.bus.capacity) == (30.0, 1024)
    assert (config.clock.mode, config.events.enabled, config.autoload) == ("system", True, True)


def test_every_setting_of_the_host_is_described() -> None:
    """The configuration reference is generated, and has no empty cells."""
    fields = [field for model in SECTIONS.values() for field in model.model_fields.values()]

    assert all(field.description for field in fields)


def test_later_layers_win(tmp_path: Path) -> None:
    """The file is overridden by the environment, and both by `--set`; tables are joined."""
    path = write(tmp_path, "[plugins.risk]\nmaximum_position = 1\nmode = 'soft'\naccount = 'a'\n")
    env = {
        "HOOKBUS_PLUGINS__RISK__MAXIMUM_POSITION": "2",
        "HOOKBUS_PLUGINS__RISK__MODE": "hard",
    }

    settings = load_config(path, ["plugins.risk.maximum_position=3"], env).read(
        Risk, "plugins", "risk"
    )

    assert (settings.maximum_position, settings.mode, settings.account) == (3.0, "hard", "a")


def test_the_environment_reaches_every_section(tmp_path: Path) -> None:
    """Variables have a double underscore for each level, and dashes as underscores."""
    config = load_config(
        write(tmp_path, ""),
        env={
            "HOOKBUS_HOST__STOP_TIMEOUT": "3",
            "HOOKBUS_CLOCK__MODE": "simulated",
            "HOOKBUS_PLUGINS__AUTOLOAD": "false",
            "HOOKBUS_PLUGINS__MOVING_AVERAGE__ENABLED": "false",
            "HOOKBUS_PLUGINS__RISK__LIMITS__LOTS": "7",
            "HOOKBUS_CONFIG": "no configuration by itself",
            "OTHER__HOST__NAME": "x",
        },
    )

    assert config.problems == ()
    assert (config.host.stop_timeout, config.clock.mode, config.autoload) == (3, "simulated", False)
    assert config.plugins["moving-average"].enabled is False
    assert config.read(Risk, "plugins", "risk").limits.lots == 7


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        ("2", "maximum_position", 2.0),
        ("hard", "mode", "hard"),
        ('"hard"', "mode", "hard"),
        ('["A", "B"]', "symbols", ("A", "B")),
        ("007", "account", "007"),
        ("12", "account", "12"),
        ("2024-01-01", "account", "2024-01-01"),
        ("true", "account", "true"),
        ("", "account", ""),
        ("a=b", "account", "a=b"),
        ("#ff0000", "account", "#ff0000"),
        ("1\nx = 2", "account", "1\nx = 2"),
        ("5", "size", 5.0),
        ("big", "size", "big"),
    ],
)
def test_values_outside_the_file_need_no_quotes(value: str, field: str, expected: Any) -> None:
    """A value means what TOML says, unless the setting wants text: then it is the text."""
    config = load_config(overrides=[f"plugins.risk.{field}={value}"])

    assert getattr(config.read(Risk, "plugins", "risk"), field) == expected


@given(st.text())
def test_any_text_is_text_for_a_setting_that_wants_text(text: str) -> None:
    """No value of an environment variable breaks the reading; quotes are the only thing taken."""
    config = load_config(env={"HOOKBUS_PLUGINS__RISK__TOKEN": text})
    parsed = loose(text).parsed
    if isinstance(parsed, dict):
        return  # an inline table is a table, whatever the setting wants

    token = config.read(Risk, "plugins", "risk").token.get_secret_value()

    assert token == (parsed if isinstance(parsed, str) else text)


def test_an_override_may_quote_its_keys() -> None:
    """Names with dots, as those of jobs, are written as in the file."""
    config = load_config(overrides=['jobs."risk.check".every = 5', 'jobs."a=b".every=1'])

    assert {name: dict(config.raw("jobs", name)) for name in config.jobs}.keys() == {
        "risk.check",
        "a=b",
    }


@pytest.mark.parametrize("override", ["", "x", "=1", "a..b=1", "[a]=1", "a b=1"])
def test_an_override_that_is_none_is_a_problem(override: str) -> None:
    """A mistyped `--set` is not dropped."""
    (problem,) = load_config(overrides=[override]).problems

    assert problem.reason == "is not of the form key=value"
    assert problem.place == "--set"


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"[host]\nname = \n", "is not valid TOML: Invalid value (column 8)", 2),
        (b"[host\n", "is not valid TOML", 1),
        (b"a = 1\na = 2\n", "is not valid TOML", None),
        (b"a = '''", "is not valid TOML", None),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)", None),
    ],
)
def test_a_file_that_is_no_toml_says_where(
    tmp_path: Path, content: bytes, reason: str, line: int | None
) -> None:
    """File, line and column of the first thing that cannot be read, and the exit code 4."""
    path = tmp_path / "hookbus.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        load_config(path)

    (problem,) = caught.value.problems
    assert problem.file == str(path)
    assert problem.reason.startswith(reason)
    assert line is None or problem.line == line
    assert problem.mend
    assert caught.value.exit_code == 4


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    """A configuration that was named must be there."""
    with pytest.raises(ConfigurationError, match=r"nope\.toml: there is no such file"):
        load_config(tmp_path / "nope.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(tmp_path)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    """Files from Windows editors are read."""
    path = tmp_path / "hookbus.toml"
    path.write_bytes(b"\xef\xbb\xbf[host]\r\nname = 'x'\r\nnmae = 1\r\n")

    config = load_config(path)

    assert config.host.name == "x"
    assert [problem.line for problem in config.problems] == [3]


def test_times_of_the_clock_are_in_utc() -> None:
    """Dates, local times and offsets all become aware instants."""
    start = make_config({"clock": {"start": "2024-01-01", "end": "2024-01-01T12:00:00+02:00"}})

    assert start.clock.start == datetime(2024, 1, 1, tzinfo=UTC)
    assert start.clock.end == datetime(2024, 1, 1, 10, tzinfo=UTC)


def test_the_state_folder_is_beside_the_file(tmp_path: Path) -> None:
    """The same configuration uses the same state from wherever it is run."""
    assert load_config(write(tmp_path, "")).state_dir == tmp_path / ".hookbus"
    assert make_config({"host": {"state": "/var/x"}}).state_dir == Path("/var/x")


def test_reserved_keys_are_not_the_plugins() -> None:
    """The host's keys in a plugin's table do not reach the plugin's model."""
    config = risk(enabled=True, required=True, distribution="x", path="y.py", account="a")

    assert config.read(Risk, "plugins", "risk").account == "a"
    assert config.plugins["risk"].required


def test_settings_cannot_be_changed() -> None:
    """Settings are the same for the whole run."""
    settings = load_config().read(Risk, "plugins", "risk")

    with pytest.raises(ValueError, match="frozen"):
        settings.account = "b"  # type: ignore[misc]
