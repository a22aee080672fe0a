"""Ten canary secrets, let out by plugins in every way: none of them appears anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hookbus.testing import CommandResult, run_command

CANARIES = {
    "webhook": "https://hooks.example/services/T0001/k4n4ry-webhook",
    "api_key": "k4n4ry-api-key",
    "database": "postgresql://trader:k4n4ry-password@db.example/trades",
    "exception_token": 'k4n4ry-exception "quoted" \\ and\n  Ünicode k4n4ry',
    "traceback_token": "k4n4ry-traceback",
    "event_token": "k4n4ry-event",
    "accounts": "k4n4ry-nested",
    "backups": "k4n4ry-listed",
    "shown": "k4n4ry-shown",
    "from_environment": "k4n4ry-environment",
    "from_command": "k4n4ry-command",
}
"""The secrets by setting; `accounts` and `backups` are one kind, in tables within tables."""

PLUGINS = {"leaky": "Leaky", "doomed": "Doomed", "forsaken": "Forsaken", "mistyped": "Mistyped"}
FILE = Path(__file__).with_name("leaky_plugins.py")


def test_there_are_ten_kinds_of_canaries() -> None:
    """The count that was promised, each with a text that nothing else has."""
    assert len(CANARIES) - 1 == 10
    assert all("k4n4ry-" in secret for secret in CANARIES.values())


def toml(text: str) -> str:
    """A TOML string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def configuration(output: str) -> str:
    """A configuration of all the plugins, with the log going to `output`."""
    parts = [
        f'[plugins.logging]\noutput = "{output}"\nlevel = "debug"\nformat = "json"\n',
        '[clock]\nmode = "simulated"\nend = 2024-01-02T00:00:00Z\nstart = 2024-01-01T00:00:00Z\n',
    ]
    for name, cls in PLUGINS.items():
        lines = [f"[plugins.{name}]", f"path = {toml(f'{FILE}:{cls}')}"]
        for key, secret in CANARIES.items():
            if key not in ("accounts", "backups", "from_environment", "from_command"):
                lines.append(f"{key}{'_typo' * (name == 'mistyped')} = {toml(secret)}")
        lines += [f"accounts.main.password = {toml(CANARIES['accounts'])}"]
        lines += [f"backups = [{{ password = {toml(CANARIES['backups'])} }}]", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def hookbus(folder: Path, *arguments: str) -> CommandResult:
    """Run a command with the secrets of the environment and of `--set`."""
    env = {
        f"HOOKBUS_PLUGINS__{name.upper()}__FROM_ENVIRONMENT": CANARIES["from_environment"]
        for name in PLUGINS
    }
    given = [f"--set=plugins.{name}.from_command={CANARIES['from_command']}" for name in PLUGINS]
    return run_command(*arguments, *given, folder=folder, env=env)


def leaks(text: str) -> list[str]:
    """The lines that have a canary."""
    return [line for line in text.splitlines() if "k4n4ry" in line]


@pytest.mark.parametrize("output", ["file", "stderr", "stdout"])
def test_no_canary_appears_in_a_run(tmp_path: Path, output: str) -> None:
    """Not in the host's log, the event log, the recorded events, the summary or on a terminal."""
    (tmp_path / "hookbus.toml").write_text(configuration(output))
    ended = hookbus(tmp_path, "run", "--events", "events.jsonl", "--log-level", "debug")
    assert ended.exit_code == 1, ended.stderr
    recorded = (tmp_path / "events.jsonl").read_text()
    for sign in ("leaky.rang", "hookbus.handler.failed", "hookbus.job.failed"):
        assert sign in recorded, f"{sign}: the leaks have not been tried"
    assert "LeakyError: refused: **********" in ended.stderr
    for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
        assert leaks(text) == [], name
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".toml"]
    assert written
    for path in written:
        assert leaks(path.read_text(errors="replace")) == [], path.name


@pytest.mark.parametrize(
    "arguments",
    [
        ("plugins", "list"),
        ("plugins", "list", "--json"),
        *(("plugins", "show", name) for name in PLUGINS),
        *(("plugins", "show", name, "--json") for name in PLUGINS),
        ("config", "show"),
        ("config", "show", "--json"),
        ("check",),
        ("check", "--json"),
        ("doctor",),
        ("run", "--json", "--events", "/dev/stdout"),
    ],
    ids=" ".join,
)
def test_no_canary_appears_in_what_a_command_shows(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Neither for people nor for programs."""
    (tmp_path / "hookbus.toml").write_text(configuration("file"))
    ended = hookbus(tmp_path, *arguments)
    assert ended.exit_code in (0, 1, 3, 4), ended.stderr
    assert len(ended.stdout + ended.stderr) > 20
    assert leaks(ended.stdout + ended.stderr) == []
