"""`hookbus journal replay`: recorded runs, fed into a fresh host."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from hookbus.clock import SystemClock
from hookbus.commands import Given
from hookbus.host import Host
from hookbus.loop import run
from hookbus.settings.config import load_config
from hookbus.testing import CommandResult
from hookbus.testing.commands import run_command
from hookbus_journal.database import open_for_reading
from hookbus_journal.replay.recording import Choice, Recording, find_run
from hookbus_journal.replay.trial import Trial, try_out

CONFIGURATION = """
[clock]
mode = "simulated"
start = 2026-01-01T00:00:00Z
[plugins]
autoload = false
[plugins.feeds]
path = "desk.py:Feeds"
[plugins.desk]
path = "desk.py:Desk"
counting = true
[plugins.crier]
path = "desk.py:Crier"
[plugins.journal]
"""

QUOTES = 3 * 40

READERS = ("-shm", "-wal")
"""How files end that SQLite makes for whoever reads."""


class Folder:
    """A folder with the desk, in which commands run."""

    def __init__(self, path: Path, configuration: str = CONFIGURATION) -> None:
        self.path = path
        shutil.copy(Path(__file__).with_name("desk.py"), path / "desk.py")
        (path / "hookbus.toml").write_text(configuration, encoding="utf-8")

    def __call__(self, *arguments: str) -> CommandResult:
        """Run `hookbus`."""
        return run_command(*arguments, folder=self.path, env={"COLUMNS": "200"})

    def replay(self, *arguments: str) -> CommandResult:
        """Run `hookbus journal replay`."""
        return self("journal", "replay", *arguments)

    def files(self) -> dict[str, bytes]:
        """Everything that lies in it, by path."""
        paths = (path for path in self.path.rglob("*") if path.is_file())
        kept = (path for path in paths if "__pycache__" not in path.parts)
        return {str(path): path.read_bytes() for path in kept if not path.name.endswith(READERS)}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A recorded simulation of the desk."""
    folder = Folder(tmp_path_factory.mktemp("desk"))
    assert folder("run", "--no-progress").exit_code == 0
    return folder


def test_a_recorded_simulation_comes_out_the_same(desk: Folder) -> None:
    """All that followed from the quotes, and what the desk said by itself; nothing outside of the
    replay's own folder is touched, and nobody outside hears of it."""
    before = desk.files()
    done = desk.replay("--json")
    assert done.exit_code == 0, done.stdout + done.stderr
    told = done.json
    assert (told["same"], told["inputs"], told["not_compared"]) == (True, QUOTES, 0)
    record = desk("journal", "info", "--json").json["types"]
    outputs = ("ordered", "filled", "counted", "told")
    of_the_desk = sum(record[f"desk.{name}"] for name in outputs)
    assert told["equal_events"] == of_the_desk > QUOTES / 2
    assert told["left_out"] == ["crier"]
    assert desk.files() == before
    text = desk.replay().stdout
    assert f"{QUOTES} inputs of hookbus fed in" in text
    assert f"The same: {of_the_desk} events came of it, as recorded." in text


def test_the_first_output_that_differs_is_named(desk: Folder) -> None:
    """With the field, both values, and what led to it in the record and in the replay."""
    setting = ("--set", "plugins.desk.commission=0.02")
    done = desk.replay(*setting, "--json")
    assert done.exit_code == 1
    told = done.json["divergence"]
    record = desk("journal", "tail", "desk.*", "-n", "999", "--json").stdout.splitlines()
    events = [json.loads(line) for line in record]
    first = next(one for one in events if one["type"] == "desk.filled")
    quantity = next(one for one in events if one["id"] == first["causationid"])["data"]["quantity"]
    paid = [round(quantity * factor, 6) for factor in (1.01, 1.02)]
    assert told["recorded_id"] == first["id"]
    assert told["fields"] == [{"path": "data.paid", "recorded": paid[0], "replayed": paid[1]}]
    for side in ("recorded", "replayed"):
        assert [one["type"] for one in told[side]] == ["desk.ordered", "desk.filled"]
    assert told["input"]["id"] == first["correlationid"]
    text = desk.replay(*setting).stdout
    assert f"desk.filled ({first['id']}) of the record differs in data.paid." in text
    assert "How it came about in the record:" in text
    assert "How it came about in the replay:" in text


