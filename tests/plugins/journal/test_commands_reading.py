"""`hookbus journal` and `hookbus dead` on a journal that nobody has open: what they show."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import apsw
import pytest

from tests.plugins.journal.commanded import Desk, json_lines


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A host has run and ended; nobody changes what it left."""
    desk = Desk(tmp_path_factory.mktemp("finished"))
    desk.run("--events", "events.jsonl")
    return desk.at_once()


@pytest.fixture
def copied(finished: Desk, tmp_path: Path) -> Desk:
    """A copy of that, for tests that change it."""
    shutil.copytree(finished.folder / ".hookbus", tmp_path / ".hookbus")
    return Desk(tmp_path).at_once()


def tamper(desk: Desk, *statements: str) -> None:
    """Change the journal behind everybody's back."""
    connection = apsw.Connection(str(desk.journal))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_info_shows_what_is_kept(finished: Desk) -> None:
    """Events by type, the run and its end, consumers and dead letters; nobody holds the lock."""
    found = finished.json("journal", "info")
    assert found["types"]["shop.ordered"] == 10
    assert found["types"]["shop.shipped"] == 6
    assert found["events"] == sum(found["types"].values()) == found["last_position"]
    assert found["dead_letters"] == 4
    assert found["consumers"] == {"shop:ship": 0}
    assert found["held_by"] is None
    (run,) = found["runs"]
    assert run["clean"] == 1
    text = finished("journal", "info").stdout
    assert "shop.ordered" in text
    assert "by nobody" in text
    assert "cut off" not in text


def test_tail_shows_the_latest_events(finished: Desk) -> None:
    """The last of some types, oldest first; --json prints the CloudEvents that were published."""
    shipped = finished.lines("journal", "tail", "shop.shipped", "-n", "2")
    assert [one["type"] for one in shipped] == ["shop.shipped"] * 2
    recorded = json_lines((finished.folder / "events.jsonl").read_text(encoding="utf-8"))
    assert all(one in recorded for one in shipped)
    line = finished("journal", "tail", "shop.ordered", "-n", "1").stdout
    assert 'shop.ordered item="thing 9" count=5' in line
    assert line.endswith("(shop)\n")
    none = finished("journal", "tail", "shop.none")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "no event that is kept matches 'shop.none'" in none.stderr


def test_consumers_are_listed_with_their_place(finished: Desk) -> None:
    """What they want, how far they are, and how many dead letters they have."""
    (consumer,) = finished.json("journal", "consumers", "list")
    assert consumer["name"] == "shop:ship"
    assert consumer["types"] == ["shop.ordered"]
    assert (consumer["waiting"], consumer["dead_letters"]) == (0, 4)
    assert "shop:ship" in finished("journal", "consumers", "list").stdout


def test_dead_letters_are_listed_in_pages(finished: Desk) -> None:
    """The oldest first, of one consumer or of all, with how to see the next ones."""
    found = finished.json("dead", "list")
    assert [one["key"] for one in found] == ["thing 3", "thing 4", "thing 8", "thing 9"]
    assert all(one["failures"] == 2 and not one["retrying"] for one in found)
    page = finished("dead", "list", "-n", "2").stdout
    assert "ValueError: 4 of thing 3 are too many" in page
    assert page.endswith(f"2 of 4; the next ones: --after {found[1]['id']}\n")
    assert finished.json("dead", "list", "--after", str(found[1]["id"])) == found[2:]
    assert finished.json("dead", "list", "--consumer", "shop:else") == []


def test_a_dead_letter_is_shown_with_event_error_and_traceback(finished: Desk) -> None:
    """All that is needed to see what went wrong, without another tool."""
    letter = finished.json("dead", "list")[0]
    whole = finished.json("dead", "show", str(letter["id"]))
    assert whole["envelope"]["data"]["item"] == "thing 3"
    assert whole["envelope"]["id"] == letter["event"]
    text = finished("dead", "show", str(letter["id"])).stdout
    assert f"{letter['event']}, at position {letter['position']}" in text
    assert "Traceback (most recent call last):" in text
    assert "in ship" in text
    missing = finished("dead", "show", "77")
    assert missing.exit_code == 2
    assert "there is no dead letter 77; see hookbus dead list" in missing.stderr


