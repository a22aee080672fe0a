"""The root of the command line: quick to start, and unharmed by commands that are broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.cli.conftest import Shell

HEAVY = ("pydantic", "structlog", "rich", "pluggy", "aiohttp", "tomlkit", "importlib_metadata")

PROBE = """
import sys
from hookbus.cli import root
try:
    root(sys.argv[1:], prog_name="hookbus")
except SystemExit:
    pass
print(sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def install_command(shell: Shell, name: str, body: str) -> None:
    """Install a distribution that adds a command."""
    module = f"command_{name}"
    (shell.site.folder / f"{module}.py").write_text(body, encoding="utf-8")
    points = f"[hookbus.commands]\n{name} = {module}:command\n"
    shell.site.write_metadata(f"hookbus-{name}", "1.0", (), points)


GREET = """
import click

@click.command()
def command():
    "Greet."
    click.echo("good morning")
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["version"], ["run", "--help"], ["plugins", "list", "--wrong"], ["no-such"]],
    ids=" ".join,
)
def test_help_and_usage_errors_import_nothing_heavy(arguments: list[str]) -> None:
    """Whoever asks for help, or mistypes, does not wait for libraries that only a run needs."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True
    )
    imported = done.stderr.splitlines()[-1]
    assert [name for name in HEAVY if f"'{name}'" in imported] == []


def test_an_unknown_command_is_a_usage_error_with_the_nearest_one(shell: Shell) -> None:
    """A typo is told what was probably meant."""
    done = shell("plgins", "list")
    assert done.exit_code == 2
    assert "Did you mean 'plugins'?" in done.stderr


def test_a_command_of_a_plugin_is_listed_and_runs(shell: Shell) -> None:
    """Installing a distribution is all that it takes to add a command."""
    install_command(shell, "greet", GREET)
    assert "greet" in shell("--help").stdout
    done = shell("greet")
    assert (done.exit_code, done.stdout) == (0, "good morning\n")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("command = 7", "no click command"),
        (f"{GREET}    raise KeyError('oops')", "KeyError: 'oops'"),
    ],
    ids=["import error", "exit at import", "no command", "raises"],
)
def test_a_broken_command_fails_alone(shell: Shell, body: str, says: str) -> None:
    """It is told in a sentence, with exit code 3, and the others go on working."""
    install_command(shell, "broken", body)
    install_command(shell, "greet", GREET)
    done = shell("broken")
    assert done.exit_code == 3
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert shell("greet").exit_code == 0
    assert "broken" in shell("--help").stdout


def test_debug_shows_the_traceback(shell: Shell) -> None:
    """Authors can see where it comes from."""
    install_command(shell, "broken", f"{GREET}    raise KeyError('oops')")
    assert "Traceback" in shell("--debug", "broken").stderr


def test_damaged_metadata_hides_no_command(shell: Shell) -> None:
    """Entry points that cannot be parsed are told, and the rest of the commands is there."""
    shell.site.write_metadata("hookbus-odd", "1.0", (), "[hookbus.commands]\nno equals sign\n")
    install_command(shell, "greet", GREET)
    assert shell("greet").exit_code == 0


def test_version_is_printed_for_people_and_programs(shell: Shell) -> None:
    """Both forms name the version of hookbus."""
    from hookbus import __version__

    assert __version__ in shell("version").stdout
    assert shell("version", "--json").json["hookbus"] == __version__


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    """`hookbus config schema | head -1` ends quietly."""
    command = f"{sys.executable} -m hookbus config schema | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout == "{\n"
    assert done.stderr == ""
