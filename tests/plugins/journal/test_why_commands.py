"""`hookbus why` and `hookbus why-not`, as people and programs call them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from hookbus.testing import CommandResult, HostFactory
from hookbus_journal.lock import FileLock

from tests.plugins.journal.asking import ShopRun


@pytest.fixture
def shop(host_factory: HostFactory, tmp_path: Path) -> ShopRun:
    """A shop and its journal, which the commands find in the test's folder."""
    return ShopRun(host_factory, tmp_path)


@pytest.fixture
def ask(run_command: Callable[..., CommandResult]) -> Callable[..., CommandResult]:
    """Runs a command on the journal of the simulated run."""

    def run(*arguments: str | Path, **options: Any) -> CommandResult:
        return run_command(*arguments, "--set", "clock.mode=simulated", **options)

    return run


Ask = Callable[..., CommandResult]


def refusal_in(ask: Ask) -> str:
    """The id of the one refusal."""
    answer = ask("why-not", "shop.bought", "--key", "trick", "--json").json
    (refusal,) = answer["causes"][0]["evidence"]
    return str(refusal)


async def test_why_prints_one_line_for_each_event(shop: ShopRun, ask: Ask) -> None:
    """From the first cause to the event and, if wanted, what followed."""
    await shop(trick="refuse")
    refusal = refusal_in(ask)
    done = ask("why", refusal)
    assert done.exit_code == 0, done.stderr
    head, _, columns, wish, refused = done.stdout.splitlines()
    assert head == f"shop.refused of trick ({refusal}) came about in 1 step and 0 s:"
    assert columns.split() == ["Event", "After", "Time", "Type", "Key", "Source", "Fields"]
    assert wish.split()[1:2] == ["-"]
    assert refused.split(maxsplit=6)[1:] == [
        *("+0", "s", "2024-01-01T01:00:00Z", "shop.refused", "trick"),
        'shop     rule=stock reason="0 of 1 are left"',
    ]
    forward = ask("why", wish.split()[0], "--forward").stdout
    assert "has no cause: hookbus published it on its own" in forward
    assert "└ shop.refused" in forward
    assert (
        "1 more event followed" in ask("why", wish.split()[0], "--forward", "--limit", "0").stdout
    )


async def test_why_gives_programs_the_whole_events(shop: ShopRun, ask: Ask) -> None:
    """As CloudEvents, the followers as a tree."""
    await shop(trick="refuse")
    refusal = ask("why", refusal_in(ask), "--json").json
    wish, event = refusal["chain"]
    assert event == refusal["event"]
    assert event["causationid"] == wish["id"]
    assert event["data"] == {"item": "trick", "rule": "stock", "reason": "0 of 1 are left"}
    assert (refusal["missing_cause"], refusal["duration_ns"]) == (None, 0)
    assert "followers" not in refusal
    found = ask("why", wish["id"], "--forward", "--json").json
    assert found["followers"] == [{"event": event, "followers": []}]
    assert found["left_out"] == 0


async def test_why_draws_a_page(shop: ShopRun, ask: Ask, tmp_path: Path) -> None:
    """Where it is asked to, and says how large it is."""
    await shop()
    done = ask("why", "2", "--html", tmp_path / "why.html")
    assert done.stdout == f"{tmp_path / 'why.html'}: {len(page(tmp_path)):,} bytes\n"
    assert page(tmp_path).startswith(b"<!doctype html>")


def page(folder: Path) -> bytes:
    """The page that was written."""
    return (folder / "why.html").read_bytes()


async def test_what_is_not_there_is_a_usage_error(shop: ShopRun, ask: Ask) -> None:
    """An unknown id, and a folder without a journal: with the mend."""
    nothing = ask("why", "1")
    assert nothing.exit_code == 2
    assert "there is no journal" in nothing.stderr
    await shop()
    unknown = ask("why", "99999")
    assert unknown.exit_code == 2
    assert "it has events between hookbus-1 and hookbus-" in unknown.stderr


async def test_why_not_says_with_its_exit_code_whether_it_knows(shop: ShopRun, ask: Ask) -> None:
    """0 with an explanation, 1 without one; then it says what was looked at."""
    await shop(trick="refuse")
    question = ("why-not", "shop.bought", "--key", "trick", "--since", "2024-01-01T00:30")
    done = ask(*question)
    assert done.exit_code == 0
    assert done.stdout.startswith(
        "No shop.bought of trick was recorded from 2024-01-01T00:30:00Z to 2024-01-01T01:00:01Z.\n"
        "\n1. certain: shop.refused from shop: stock\n   0 of 1 are left\n   hookbus why hookbus-"
    )
    silent = ask("why-not", "shop.bought", "--key", "tea", "--since", "2024-01-01T00:30")
    assert silent.exit_code == 1
    assert (
        "\nLooked at:\n- shop.bought: shop publishes it after shop.wished; in the" in silent.stdout
    )
    assert "\nNot in the record:\n- what a handler decides" in silent.stdout


async def test_why_not_gives_programs_the_question_too(shop: ShopRun, ask: Ask) -> None:
    """So that an answer that is kept says what it answers."""
    await shop(trick="refuse")
    found = ask("why-not", "shop.bought", "--key", "trick", "--json").json
    assert found["question"]["key"] == "trick"
    assert found["explained"] is True
    assert found["recorded"] == {"count": 0, "newest": []}
    assert found["causes"][0]["kind"] == "refusal"


async def test_why_not_knows_whether_the_host_still_runs(shop: ShopRun, ask: Ask) -> None:
    """A run without an end was killed, unless somebody holds the lock of the journal."""
    await shop()
    connection = apsw.Connection(str(shop.path))
    connection.execute("UPDATE runs SET ended_ns = NULL, clean = 0")
    connection.close()
    question = ("why-not", "shop.praised", "--until", "2024-01-02", "--json")
    killed = [cause["why"] for cause in ask(*question).json["causes"]]
    assert killed == ["the run hookbus broke off at 2024-01-01T01:00:01Z"]
    lock = FileLock(shop.path.with_suffix(".lock"), "hookbus")
    assert ask(*question).json["causes"] == []
    lock.release()
