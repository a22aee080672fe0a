"""`hookbus journal` and `hookbus dead`: what they change, in a running host and without one."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.journal.commanded import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A shop that has not been run yet."""
    return Desk(tmp_path)


def shipped(desk: Desk) -> list[Any]:
    """What the journal knows to be shipped."""
    return desk.lines("journal", "tail", "shop.shipped", "-n", "100")


def test_a_running_host_tries_again_and_discards(desk: Desk) -> None:
    """The consumer gets the same event: what it publishes has the order as its cause. What fails
    again stays a dead letter, in its old place."""
    with desk.running():
        letters = desk.json("dead", "list")
        first, second, third, _ = (str(one["id"]) for one in letters)
        assert desk.json("dead", "retry", first) == {"retrying": 1}
        desk.until(lambda: desk.json("dead", "show", first)["time_ns"] > letters[0]["time_ns"])
        again = desk.json("dead", "show", first)
        assert (again["failures"], again["retrying"]) == (2, False)

        desk.mend()
        told = desk("dead", "retry", first, second).stdout
        assert told == "2 dead letters will be tried again now, or when their consumers are back\n"
        desk.until(lambda: len(desk.json("dead", "list")) == 2)
        effect = shipped(desk)[-2]
        assert effect["data"]["item"] == "thing 3"
        assert effect["causationid"] == effect["correlationid"] == letters[0]["event"]

        assert desk("dead", "discard", third).stdout == "1 dead letter discarded\n"
        assert [one["key"] for one in desk.json("dead", "list")] == ["thing 9"]
        desk("dead", "retry", "--all")
        desk.until(lambda: desk.json("dead", "list") == [])
        assert desk("dead", "list").stdout == "There are no dead letters.\n"
        assert desk("ledger").exit_code == 0
    assert desk.json("journal", "verify")["sound"] is True


def test_a_durable_event_can_be_published_from_the_command_line(desk: Desk) -> None:
    """It is committed under the id that the command prints, and handled like any other."""
    with desk.running():
        emitted = desk.json("events", "emit", "shop.ordered", "item=lamp")
        desk.until(lambda: shipped(desk)[-1]["data"]["item"] == "lamp")
        assert shipped(desk)[-1]["causationid"] == emitted["id"]
        assert emitted["matched"] == 2


def test_without_a_host_a_retry_waits_for_the_next_one(desk: Desk) -> None:
    """The mark is kept, and so is what is discarded; the next run does what was asked for."""
    desk.run()
    letters = desk.json("dead", "list")
    assert desk.json("dead", "discard", str(letters[3]["id"])) == {"discarded": 1}
    told = desk("dead", "retry", "--consumer", "shop:ship").stdout
    assert told == "3 dead letters will be tried again when a host runs\n"
    assert "retrying" in desk("dead", "list").stdout
    desk.mend()
    with desk.running():
        desk.until(lambda: desk.json("dead", "list") == [])
    causes = [one["causationid"] for one in shipped(desk)]
    assert all(one["event"] in causes for one in letters[:3])
    assert letters[3]["event"] not in causes


def test_a_host_that_was_killed_leaves_a_journal_that_can_be_used(desk: Desk) -> None:
    """The lock goes with the process, and the commands need no repair."""
    with desk.running() as process:
        held = desk.json("journal", "info")["held_by"]
        assert f"process {process.pid}, run desk-" in held
        assert "still on" in desk("journal", "info").stdout
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert desk.json("journal", "info")["held_by"] is None
    assert "cut off" in desk("journal", "info").stdout
    assert desk.json("journal", "verify")["sound"] is True
    assert desk.json("dead", "retry", "--all") == {"retrying": 4}


@pytest.mark.parametrize("running", [True, False], ids=["a host runs", "none runs"])
def test_prune_removes_what_is_old(desk: Desk, running: bool) -> None:
    """By the host or without it, by age or by size; positions are not used again."""
    with desk.running():
        if running:
            last = _prune_all(desk)
    if not running:
        last = _prune_all(desk)
    desk.run()
    assert desk.json("journal", "info")["first_position"] > last
    assert desk.json("journal", "verify")["sound"] is True


def _prune_all(desk: Desk) -> int:
    """Remove everything; returns the last position until then."""
    before = desk.json("journal", "info")
    assert desk.json("journal", "prune")["removed"] == 0
    assert desk.json("journal", "prune", "--keep-bytes", "0")["removed"] >= before["events"]
    assert desk.json("journal", "prune", "--keep-days", "0")["removed"] < before["events"]
    last: int = before["last_position"]
    return last


def test_prune_keeps_what_a_consumer_needs_until_it_is_forgotten(desk: Desk) -> None:
    """The consumer that holds events is named; when it is forgotten they can go."""
    desk.run()
    (desk.folder / "shop.py").write_text(
        desk.folder.joinpath("shop.py").read_text(encoding="utf-8").replace('"ship", r', '"x", r'),
        encoding="utf-8",
    )
    desk.run()
    consumers = {one["name"]: one for one in desk.json("journal", "consumers", "list")}
    assert (consumers["shop:ship"]["waiting"], consumers["shop:x"]["waiting"]) == (10, 0)
    assert consumers["shop:ship"]["waiting_since_ns"] > 0
    pruned = desk("journal", "prune", "--keep-days", "0").stdout
    assert "older ones are kept for the consumer shop:ship, which has not finished them" in pruned
    assert desk.json("journal", "info")["types"]["shop.ordered"] == 10

    told = desk("journal", "consumers", "forget", "shop:ship").stdout
    assert told == "shop:ship is forgotten; 10 events waited for it\n"
    assert desk.json("journal", "prune", "--keep-days", "0")["held_by"] == []
    assert desk.json("journal", "info")["events"] == 0
    assert [one["name"] for one in desk.json("journal", "consumers", "list")] == ["shop:x"]
    assert len(desk.json("dead", "list", "--consumer", "shop:ship")) == 4


def test_a_consumer_that_is_in_use_is_not_forgotten(desk: Desk) -> None:
    """It would lose events under its own feet."""
    with desk.running():
        done = desk("journal", "consumers", "forget", "shop:ship")
        assert done.exit_code == 2
        assert "the consumer 'shop:ship' is in use; disable its plugin first" in done.stderr
    assert len(desk.json("journal", "consumers", "list")) == 1


def test_a_journal_that_somebody_else_has_open_is_left_alone(desk: Desk) -> None:
    """Where the holder of the lock cannot be asked, nothing is changed, and it is named."""
    desk.run()
    copy = desk.folder / "copy.db"
    copy.write_bytes(desk.journal.read_bytes())
    lock = os.open(copy.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
    os.write(lock, b"process 7, run other\n")
    fcntl.flock(lock, fcntl.LOCK_EX)
    done = desk("dead", "discard", "--all", "--file", "copy.db")
    os.close(lock)
    assert done.exit_code == 1
    assert "copy.lock is held by process 7, run other, which cannot be asked" in done.stderr
    assert len(desk.json("dead", "list", "--file", "copy.db")) == 4
    assert desk.json("dead", "discard", "--all", "--file", "copy.db") == {"discarded": 4}
    assert len(desk.json("dead", "list")) == 4


def test_tail_follows_the_journal(desk: Desk) -> None:
    """What comes is printed as it is committed, over the end of one host and the next one."""
    desk.run()
    arguments = ["journal", "tail", "shop.ordered", "-n", "1", "-f", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hookbus", *arguments],
        cwd=desk.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["data"]["item"] == "thing 9"
    desk.run()
    second = json.loads(process.stdout.readline())
    assert second["data"]["item"] == "thing 0"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "")
