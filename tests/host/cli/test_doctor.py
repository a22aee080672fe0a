"""`hookbus doctor`: what may be wrong here."""

from __future__ import annotations

import socket

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import SYSTEM, TICKER


def findings(shell: Shell, *options: str) -> dict[str, dict[str, str]]:
    """The report, by what was looked at."""
    return {one["what"]: one for one in shell("doctor", "--json", *options).json}


def test_nothing_is_wrong(shell: Shell) -> None:
    """Exit code 0, and every line is there."""
    shell.write("ticker.py", TICKER)
    shell.configure(SYSTEM)
    done = shell("doctor")
    assert done.exit_code == 0, done.stdout
    found = findings(shell)
    expected = {"python", "libraries", "clock", "configuration", "state folder", "plugin ticker"}
    assert expected | {"terminal", "running host"} <= set(found)
    assert "problem" not in {one["state"] for one in found.values()}


def test_a_broken_plugin_and_a_mistake_are_problems(shell: Shell) -> None:
    """Exit code 1, each with its mend."""
    shell.site.install("broken", "import no_such_module")
    shell.configure("[plugins]\nautoload = false\n[plugins.broken]\n[bus]\ncapacity = 0\n")
    assert shell("doctor").exit_code == 1
    found = findings(shell)
    assert found["plugin broken"]["state"] == "problem"
    assert "Install the module" in found["plugin broken"]["mend"]
    assert "hookbus.toml:5" in found["configuration"]["told"]


def test_a_file_that_is_no_toml_is_a_problem(shell: Shell) -> None:
    """The rest is looked at all the same."""
    shell.configure("[host\n")
    found = findings(shell)
    assert found["configuration"]["state"] == "problem"
    assert found["python"]["state"] == "ok"


def test_a_state_folder_that_cannot_be_used_is_a_problem(shell: Shell) -> None:
    """It is a file, for example."""
    shell.write("state", "not a folder")
    found = findings(shell, "--set", "host.state=state", "--set", "plugins.autoload=false")
    assert found["state folder"]["state"] == "problem"


def test_what_a_killed_host_left_is_a_warning(shell: Shell) -> None:
    """Its socket is there, but nobody listens to it."""
    state = shell.folder / ".hookbus"
    state.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state / "control.sock"))
    note = f'{{"socket": "{state / "control.sock"}", "pid": 1, "run": "gone"}}'
    (state / "control.json").write_text(note)
    found = findings(shell, "--set", "plugins.autoload=false")
    assert found["running host"]["state"] == "warning"