def test_an_output_that_is_missing_is_named(desk: Folder) -> None:
    """The record has it, the replay does not."""
    done = desk.replay("--set", "plugins.desk.limit=104")
    assert done.exit_code == 1
    assert re.search(r"then desk.ordered \(hookbus-\d+\) of the record is missing\.", done.stdout)
    assert "How it came about in the replay:" not in done.stdout


def test_an_output_that_is_new_is_named(desk: Folder) -> None:
    """The replay has it, the record does not."""
    done = desk.replay("--set", "plugins.desk.limit=102")
    assert done.exit_code == 1
    assert "then the replay has one more desk.ordered." in done.stdout
    assert "How it came about in the replay:" in done.stdout


def test_a_field_may_be_ignored(desk: Folder) -> None:
    """As in `hookbus compare`."""
    arguments = ("--set", "plugins.desk.commission=0.02", "--ignore", "data.paid")
    assert desk.replay(*arguments).exit_code == 0


def test_only_a_part_may_be_fed(desk: Folder) -> None:
    """By time, by type and by chain; a part of a run is compared as far as it goes back to it."""
    stateless = ("--ignore", "data.filled_before")
    by_time = desk.replay(
        "--since", "2026-01-01T00:10", "--until", "2026-01-01T00:19:30", "--json", *stateless
    )
    assert (by_time.json["inputs"], by_time.json["same"]) == (3 * 10, True)
    quote = json.loads(
        desk("journal", "tail", "desk.quoted", "-n", "1", "--json").stdout.splitlines()[0]
    )
    by_chain = desk.replay("--correlation", quote["id"], "--json").json
    assert by_chain["inputs"] == 1
    by_type = desk.replay("--type", "desk.ordered", "--json").json
    record = desk("journal", "info", "--json").json["types"]
    assert (by_type["inputs"], by_type["same"]) == (record["desk.ordered"], True)
    assert by_type["equal_events"] == record["desk.filled"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--run", "nobody"), "no events of a run 'nobody'; it has some of hookbus"),
        (("--type", "desk.nothing"), "no event type in the journal matches desk.nothing"),
        (("--since", "soon"), "'soon' is no time"),
        (("--since", "1m", "--until", "2m"), "--since 1m is later than --until 2m"),
        (("--correlation", "hookbus-99999"), "no chain of events began with 'hookbus-99999'"),
        (("--correlation", "order-abc"), "no chain of events began with 'order-abc'"),
        (("--speed", "0"), "neither real, nor max, nor a number"),
        (("--with", "desk"), "those that reach outside are crier"),
    ],
)
def test_what_makes_no_sense_is_refused(
    desk: Folder, arguments: tuple[str, ...], says: str
) -> None:
    """With the reason, and what there is instead."""
    done = desk.replay(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_plugin_that_reaches_outside_runs_when_it_is_asked_for(tmp_path: Path) -> None:
    """And only then."""
    folder = Folder(tmp_path)
    folder("run", "--no-progress")
    told = (tmp_path / "told.txt").read_text()
    assert folder.replay("--with", "crier").exit_code == 0
    assert (tmp_path / "told.txt").read_text() == told * 2


def test_a_feed_that_cannot_start_in_the_replay_is_not_needed(desk: Folder) -> None:
    """What it had brought is fed all the same; that it failed is told."""
    done = desk.replay("--set", "plugins.feeds.broken=true", "--ignore", "data.text")
    assert f"{QUOTES} inputs of hookbus fed in" in done.stdout
    assert "The plugin feeds failed in the replay." in done.stderr
    assert "the record is missing" in done.stdout, "what it says by itself when it is ready"
    chosen = ("--set", "plugins.feeds.broken=true", "--type", "desk.quoted")
    assert desk.replay(*chosen).exit_code == 0


def test_what_is_fed_and_published_by_its_plugin_as_well_is_told(tmp_path: Path) -> None:
    """A plugin with a source may publish by a timer, too: only a person can tell these apart."""
    folder = Folder(tmp_path, CONFIGURATION.replace("Feeds", 'Feeds"\nchatty = true\n#', 1))
    assert folder("run", "--no-progress").exit_code == 0
    done = folder.replay()
    assert done.exit_code == 1
    told = "feeds publishes desk.told by itself, and such events were fed, too: choose with --type"
    assert told in done.stderr
    chosen = ("--type", "desk.quoted", "--json")
    assert folder.replay(*chosen).json["same"]


def test_what_the_journal_does_not_record_is_not_compared(tmp_path: Path) -> None:
    """Neither the host's own events, which say when sources began, nor types that are excluded,
    also where they stand between an input and what is compared."""
    excluded = '[plugins.journal]\nexclude = ["hookbus.*", "desk.ordered", "desk.told"]'
    folder = Folder(tmp_path, CONFIGURATION.replace("[plugins.journal]", excluded))
    assert folder("run", "--no-progress").exit_code == 0
    done = folder.replay("--json")
    assert (done.exit_code, done.json["same"]) == (0, True), done.stderr
    record = folder("journal", "info", "--json").json["types"]
    assert done.json["equal_events"] == record["desk.filled"] + record["desk.counted"]


def test_inputs_that_nobody_can_read_are_counted(desk: Folder) -> None:
    """With the reason; what followed from them is not compared."""
    done = desk.replay("--set", "plugins.feeds.enabled=false", "--json")
    assert done.json["unreadable"] == {"desk.quoted": QUOTES}
    assert (done.exit_code, done.json["inputs"], done.json["same"]) == (1, 0, None)
    told = desk.replay("--set", "plugins.feeds.enabled=false").stderr
    assert f"{QUOTES} desk.quoted events not fed: no event type 'desk.quoted' is known" in told


def record_live(folder: Folder) -> Path:
    """Record the desk under the system clock, until its feeds have finished."""

    async def life() -> None:
        async with Host(load_config(folder.path / "hookbus.toml")) as host:
            await host.sources.ended()
            await host.settled()

    run(life(), SystemClock())
    return folder.path / ".hookbus" / "journal" / "journal.db"


def try_again(folder: Folder, journal: Path, *settings: str, **options: Any) -> Trial:
    """Replay a journal in this process."""
    given = Given(str(folder.path / "hookbus.toml"), settings)
    connection = open_for_reading(journal)
    try:
        recording = Recording(connection, find_run(connection, None), Choice())
        return try_out(given, recording, pace=None, bar=False, **options)
    finally:
        connection.close()


LIVE = """
[plugins]
autoload = false
[plugins.feeds]
path = "desk.py:Feeds"
quotes = 15
pause = 0.01
[plugins.desk]
path = "desk.py:Desk"
slow = 0.004
[plugins.journal]
"""


def test_a_run_on_the_system_clock_comes_out_the_same(tmp_path: Path) -> None:
    """Although its orders and fills were interleaved by chance, and are stamped with the time."""
    folder = Folder(tmp_path, LIVE)
    journal = record_live(folder)
    trial = try_again(folder, journal)
    assert trial.verdict is not None
    assert trial.verdict.same, trial.verdict
    assert len(trial.played.feed.fed) == 45
    assert trial.verdict.equal >= 20
    changed = try_again(folder, journal, "plugins.desk.commission=0.5")
    assert changed.verdict is not None
    assert [one.path for one in changed.verdict.fields] == ["data.paid"]


def test_the_pace_is_that_of_the_record_times_a_number(desk: Folder) -> None:
    """40 minutes at 2,400 times their pace take a second."""
    began = time.monotonic()
    done = desk.replay("--speed", "2400", "--json")
    assert done.json["same"]
    assert 1.0 <= done.json["seconds"] < time.monotonic() - began
    assert desk.replay("--json").json["seconds"] < 1.0


def test_the_journal_of_a_running_host_may_be_replayed(desk: Folder, tmp_path: Path) -> None:
    """The file is only read: another process may go on writing, and a copy will do."""
    copy = tmp_path / "copy.db"
    shutil.copy(desk.path / ".hookbus" / "journal" / "simulation.db", copy)
    writer = apsw.Connection(str(copy))
    writer.execute("BEGIN IMMEDIATE")
    assert desk.replay("--file", str(copy)).exit_code == 0
    writer.execute("ROLLBACK")
    writer.close()
