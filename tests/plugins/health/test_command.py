"""`hookbus health`: exit codes for probes, a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hookbus.testing.commands import CommandResult
from hookbus_health.command import health


def write(folder: Path, age: float = 0.0, status: str = "healthy", state: str = "running") -> Path:
    """A watchdog's file of some age, in seconds."""
    sign = {
        "time": (datetime.now(UTC) - timedelta(seconds=age)).isoformat(),
        "interval": 5.0,
        "pid": 1,
        "state": state,
        "status": status,
        "reason": "why it is so",
        "changes": 1,
        "components": {
            "bars:BTC": {"status": status, "reason": "nothing \x1b[31mcame", "changes": 1},
            "disk": {"status": "healthy", "reason": "", "changes": 0},
        },
    }
    path = folder / "watchdog.json"
    path.write_text(json.dumps(sign))
    return path


def ask(*arguments: str | Path) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(health, [str(one) for one in arguments])


@pytest.mark.parametrize(
    ("age", "status", "state", "options", "code"),
    [
        (0, "healthy", "running", (), 0),
        (0, "degraded", "running", (), 0),
        (0, "degraded", "running", ("--fail-on", "degraded"), 1),
        (0, "critical", "running", (), 1),
        (14, "healthy", "running", (), 0),
        (16, "healthy", "running", (), 1),
        (16, "healthy", "running", ("--max-age", "20"), 0),
        (9, "healthy", "running", ("--max-age", "8"), 1),
        (-60, "healthy", "running", (), 1),
        (0, "healthy", "stopping", (), 0),
        (0, "healthy", "stopped", (), 1),
    ],
)
def test_the_exit_code_is_what_a_probe_needs(
    tmp_path: Path, age: float, status: str, state: str, options: tuple[str, ...], code: int
) -> None:
    """Dead, stopped, stuck (also by a clock that was set back) and critical are failures."""
    result = ask(write(tmp_path, age, status, state), *options)
    assert result.exit_code == code
    assert (result.stderr == "") == (code == 0)


def test_people_get_a_table(tmp_path: Path) -> None:
    """The system first, then each component, in columns, and nothing that steers a terminal."""
    result = ask(write(tmp_path, status="degraded"))
    assert result.stdout.splitlines() == [
        "system    degraded  why it is so",
        "bars:BTC  degraded  nothing ?[31mcame",
        "disk      healthy",
    ]


def test_programs_get_json(tmp_path: Path) -> None:
    """All that the file says, the age, and whether it is well, and nothing else on the output."""
    result = ask(write(tmp_path, age=2, status="critical"), "--json")
    data = json.loads(result.stdout)
    assert (data["ok"], data["status"]) == (False, "critical")
    assert data["trouble"] == "the system is critical: why it is so"
    assert 2 <= data["age"] < 10
    assert data["components"]["disk"]["status"] == "healthy"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "there is no "),
        ("{", "is no watchdog's file: Invalid JSON"),
        ("[]", "is no watchdog's file: Input should be an object"),
        ({"time": "soon"}, "is no watchdog's file: time: Input should be a date and time with"),
        ({"time": "2024-01-01T00:00:00"}, "time: Input should be a date and time with a time zone"),
        ({"status": "fine"}, "is no watchdog's file: status: Input should be 'healthy', "),
        ({"interval": 0}, "is no watchdog's file: interval: Input should be greater than 0"),
        ({"components": {"a": 5}}, "is no watchdog's file: components.a: Input should be"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, change: Any, message: str) -> None:
    """A probe fails, and whoever looks reads why; JSON stays JSON."""
    path = write(tmp_path)
    if change is None:
        path.unlink()
    elif isinstance(change, str):
        path.write_text(change)
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    result = ask(path)
    assert result.exit_code == 1
    assert message in result.stderr
    data = json.loads(ask(path, "--json").stdout)
    assert data["ok"] is False
    assert message in data["trouble"]


def test_the_command_is_one_of_hookbus(run_command: Callable[..., CommandResult]) -> None:
    """It is found by its entry point, and says where it looks."""
    result = run_command("health")
    assert result.exit_code == 1
    assert "there is no .hookbus/health/watchdog.json" in result.stderr
    assert "--max-age" in run_command("health", "--help").stdout