def test_an_export_has_the_lines_that_run_events_writes(finished: Desk, tmp_path: Path) -> None:
    """Byte for byte, in the order of their sequence, but for what is published at the very end.

    A durable event is dispatched when it has been committed, so that one with a later sequence may
    come before it in the record of a host.
    """
    target = tmp_path / "export.jsonl"
    told = finished.json("journal", "export", target)
    exported = target.read_bytes().splitlines(keepends=True)
    recorded = (finished.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    recorded.sort(key=lambda line: json.loads(line)["sequence"])
    assert told["events"] == len(exported)
    assert exported == recorded[: len(exported)]
    after = [json.loads(line) for line in recorded[len(exported) :]]
    assert {one["type"] for one in after} <= {"hookbus.plugin.stopped"}
    assert any(b"1.2e-07" in line for line in exported)


def test_an_export_of_a_simulation_is_its_record(tmp_path: Path) -> None:
    """Under the simulated clock the order is the same, too, and `hookbus compare` finds nothing."""
    desk = Desk(tmp_path)
    simulated = ("--set", "clock.mode=simulated", "--set", "clock.start=2024-01-01")
    assert desk("run", "--events", "events.jsonl", *simulated).exit_code == 0
    count = desk.json("journal", "export", "export.jsonl", "--simulation")["events"]
    recorded = (tmp_path / "events.jsonl").read_bytes().splitlines(keepends=True)
    assert (tmp_path / "export.jsonl").read_bytes() == b"".join(recorded[:count])
    assert len(recorded) - count <= 1
    done = desk("compare", "export.jsonl", "events.jsonl", "--only", "shop.*")
    assert (done.exit_code, done.stdout) == (
        0, "16 events compared: the records are the same.\n",
    )  # fmt: skip
    assert desk.json("journal", "verify", "--simulation")["sound"] is True
    assert desk.json("journal", "info", *simulated)["types"]["shop.ordered"] == 10


def test_an_export_of_some_types_of_all_runs(copied: Desk, tmp_path: Path) -> None:
    """Runs come one after the other; the newest one alone is what is written by default."""
    first = copied.json("journal", "info")["runs"][0]["name"]
    copied.mend()
    copied.run()
    target = tmp_path / "all.jsonl"
    assert copied.json("journal", "export", target, "--type", "shop.o*")["events"] == 10
    wanted = ("--all-runs", "--type", "shop.ordered")
    assert copied.json("journal", "export", target, *wanted)["events"] == 20
    ids = [one["id"] for one in json_lines(target.read_text(encoding="utf-8"))]
    assert ids[0].startswith(first)
    assert not ids[-1].startswith(first)
    assert copied.json("journal", "export", target, "--run", first)["events"] > 20


def test_an_export_to_parquet_has_the_columns_of_stored_events(
    finished: Desk, tmp_path: Path
) -> None:
    """The same events, with times that a table understands."""
    parquet = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "export.parquet"
    assert finished("journal", "export", target).exit_code == 0
    rows = parquet.read_table(target).to_pylist()
    events = json_lines((finished.folder / "events.jsonl").read_text(encoding="utf-8"))
    events.sort(key=lambda event: event["sequence"])
    for row, event in zip(rows, events, strict=False):
        assert f"{row['run']}-{row['sequence']}" == event["id"]
        assert json.loads(row["data"]) == event["data"]
        published = datetime.fromisoformat(f"{event['time'][:19]}+00:00")
        assert row["time"].to_pydatetime(warn=False).replace(microsecond=0) == published
    assert [row["type"] for row in rows].count("shop.ordered") == 10


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("journal", "export", "a.csv"), "neither .jsonl nor .parquet"),
        (("journal", "export", "a.jsonl", "--run", "desk-1"), "no events of a run 'desk-1'"),
        (("journal", "export", "a.jsonl", "--type", "x.*"), "no event type in the journal matches"),
        (("journal", "export", "a.jsonl", "--all-runs", "--run", "x"), "keep one"),
        (("journal", "info", "--simulation"), "but journal.db beside it: leave out --simulation"),
        (("journal", "info", "--file", "no.db"), "there is no journal no.db"),
        (("journal", "info", "--file", "x.db", "--simulation"), "keep one"),
        (("dead", "retry"), "Name dead letters by their ID"),
        (("dead", "retry", "1", "--all"), "Name dead letters by their ID"),
        (("dead", "discard", "--consumer", "shop:x"), "'shop:x' has no dead letters"),
        (("dead", "discard", "1", "71", "72"), "there is no dead letter 71, 72"),
        (("journal", "consumers", "forget", "shop:shi"), "Did you mean 'shop:ship'?"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_what_makes_no_sense_is_told(finished: Desk, arguments: tuple[str, ...], says: str) -> None:
    """A usage error, and nothing is written."""
    done = finished(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert not list(finished.folder.glob("a.*"))


def test_verify_finds_nothing_wrong_with_what_a_host_left(finished: Desk) -> None:
    """Every check is made and passes; the accounts of the host are there and balance."""
    found = finished.json("journal", "verify")
    assert found["sound"] is True
    names = ["file", "events", "ids", "causes", "consumers", "dead letters", "books"]
    assert [one["name"] for one in found["checks"]] == names
    assert int(found["checks"][-1]["told"].split()[0]) >= 2
    text = finished("journal", "verify").stdout
    assert text.endswith("journal.db is sound\n")


LAST = "(SELECT max(position) FROM events)"

FIRST = "(SELECT min(position) FROM events WHERE type = (SELECT id FROM types WHERE name = {!r}))"


@pytest.mark.parametrize(
    ("statement", "check", "says"),
    [
        ("UPDATE events SET data = '{' WHERE position = 5", "events", "position 5 is no JSON"),
        ("UPDATE events SET data = '[1]' WHERE position = 5", "events", "position 5 is no JSON"),
        (f"UPDATE events SET sequence = sequence - 1 WHERE position = {LAST}", "ids", "2 times"),
        ("UPDATE events SET type = 999 WHERE position = 5", "ids", "1 events name a run, a type"),
        (
            f"DELETE FROM events WHERE position = {FIRST.format('shop.ordered')}",
            "causes",
            "missing",
        ),
        ('UPDATE consumers SET "offset" = 1000', "consumers", "is at 1,000, beyond the end"),
        ("INSERT INTO finished VALUES ('gone:by', 3)", "consumers", "entries of 'gone:by'"),
        ("UPDATE dead_letters SET envelope = '' WHERE id = 1", "dead letters", "dead letter 1 is"),
        ("UPDATE accounts SET delivered = delivered + 1 WHERE name = 'ship'", "books", "shop:ship"),
    ],
    ids=lambda one: one.partition(" WHERE")[0] if " " in one else one,
)
def test_verify_names_what_is_wrong(copied: Desk, statement: str, check: str, says: str) -> None:
    """Each fault is planted alone, found by the check that is meant for it, and by no other."""
    tamper(copied, statement)
    done = copied("journal", "verify", "--json")
    assert done.exit_code == 1
    assert done.json["sound"] is False
    (wrong,) = [one for one in done.json["checks"] if one["faults"]]
    assert wrong["name"] == check
    assert says in wrong["faults"][0]
    first = copied("journal", "verify").stdout.splitlines()[1]
    assert first.split()[: len(check.split()) + 1] == [*check.split(), "problem"]


def test_verify_notices_a_later_run_with_an_earlier_place(copied: Desk) -> None:
    """Positions follow the order of runs."""
    copied.mend()
    copied.run()
    tamper(copied, "UPDATE events SET run = (SELECT max(id) FROM runs) WHERE position = 5")
    done = copied("journal", "verify", "--json")
    faults = [fault for one in done.json["checks"] for fault in one["faults"]]
    assert "position 6 is of an earlier run than the one before" in faults


def test_verify_tells_of_pages_that_are_damaged(copied: Desk) -> None:
    """What SQLite itself finds is told, and no traceback."""
    with copied.journal.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\x00" * 4096 * 4)
    done = copied("journal", "verify")
    assert done.exit_code == 1
    assert "problem" in done.stdout
    assert "Traceback" not in done.stderr


def test_what_is_no_journal_is_refused(copied: Desk) -> None:
    """Another program's database is neither read nor changed."""
    other = copied.folder / "other.db"
    connection = apsw.Connection(str(other))
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    before = other.read_bytes()
    done = copied("journal", "prune", "--file", "other.db")
    assert done.exit_code == 2
    assert "other.db is no journal of hookbus" in done.stderr
    assert other.read_bytes() == before


def test_pruned_causes_are_no_fault(copied: Desk) -> None:
    """What is gone because it was old is told beside what is well."""
    tamper(copied, f"DELETE FROM events WHERE position <= {FIRST.format('shop.shipped')} - 1")
    found = copied.json("journal", "verify")
    (causes,) = [one for one in found["checks"] if one["name"] == "causes"]
    assert causes["notes"][0].endswith("causes have been pruned")


@pytest.mark.parametrize("why", ["gap", "setting"])
def test_causes_that_were_not_recorded_are_no_fault(copied: Desk, why: str) -> None:
    """Where the journal fell behind, or was told to leave events out, that is counted instead."""
    tamper(copied, f"DELETE FROM events WHERE position = {FIRST.format('shop.ordered')}")
    arguments = ["journal", "verify"]
    if why == "gap":
        tamper(copied, "INSERT INTO gaps SELECT max(id), 3, 'behind', 0 FROM runs")
        assert copied.json("journal", "info")["not_recorded"] == 3
        assert "3 events" in copied("journal", "info").stdout
        told = copied("journal", "export", "export.jsonl")
        assert told.stderr == "3 events of it had not been recorded\n"
    else:
        arguments += ["--set", 'plugins.journal.exclude=["shop.none"]']
    found = copied.json(*arguments)
    (causes,) = [one for one in found["checks"] if one["name"] == "causes"]
    assert causes["notes"] == ["1 causes were not recorded"]


def test_an_export_that_fails_leaves_nothing_behind(copied: Desk) -> None:
    """A file that could be taken for a whole one is worse than none."""
    (copied.folder / "taken").mkdir()
    done = copied("journal", "export", "taken/no/export.jsonl")
    assert done.exit_code == 1
    assert "No such file or directory" in done.stderr
    tamper(copied, "UPDATE events SET time_ns = 'noon' WHERE position = 5")
    assert copied("journal", "export", "export.jsonl").exit_code != 0
    assert list(copied.folder.glob("export*")) == []


def test_an_export_is_in_the_order_of_sequences(copied: Desk) -> None:
    """Also where a later event was committed first: whoever reads it looks for events by halves."""
    tamper(
        copied,
        "UPDATE events SET position = -position WHERE position IN (5, 6)",
        "UPDATE events SET position = 11 + position WHERE position < 0",
    )
    copied.json("journal", "export", "export.jsonl")
    exported = json_lines((copied.folder / "export.jsonl").read_text(encoding="utf-8"))
    sequences = [one["sequence"] for one in exported]
    assert sequences == sorted(sequences)
