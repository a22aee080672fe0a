"""`hookbus compare`: real runs, and where they part."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hookbus.testing import CommandResult, run_command

from tests.host.cli.conftest import Shell, read_all
from tests.host.recorded import event, write

DESK = """
import random

from hookbus import Event, Plugin, PluginContext, Settings, hookimpl
from pydantic import Field


class Quoted(Event, type="desk.quoted", key="symbol"):
    symbol: str
    price: float


class Signalled(Event, type="desk.signalled", key="symbol"):
    symbol: str
    side: str
    price: float


class Filled(Event, type="desk.filled", key="symbol"):
    symbol: str
    price: float
    commission: float


class Desk(Plugin):
    "Quotes, and trades what crosses a limit."
    name = "desk"

    class Settings(Settings):
        seed: int = Field(1, description="of the prices")
        quotes: int = Field(400, description="how many")
        limit: float = Field(106.0, description="in the quote currency")
        commission: float = Field(0.01, description="in the account currency")

    @hookimpl
    def hookbus_events(self):
        return Quoted, Signalled, Filled

    @hookimpl
    def hookbus_start(self, context: PluginContext):
        self.bus = context.bus
        self.clock = context.clock
        self.last = {}
        context.bus.subscribe(Quoted, self.watch, delivery="lossless")
        context.bus.subscribe(Signalled, self.fill, delivery="lossless")
        context.start_source(self.feed, "quotes")

    async def feed(self, source):
        numbers = random.Random(self.settings.seed)
        for number in range(self.settings.quotes):
            await self.clock.sleep(60)
            price = round(100 + 10 * numbers.random(), 4)
            await self.bus.publish(Quoted(symbol="AB"[number % 2], price=price))

    async def watch(self, quote):
        before, self.last[quote.symbol] = self.last.get(quote.symbol), quote.price
        if before is not None and before < self.settings.limit <= quote.price:
            signal = Signalled(symbol=quote.symbol, side="buy", price=quote.price)
            await self.bus.publish(signal)

    async def fill(self, signal):
        commission = self.settings.commission
        await self.bus.publish(
            Filled(symbol=signal.symbol, price=signal.price, commission=commission)
        )
