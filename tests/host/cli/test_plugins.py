"""`hookbus plugins`: looking at plugins, switching them, and writing a new one."""

from __future__ import annotations

import importlib.util
import os
import site
import subprocess
import sys
from pathlib import Path

import pytest
from hookbus.cli.new import check_name, suggested_name
from hookbus.errors import UsageError
from hypothesis import given
from hypothesis import strategies as st

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import SIMULATED, SYSTEM, TICKER
from tests.host.cli.test_run import running
from tests.host.test_broken_plugins import CASES

BUILDERS = ("hatchling", "editables")
"""What builds the wheel; where it is not installed, pip gets it."""

LIMITS = "[host]\nimport_timeout = 0.5\nstart_timeout = 1\n"


def install_all_broken(shell: Shell) -> list[str]:
    """Install one plugin for each way of being broken; returns their names."""
    names = []
    for number, case in enumerate(CASES.values()):
        names.append(f"bad-{number}")
        body = case.source.replace("'broken'", f"'bad-{number}'")
        body = body.replace('"broken"', f'"bad-{number}"')
        shell.site.install(names[-1], body, requires=case.requires)
    shell.configure(f"{LIMITS}[plugins]\n# all of them\nautoload = true\n")
    return names


def test_safe_mode_works_with_every_broken_plugin_installed(shell: Shell) -> None:
    """A run, and a look at the plugins, without importing one of them."""
    names = install_all_broken(shell)
    found = {one["name"]: one for one in shell("--safe-mode", "plugins", "list", "--json").json}
    assert set(names) <= set(found)
    assert {one["state"] for one in found.values()} == {"disabled"}
    simulated = ("--set", "clock.mode=simulated", "--set", "clock.end=1970-01-02")
    done = shell("run", "--safe-mode", *simulated)
    assert done.exit_code == 0, done.stderr


def test_disabling_works_with_every_broken_plugin_installed(shell: Shell) -> None:
    """Each can be disabled, which imports none; then the list shows it as such."""
    install_all_broken(shell)
    done = shell("plugins", "disable", "bad-3")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "[plugins.bad-3]\nenabled = false\n" in (shell.folder / "hookbus.toml").read_text()


def test_the_list_has_the_plugins_of_the_running_host(shell: Shell) -> None:
    """What has failed since the start is shown with the reason; without that host it is loaded."""
    shell.write(
        "late.py",
        """
        from hookbus import Plugin, hookimpl

        class Late(Plugin):
            "Cannot be started."
            name = "late"

            @hookimpl
            def hookbus_start(self, context):
                raise ConnectionError("the exchange is closed")
        """,
    )
    with running(shell, "--plugin", "late.py"):
        shown = shell("plugins", "list")
        states = {one["name"]: one["state"] for one in shell("plugins", "list", "--json").json}
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert "in the running host" in shown.stdout
        assert "failed at start: ConnectionError: the exchange is closed" in shown.stdout
        assert (states["ticker"], states["late"]) == ("started", "failed")
        quiet = shell("--safe-mode", "plugins", "list", "--json").json
        assert {one["state"] for one in quiet} == {"disabled"}
    states = {one["name"]: one["state"] for one in shell("plugins", "list", "--json").json}
    assert states["ticker"] == "loaded"


def test_the_list_tells_of_every_broken_plugin(shell: Shell) -> None:
    """All that fail before they are started are failed, with a reason, beside a healthy one."""
    names = install_all_broken(shell)
    shell.site.install_healthy("healthy")
    found = {one["name"]: one for one in shell("plugins", "list", "--json").json}
    assert found["healthy"]["state"] == "loaded"
    for name, case in zip(names, CASES.values(), strict=True):
        if case.settings is None and case.phase not in ("start", "ready", "task"):
            assert found[name]["state"] == "failed", name
            assert found[name]["phase"] == case.phase
            assert found[name]["reason"]
    table = shell("plugins", "list").stdout
    assert "failed at import: ModuleNotFoundError" in " ".join(table.split())


SWITCHED = """\
# What runs here.
[plugins]
autoload = false   # only these

[plugins.ticker]
path = "ticker.py"
ticks = 2          # few
enabled = false    # for now
"""


def test_switching_keeps_comments_and_order(shell: Shell) -> None:
    """Only the value changes; a second time nothing does."""
    shell.write("ticker.py", TICKER)
    path = shell.configure(SWITCHED)
    assert shell("plugins", "enable", "ticker").stdout == "ticker is enabled in hookbus.toml\n"
    assert path.read_text() == SWITCHED.replace("enabled = false ", "enabled = true ")
    assert shell("plugins", "enable", "ticker").stdout == "ticker was enabled in hookbus.toml\n"
    shell("plugins", "disable", "ticker")
    assert path.read_text() == SWITCHED


