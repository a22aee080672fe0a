"""`hookbus check`: everything that is wrong, at once, with its place."""

from __future__ import annotations

import pytest

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import FIVE_MISTAKES, PLACES, SIMULATED, SIZED, TICKER


def test_a_configuration_without_mistakes_is_fine(shell: Shell) -> None:
    """Exit code 0, and what was found is counted."""
    shell.write("ticker.py", TICKER)
    shell.configure(SIMULATED)
    done = shell("check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1 plugin," in done.stdout
    assert "3 jobs" in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "nowhere.toml: there is no such file"),
        ("[host\nname = 1", "nowhere.toml:1: is not valid TOML"),
        ('[host]\nname = "a"\nname = "b"\n', "nowhere.toml:3: is not valid TOML"),
    ],
    ids=["missing", "no TOML", "twice"],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_file_that_cannot_be_read_is_one_line(
    shell: Shell, command: str, text: str | None, says: str
) -> None:
    """The file, the line and the mend; exit code 4."""
    if text is not None:
        shell.configure(text, "nowhere.toml")
    done = shell(command, "nowhere.toml")
    assert done.exit_code == 4
    assert done.stderr.startswith(says)
    assert len(done.stderr.splitlines()) == 1


def check_five_lines(stderr: str) -> None:
    """Each of the five mistakes is on a line of its own, with its place."""
    lines = [line for line in stderr.splitlines() if line.startswith("hookbus.toml:")]
    assert len(lines) == 5
    for number, (key, says) in PLACES.items():
        (line,) = [line for line in lines if line.startswith(f"hookbus.toml:{number}: {key}")]
        assert says in line


def install_sized(shell: Shell) -> None:
    """Install the three plugins of the five mistakes."""
    for name in ("one", "two", "three"):
        shell.site.install(name, SIZED.format(name=name))
    shell.configure(FIVE_MISTAKES)


def test_five_mistakes_in_three_plugins_are_five_lines(shell: Shell) -> None:
    """Nobody mends one mistake only to be told of the next."""
    install_sized(shell)
    done = shell("check")
    assert done.exit_code == 4
    assert len(done.stderr.splitlines()) == 5
    check_five_lines(done.stderr)


@pytest.mark.parametrize("way", ["--strict", "required"])
def test_a_run_that_must_end_tells_all_five(shell: Shell, way: str) -> None:
    """With --strict, or where one of the plugins is required, the run ends with exit code 4."""
    install_sized(shell)
    options = ["--strict"] if way == "--strict" else ["--set", "plugins.two.required=true"]
    done = shell("run", *options)
    assert done.exit_code == 4
    check_five_lines(done.stderr)


def test_a_run_goes_on_without_the_plugins_and_tells_all_five(shell: Shell) -> None:
    """Mistakes in settings fail only the plugins that they belong to."""
    install_sized(shell)
    shell.write("ticker.py", TICKER)
    shell.configure(FIVE_MISTAKES + SIMULATED.replace("[plugins]\nautoload = false\n", ""))
    done = shell("run")
    assert done.exit_code == 0
    check_five_lines(done.stderr)
    for name in ("one", "two", "three"):
        assert f"failed {name} at settings" in done.stdout


def test_mistakes_of_the_host_and_of_plugins_come_together(shell: Shell) -> None:
    """The host's sections, plugins that do not exist and plugins' settings are one list."""
    install_sized(shell)
    shell.configure(FIVE_MISTAKES + "[plugins.fuor]\n[host]\nnme = 1\n")
    done = shell("check", "--json")
    assert done.exit_code == 4
    keys = [problem["key"] for problem in done.json["problems"]]
    assert {"host.nme", "plugins.fuor", "plugins.one.color"} <= set(keys)
    assert len(keys) == 7


def test_a_broken_plugin_is_exit_code_3(shell: Shell) -> None:
    """The plugin, the step, the reason and the mend are told in one line."""
    shell.site.install("broken", "import no_such_module_anywhere")
    shell.configure("[plugins]\nautoload = false\n[plugins.broken]\n")
    done = shell("check")
    assert done.exit_code == 3
    assert "plugin 'broken' failed at import" in done.stderr
    assert "Install the module 'no_such_module_anywhere'" in done.stderr


def test_settings_that_do_not_fit_a_job_are_told_with_their_place(shell: Shell) -> None:
    """A job's override is checked against the job, and an unknown job is a warning."""
    shell.write("ticker.py", TICKER)
    shell.configure(
        f'{SIMULATED}\n[jobs."ticker.daily"]\ntrigger = "event"\n[jobs."ticker.dayly"]\n'
    )
    done = shell("check")
    assert done.exit_code == 4
    assert 'hookbus.toml:11: jobs."ticker.daily".trigger' in done.stderr
    assert "Did you mean 'ticker.daily'?" in done.stderr