"""

CONFIGURATION = """
[clock]
mode = "simulated"
start = 2026-01-01T00:00:00Z
[plugins]
autoload = false
[plugins.desk]
path = "desk.py"
"""

PLANTED = {
    "seed": "plugins.desk.seed=2",
    "limit": "plugins.desk.limit=107",
    "costs": "plugins.desk.commission=0.02",
    "shorter": "plugins.desk.quotes=300",
    "renamed": "host.name=other",
}
"""Runs of the desk that differ in one setting."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of the desk as it is (`as-it-is`), and with each setting changed."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "desk.py").write_text(DESK, encoding="utf-8")
    (folder / "hookbus.toml").write_text(CONFIGURATION, encoding="utf-8")
    for name, change in {"as-it-is": "host.name=desk", **PLANTED}.items():
        changed = ("--set", "host.name=desk", "--set", change)
        done = run_command("run", "--events", f"{name}.jsonl", *changed, folder=folder)
        assert done.exit_code == 0, done.stderr
    return folder


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    """The events of a record."""
    text = (folder / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def flat(recorded: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an event and the fields of its data, by path."""
    data = {f"data.{name}": value for name, value in recorded["data"].items()}
    return recorded | data


def compare(folder: Path, name: str, *options: str) -> CommandResult:
    """Compare the desk as it is with another run."""
    return run_command("compare", "as-it-is.jsonl", f"{name}.jsonl", *options, folder=folder)


def chain(of: list[dict[str, Any]], place: int) -> list[dict[str, Any]]:
    """The causes of an event and the event, by following ids."""
    by_id = {one["id"]: one for one in of}
    found = [of[place]]
    while "causationid" in found[0]:
        found.insert(0, by_id[found[0]["causationid"]])
    return found


@pytest.mark.parametrize(
    ("name", "types", "path"),
    [
        ("seed", ["desk.quoted"], "data.price"),
        ("limit", ["desk.quoted", "desk.signalled"], "type"),
        ("costs", ["desk.quoted", "desk.signalled", "desk.filled"], "data.commission"),
    ],
)
def test_the_first_event_that_differs_is_named(
    folder: Path, name: str, types: list[str], path: str
) -> None:
    """A planted difference is found in the event that it came in with, and with its causes."""
    done = compare(folder, name, "--json")
    ours, theirs = events(folder, "as-it-is"), events(folder, name)
    pairs = enumerate(zip(ours, theirs, strict=False))
    first = next(place for place, (one, other) in pairs if one != other)
    assert done.exit_code == 1
    assert (done.json["same"], done.json["equal_events"]) == (False, first)
    assert [one["type"] for one in done.json["a"]["chain"]] == types
    assert done.json["a"]["chain"] == chain(ours, first)
    assert done.json["b"]["chain"] == chain(theirs, first)
    assert path in [one["path"] for one in done.json["fields"]]
    for one in done.json["fields"]:
        for side, recorded in (("a", ours[first]), ("b", theirs[first])):
            assert one.get(side) == flat(recorded).get(one["path"])


def test_the_answer_for_people_has_all_of_it(folder: Path) -> None:
    """Which event, which fields with both values, and how it came about in both."""
    answer = compare(folder, "costs", "--json").json
    shown = compare(folder, "costs").stdout
    assert f"{answer['equal_events']:,} events compared equal, then desk.filled (event" in shown
    assert "data.commission  0.01  0.02\n" in shown
    for side in "ab":
        _, _, told = shown.partition(
            f"How it came about in {side.upper()}, {answer[side]['path']}:"
        )
        rows = [line.split() for line in told.splitlines()[2:]]
        for row, one in zip(rows, answer[side]["chain"], strict=False):
            fields = [f"{name}={value}" for name, value in one["data"].items()]
            head = [str(one["sequence"]), one["time"], one["type"], one["subject"], "desk"]
            assert row == head + fields


def test_the_name_of_the_host_makes_no_difference(folder: Path) -> None:
    """Two runs that do the same are the same, whatever their event ids begin with."""
    ours, theirs = events(folder, "as-it-is"), events(folder, "renamed")
    assert {one["id"].partition("-")[0] for one in ours + theirs} == {"desk", "other"}
    done = compare(folder, "renamed")
    assert done.exit_code == 0
    assert done.stdout == f"{len(ours):,} events compared: the records are the same.\n"
    assert compare(folder, "renamed", "--json").json["same"] is True


def test_a_record_that_ends_early_is_told(folder: Path) -> None:
    """The first event that the other has is named with its causes."""
    whole = (folder / "as-it-is.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "half.jsonl").write_bytes(b"".join(whole[:200]))
    done = compare(folder, "half")
    assert done.exit_code == 1
    next_type = events(folder, "as-it-is")[200]["type"]
    goes_on = f"200 events compared equal, then B ends, and A goes on with {next_type} (event 201)."
    assert done.stdout.startswith(goes_on)
    assert "How it came about in A" in done.stdout
    assert "How it came about in B" not in done.stdout


def test_a_run_that_is_shorter_differs_where_it_stops(folder: Path) -> None:
    """A run with fewer quotes is the same until they end."""
    found = compare(folder, "shorter", "--json").json
    assert found["a"]["chain"][0]["type"] == "desk.quoted"
    assert found["b"]["chain"][0]["type"] == "hookbus.source.finished"


def test_a_torn_last_line_is_told_and_not_fatal(folder: Path) -> None:
    """What a host that was killed has left can be compared up to there."""
    (folder / "torn.jsonl").write_bytes((folder / "as-it-is.jsonl").read_bytes()[:-30])
    done = compare(folder, "torn")
    assert done.exit_code == 1
    assert "B torn.jsonl: its last line was not written whole (" in done.stderr
    assert "then B ends, and A goes on with hookbus.plugin.stopped" in done.stdout
    assert compare(folder, "torn", "--json").json["b"]["torn_bytes"] > 0


def test_fields_can_be_ignored(folder: Path) -> None:
    """With the planted field left out, nothing differs; a part of a path is not the path."""
    assert compare(folder, "costs", "--ignore", "data.commission").exit_code == 0
    assert compare(folder, "costs", "--ignore", "time", "--ignore", "data.c*").exit_code == 0
    assert compare(folder, "costs", "--ignore", "commission").exit_code == 1


def test_only_some_events_can_be_compared(folder: Path) -> None:
    """Quotes are the same with another limit, however many signals there are between them."""
    quotes = compare(folder, "limit", "--only", "desk.q*", "--json")
    assert quotes.exit_code == 0
    assert quotes.json["equal_events"] == 400
    both = compare(folder, "limit", "--only", "desk.q*", "--only", "desk.signalled")
    assert both.exit_code == 1


def test_a_pattern_that_matches_nothing_is_a_usage_error(folder: Path) -> None:
    """A misspelt pattern does not make two records the same."""
    done = compare(folder, "seed", "--only", "dekS.*")
    assert done.exit_code == 2
    assert "No event of either record matches dekS.*" in done.stderr


def test_what_differs_is_counted_by_type(folder: Path) -> None:
    """With --all there is a row for each type, also for those that are the same."""
    counted = compare(folder, "limit", "--all", "--json").json["by_type"]
    for name in ("desk.quoted", "desk.signalled", "desk.filled"):
        ours, theirs = (
            [(one["time"], one["data"]) for one in events(folder, record) if one["type"] == name]
            for record in ("as-it-is", "limit")
        )
        unequal = sum(one != other for one, other in zip(ours, theirs, strict=False))
        differ = unequal + abs(len(ours) - len(theirs))
        assert counted[name] == {"a": len(ours), "b": len(theirs), "differ": differ}
    assert counted["desk.quoted"]["differ"] == 0 < counted["desk.signalled"]["differ"]
    shown = compare(folder, "limit", "--all").stdout.splitlines()
    row = next(line for line in shown if line.startswith("desk.quoted "))
    assert row.split() == ["desk.quoted", "400", "400", "0"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "b.jsonl: it cannot be read: No such file or directory."),
        ("", "b.jsonl: it is empty."),
        ("[host]\n", "b.jsonl:1: it is no JSON"),
        ("{}\n", "b.jsonl:1: it is no CloudEvent of version 1.0."),
        (json.dumps(event(1)) + "\n{}\n", "b.jsonl:2: it is no CloudEvent of version 1.0."),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_no_record_is_a_usage_error(
    shell: Shell, text: str | None, says: str, turned: bool
) -> None:
    """Exit code 2 with file, line, reason and mend, whichever of the two it is."""
    write(shell.folder / "a.jsonl", [event(1), event(2)])
    if text is not None:
        shell.write("b.jsonl", text)
    names = ("b.jsonl", "a.jsonl") if turned else ("a.jsonl", "b.jsonl")
    done = shell("compare", *names)
    assert done.exit_code == 2
    assert f"hookbus: {says}" in done.stderr
    assert "Name a file that `hookbus run --events FILE` has written." in done.stderr
    assert done.stdout == ""


def test_half_a_character_can_be_shown(shell: Shell) -> None:
    """Text that no terminal can show is written as JSON escapes it, for people and programs."""
    write(shell.folder / "a.jsonl", [event(1, note="x")])
    write(shell.folder / "b.jsonl", [event(1, note="\ud800")])
    assert "\\ud800" in shell("compare", "a.jsonl", "b.jsonl").stdout
    answer = shell("compare", "a.jsonl", "b.jsonl", "--json").json
    assert answer["fields"] == [{"path": "data.note", "a": "x", "b": "\ud800"}]


def shown_on_terminal(folder: Path) -> str:
    """What a comparison of `a.jsonl` and `b.jsonl` shows on a terminal as standard error."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hookbus", "compare", "a.jsonl", "b.jsonl", "--ignore", "time"],
        cwd=folder,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
    )
    os.close(slave)
    shown = read_all(master)
    stdout, _ = process.communicate(timeout=30)
    assert stdout.endswith("the records are the same.\n"), stdout
    return shown


def test_a_long_comparison_shows_its_progress_on_a_terminal(tmp_path: Path) -> None:
    """Long records have a bar of the bytes that were read, short ones have none."""
    others = (event(n) | {"time": "2024-01-02T00:00:00Z"} for n in range(1, 60_001))
    write(tmp_path / "a.jsonl", map(event, range(1, 60_001)))
    write(tmp_path / "b.jsonl", others)
    shown = shown_on_terminal(tmp_path)
    assert "comparing" in shown
    assert "MB" in shown
    for name in "ab":
        write(tmp_path / f"{name}.jsonl", [event(1)])
    assert shown_on_terminal(tmp_path) == ""