def test_switching_an_unknown_plugin_is_refused(shell: Shell) -> None:
    """A typo changes nothing, and the nearest name is told."""
    shell.write("ticker.py", TICKER)
    path = shell.configure(SWITCHED)
    done = shell("plugins", "disable", "tikcer")
    assert done.exit_code == 2
    assert "Did you mean 'ticker'?" in done.stderr
    assert path.read_text() == SWITCHED


def test_disabling_without_a_file_writes_one(shell: Shell) -> None:
    """Whoever has no configuration yet can still get rid of a plugin."""
    shell.site.install("broken", "raise SystemExit(9)")
    assert shell("plugins", "disable", "broken").exit_code == 0
    found = {one["name"]: one["state"] for one in shell("plugins", "list", "--json").json}
    assert found["broken"] == "disabled"


def test_show_tells_everything_but_secrets(shell: Shell) -> None:
    """Origin, hooks, events, jobs and settings; the secret is hidden in both forms."""
    shell.write("ticker.py", TICKER)
    shell.configure(SYSTEM)
    shown = shell("plugins", "show", "ticker")
    found = shell("plugins", "show", "ticker", "--json")
    assert "hidden-place" not in shown.stdout + found.stdout
    assert found.json["settings"]["hook"] == "**********"
    assert "hookbus_summary" in found.json["hooks"]
    assert found.json["events"] == ["tick.ticked"]
    for text in ("Ticks a few times.", "hookbus_summary", "tick.ticked", "how many ticks"):
        assert text in shown.stdout


def test_show_has_the_traceback_of_a_failed_plugin(shell: Shell) -> None:
    """Authors see the very line."""
    shell.site.install("broken", "\n\ndef look(): return {}['nothing']\nlook()")
    done = shell("plugins", "show", "broken")
    assert "KeyError: 'nothing'" in done.stdout
    assert "def look()" in done.stdout


def test_show_of_an_unknown_plugin_names_the_nearest(shell: Shell) -> None:
    """Exit code 2."""
    shell.write("ticker.py", TICKER)
    shell.configure(SIMULATED)
    done = shell("plugins", "show", "tiker")
    assert done.exit_code == 2
    assert "'ticker'" in done.stderr


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("My Strategy", "my-strategy"),
        ("RiskCheck", "risk-check"),
        ("hookbus-risk", "risk"),
        ("2fast", "fast"),
        ("host", "my-host"),
        ("a--b_c", "a-b-c"),
        ("../evil", "evil"),
        ("!!!", "my-strategy"),
    ],
)
def test_a_bad_name_is_refused_with_a_better_one(shell: Shell, name: str, better: str) -> None:
    """Nothing is written, and the suggestion can be typed as it is."""
    with pytest.raises(UsageError, match=f"'{better}'"):
        check_name(name)


@given(st.text(max_size=30))
def test_a_suggested_name_is_always_a_good_one(name: str) -> None:
    """Whatever was typed, what is suggested is accepted, and stays as it is."""
    good = suggested_name(name)
    if good:
        check_name(good)


def test_new_does_not_overwrite(shell: Shell) -> None:
    """What is there stays, and a bad name writes nothing."""
    assert shell("plugins", "new", "meter").exit_code == 0
    (shell.folder / "hookbus-meter" / "README.md").write_text("mine")
    done = shell("plugins", "new", "meter")
    assert done.exit_code == 2
    assert "exists already" in done.stderr
    assert (shell.folder / "hookbus-meter" / "README.md").read_text() == "mine"
    assert shell("plugins", "new", "../Meter").exit_code == 2


def run(*command: str | Path, folder: Path) -> str:
    """Run a command that must succeed; returns its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_environment(folder: Path) -> Path:
    """A virtual environment that sees what is installed here; returns its interpreter."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder.parent)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (packages / "host.pth").write_text("\n".join(lines) + "\n")
    return folder / "bin" / "python"


@pytest.mark.skipif(os.name != "posix", reason="environments are laid out differently elsewhere")
def test_a_new_plugin_is_installed_tested_and_found(shell: Shell) -> None:
    """What `plugins new` prints is all that has to be typed; it is clean for ruff and mypy."""
    done = shell("plugins", "new", "my-meter")
    assert done.exit_code == 0
    for command in ("cd hookbus-my-meter", "pip install -e '.[test]'", "pytest"):
        assert command in done.stdout
    folder, python = shell.folder / "hookbus-my-meter", make_environment(shell.folder / "venv")
    build = ["--no-build-isolation"] if all(map(importlib.util.find_spec, BUILDERS)) else []
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps")
    run(*pip, *build, "-e", folder, folder=folder)
    assert "9 passed" in run(python, "-m", "pytest", "-p", "no:cacheprovider", folder=folder)
    listed = run(python, "-m", "hookbus", "plugins", "list", folder=shell.folder)
    assert "hookbus-my-meter" in listed
    for tool in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", ".")):
        if importlib.util.find_spec(tool[0]):
            run(python, "-m", *tool, folder=folder)
