"""`hookbus run --report`: what it writes, prints and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hookbus.testing.commands import CommandResult

from tests.plugins.report import script

Run = Callable[..., CommandResult]

CONFIGURATION = f"""
[clock]
mode = "simulated"

[plugins]
autoload = false

[plugins.script]
path = "{Path(script.__file__)}"
bars = 200
"""


@pytest.fixture
def run(run_command: Run, tmp_path: Path) -> Run:
    """Runs `hookbus run` with a configuration in another folder than the current one."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "hookbus.toml").write_text(CONFIGURATION, encoding="utf-8")

    def run(*arguments: str) -> CommandResult:
        return run_command("run", "config/hookbus.toml", *arguments)

    return run


def test_a_report_is_written_where_the_command_was_given(run: Run, tmp_path: Path) -> None:
    """The path starts from the current folder, and path and size are printed."""
    done = run("--report", "out.html")
    assert done.exit_code == 0, done.stderr
    size = (tmp_path / "out.html").stat().st_size
    assert f"report: {tmp_path / 'out.html'}, {size:,} bytes" in done.stdout
    assert "Sharpe ratio" in done.stdout


def test_json_names_the_report(run: Run, tmp_path: Path) -> None:
    """A program learns where the report is, and that there is none without the option."""
    path = tmp_path / "out.json"
    printed = run("--report", "out.json", "--json").json
    assert printed["report"] == {"path": str(path), "bytes": path.stat().st_size}
    assert json.loads(path.read_text(encoding="utf-8"))["bars"] == 600
    assert "Sharpe ratio" in printed["summaries"]["Report"]
    assert run("--json").json["report"] is None


def test_without_the_option_nothing_is_loaded(run: Run) -> None:
    """`autoload = false` holds until a report is asked for."""
    assert "Report" not in run("--json").json["summaries"]


def test_the_option_enables_a_plugin_that_is_disabled(run: Run, tmp_path: Path) -> None:
    """Who asks for a report gets one."""
    done = run("--report", "out.html", "--set", "plugins.report.enabled=false")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "out.html").is_file()


def test_the_same_run_writes_the_same_page(run_command: Run, run: Run, tmp_path: Path) -> None:
    """Byte for byte, whatever the hash seed is."""
    pages = set()
    for seed in ("0", "1"):
        arguments = ("run", "config/hookbus.toml", "--report", f"{seed}.html")
        assert run_command(*arguments, env={"PYTHONHASHSEED": seed}).exit_code == 0
        pages.add((tmp_path / f"{seed}.html").read_bytes())
    assert len(pages) == 1


def test_a_path_that_cannot_be_written_ends_it_before_it_begins(run: Run, tmp_path: Path) -> None:
    """No event is published for a report that cannot be."""
    done = run("--report", "nowhere/out.html", "--events", "events.jsonl")
    assert done.exit_code == 3
    assert f"{tmp_path / 'nowhere/out.html'}' cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert "market.bar" not in (tmp_path / "events.jsonl").read_text(encoding="utf-8")


def test_another_ending_is_refused(run: Run) -> None:
    """A mistake in the configuration, with the endings that are known."""
    done = run("--report", "out.pdf")
    assert done.exit_code == 4
    assert "'out.pdf' must end in .html, .htm or .json" in done.stderr


def test_safe_mode_has_no_report(run: Run) -> None:
    """It loads no plugin, so asking for one makes no sense."""
    done = run("--report", "out.html", "--safe-mode")
    assert done.exit_code == 2
    assert "--safe-mode loads none" in done.stderr


def test_without_the_distribution_it_is_said_what_to_install(
    run_command: Run, run: Run, tmp_path: Path
) -> None:
    """A usage error with the command that mends it, before anything runs."""
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(HIDING, encoding="utf-8")
    done = run_command(
        "run", "config/hookbus.toml", "--report", "out.html", env={"PYTHONPATH": str(hide)}
    )
    assert done.exit_code == 2
    assert "pip install hookbus-report" in done.stderr
    assert not (tmp_path / "out.html").exists()


HIDING = """
import importlib_metadata

every = importlib_metadata.distributions


def distributions(**options):
    return (one for one in every(**options) if one.metadata["Name"] != "hookbus-report")


importlib_metadata.distributions = distributions
"""
"""Makes an interpreter blind for the distribution, as if it were not installed."""
