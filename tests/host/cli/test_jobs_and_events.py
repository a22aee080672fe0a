"""`hookbus jobs` and `hookbus events`, from declarations and in a running host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import SYSTEM, TICKER
from tests.host.cli.test_run import running


@pytest.fixture
def ticking(shell: Shell) -> Shell:
    """A configuration with one plugin."""
    shell.write("ticker.py", TICKER)
    shell.configure(SYSTEM)
    return shell


@pytest.fixture
def live(shell: Shell) -> Iterator[Shell]:
    """The same, and a host that runs it."""
    shell.write("ticker.py", TICKER)
    shell.configure(SYSTEM)
    with running(shell):
        yield shell


def test_declared_jobs_are_listed_without_a_host(ticking: Shell) -> None:
    """Triggers and settings, as they would be in force."""
    done = ticking("jobs", "list", "--json", "--set", 'jobs."ticker.daily".enabled=false')
    found = {one["name"]: one for one in done.json}
    assert found["ticker.daily"]["mode"] == "disabled"
    assert found["ticker.fails"]["schedule"] == "cron 0 0 1 1 * UTC"
    assert "no host is running" in ticking("jobs", "list").stdout


def test_a_preview_goes_across_the_change_of_the_clocks(ticking: Shell) -> None:
    """02:30 does not exist on that day: the run comes at 03:00, and the change is marked."""
    done = ticking(
        "jobs", "preview", "ticker.daily", "-n", "3", "--from", "2026-03-28T00:00", "--json"
    )
    (preview,) = done.json
    assert [run["due"] for run in preview["runs"]] == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    notes = [run["note"] for run in preview["runs"]]
    assert notes == ["", "clocks went forward by 1 h since the run before", ""]


def test_a_preview_in_autumn_runs_once_and_marks_it(ticking: Shell) -> None:
    """02:30 exists twice on that day: the job runs once."""
    done = ticking("jobs", "preview", "ticker.daily", "-n", "3", "--from", "2026-10-24T00:00")
    lines = done.stdout.splitlines()
    assert [line for line in lines if "back by 1 h" in line]
    assert len([line for line in lines if "2026-10-25 02:30:00" in line]) == 1


def test_a_preview_of_a_job_on_events_says_so(ticking: Shell) -> None:
    """No timer, no runs."""
    assert "no timer runs it" in ticking("jobs", "preview", "ticker.heard").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("preview", "ticker.dayly"), "'ticker.daily'"),
        (("preview", "--from", "tomorrow"), "--from"),
        (("preview", "-n", "0"), "-n"),
    ],
    ids=" ".join,
)
def test_bad_arguments_are_usage_errors(
    ticking: Shell, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2, with what was meant or how to write it."""
    done = ticking("jobs", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("jobs", "run", "ticker.daily"), ("events", "tail"), ("events", "emit", "tick.ticked")],
    ids=" ".join,
)
def test_what_needs_a_running_host_says_so(ticking: Shell, arguments: tuple[str, ...]) -> None:
    """Exit code 1, and how to start one."""
    done = ticking(*arguments)
    assert done.exit_code == 1
    assert "no host is running" in done.stderr
    assert "hookbus run" in done.stderr


def test_event_types_are_listed_with_their_schemas(ticking: Shell) -> None:
    """Wire name, version, key, owner and description."""
    (found,) = ticking("events", "list", "tick.*", "--json").json
    assert (found["type"], found["version"], found["key"]) == ("tick.ticked", 2, "symbol")
    assert found["owner"] == "ticker"
    assert set(found["schema"]["properties"]) == {"symbol", "number"}
    table = ticking("events", "list").stdout
    assert "A clock has ticked." in table
    assert "hookbus.host.started" in table


def test_jobs_of_a_running_host(live: Shell) -> None:
    """They are listed with their accounts, run on demand, and a failing run is exit code 1."""
    done = live("jobs", "run", "ticker.daily", "--json")
    assert (done.exit_code, done.json["end"]) == (0, "ran")
    failed = live("jobs", "run", "ticker.fails")
    assert failed.exit_code == 1
    assert "no luck today" in failed.stdout
    found = {one["name"]: one for one in live("jobs", "list", "--json").json}
    assert found["ticker.daily"]["account"]["ran"] == 1
    assert found["ticker.fails"]["account"]["failed"] == 1
    assert found["ticker.daily"]["next_due"].endswith(("+01:00", "+02:00"))
    assert live("jobs", "run", "ticker.dialy").exit_code == 2


def test_events_of_a_running_host(live: Shell) -> None:
    """An event is published, validated, and seen by whoever follows."""
    done = live("events", "emit", "tick.ticked", "symbol=007", "number=42", "--json")
    assert done.json["id"].endswith(f"-{done.json['sequence']}")
    tail = live(
        "events", "tail", "tick.*", "--where", "number > 40", "--history", "9", "-n1", "--json"
    )
    event = json.loads(tail.stdout)
    assert event["id"] == done.json["id"]
    assert event["source"] == "/hookbus/control"
    assert event["data"] == {"symbol": "007", "number": 42}
    line = live("events", "tail", "tick.ticked", "--history", "1", "-n", "1").stdout
    assert "tick.ticked symbol=007 number=42" in line


REFUSED = (
    (("emit", "tick.tocked"), 1, "'tick.ticked'"),
    (("emit", "tick.ticked", "number=many"), 2, "symbol: is missing"),
    (("emit", "tick.ticked", "symbol"), 2, "key=value"),
    (("emit", "tick.ticked", "--data", "[1]"), 2, "--data"),
    (("tail", "tick.ticked", "--where", "nmber > 1"), 2, "no field 'nmber'"),
    (("tail", "tick.ticked", "--where", "number >"), 2, "where= expression"),
)


def test_a_running_host_refuses_what_makes_no_sense(live: Shell) -> None:
    """In its own words, with the exit code that fits; nothing is published, and it goes on."""
    for arguments, code, says in REFUSED:
        done = live("events", *arguments)
        assert done.exit_code == code, arguments
        assert says in done.stderr
    assert live("doctor").exit_code == 0


def test_a_tail_says_that_its_host_has_ended(shell: Shell) -> None:
    """Whoever follows can tell a quiet host from one that is gone, however it went."""
    with running(shell) as process:
        tail = subprocess.Popen(
            [sys.executable, "-m", "hookbus", "events", "tail", "--history", "1"],
            cwd=shell.folder,
            env={**os.environ, **shell.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tail.stdout is not None
        assert tail.stdout.readline()
        process.kill()
        _, told = tail.communicate(timeout=30)
    assert (tail.returncode, told) == (0, "hookbus: the host has ended\n")
