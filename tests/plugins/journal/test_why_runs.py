"""Why, and why not, over several runs, and where the record itself has holes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hookbus import Plugin
from hookbus.testing import HostFactory, RecordingHost
from hookbus_journal import JournalPlugin
from hookbus_journal.why.answer import Answer, explain
from hookbus_journal.why.question import ask

from tests.plugins.journal.asking import answered, only
from tests.plugins.journal.memories import SECOND, Memory
from tests.plugins.journal.shop import Opened, Shop, Wished, street_of


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """A journal with one sale in it, at the beginning."""
    made = Memory(tmp_path / "journal.db")
    wish = made.add("shop.wished", {"item": "tea"}, key="tea", source="street", time=1)
    made.add("shop.bought", {"item": "tea"}, key="tea", source="shop", time=1, cause=wish)
    yield made
    made.connection.close()


def why_not(memory: Memory, type_: str | None = "shop.bought", **question: Any) -> Answer:
    """Ask a journal that was made by hand."""
    reader = memory.reader()
    question.setdefault("since", "1970-01-01T00:00:02")
    return explain(reader, ask(reader, type_, **question))


class SystemRuns:
    """Runs of the shop under the system's clock, in one journal."""

    def __init__(self, make_host: HostFactory, folder: Path) -> None:
        self._make_host = make_host
        self.path = folder / ".hookbus" / "journal" / "journal.db"

    def host(self, *others: type[Plugin], **sections: Any) -> RecordingHost:
        """A host with the sections of its configuration."""
        shop = sections.pop("shop", {})
        settings = {"shop": shop, "journal": {}}
        return self._make_host(JournalPlugin, Shop, *others, settings=settings, config=sections)


@pytest.fixture
def runs(host_factory: HostFactory, tmp_path: Path) -> SystemRuns:
    """No run yet."""
    return SystemRuns(host_factory, tmp_path)


async def sell(host: RecordingHost) -> None:
    """A wish, and whatever comes of it."""
    async with host:
        await host.bus.publish(Opened())
        await host.bus.publish(Wished(item="tea"))
        await asyncio.sleep(0.05)


@pytest.mark.real_time
async def test_what_an_earlier_run_taught_explains_a_later_one(runs: SystemRuns) -> None:
    """A job that is switched off, and a plugin that is: the newest run is asked about."""
    await sell(runs.host())
    await sell(runs.host(jobs={"shop.restock": {"enabled": False}}))
    cause = answered(runs.path, "shop.restocked").causes[0]
    assert (cause.kind, cause.certainty) == ("job", "likely")
    assert cause.what == "the job shop.restock: disabled"
    await sell(runs.host(shop={"enabled": False}))
    cause = answered(runs.path, "shop.bought").causes[0]
    assert (cause.kind, cause.certainty) == ("plugin", "certain")
    assert "the plugin shop was not loaded" in cause.what


@pytest.mark.real_time
async def test_a_dead_letter_of_a_durable_consumer_is_named(runs: SystemRuns) -> None:
    """With its number, by which it can be tried again."""
    await sell(runs.host(shop={"subscribe": {"delivery": "durable"}}))
    host = runs.host(shop={"subscribe": {"delivery": "durable"}, "trick": "fail"})
    async with host:
        await host.bus.publish(Wished(item="trick"))
        await asyncio.sleep(0.1)
    causes = answered(runs.path, "shop.bought", key="trick").causes
    (letter,) = (one for one in causes if one.what == "dead letter 1 of shop:wishes is open")
    assert (letter.certainty, letter.why) == ("certain", "OSError: the till is stuck")


@pytest.mark.real_time
async def test_an_event_that_is_tried_again_and_again_is_named(runs: SystemRuns) -> None:
    """It has not been given up, and it has led to nothing yet."""
    await sell(runs.host(shop={"subscribe": {"delivery": "durable"}}))
    host = runs.host(shop={"subscribe": {"delivery": "durable"}, "trick": "fail", "attempts": 99})
    async with host:
        await host.bus.publish(Wished(item="trick"))
        await asyncio.sleep(0.1)
    cause = only(answered(runs.path, "shop.bought", key="trick"), "retry")
    assert cause.certainty == "certain"
    assert cause.what == "shop:wishes failed on what should have led to it, and tries it again"


async def test_a_source_that_has_ended_is_named(host_factory: HostFactory, tmp_path: Path) -> None:
    """No sale, because there was no wish, because nobody is in the street any more."""
    host = host_factory(
        JournalPlugin, Shop, street_of(Wished(item="tea")), settings={"shop": {}, "journal": {}}
    )
    async with host:
        await host.settled()
        await asyncio.sleep(3600)
    path = tmp_path / ".hookbus" / "journal" / "simulation.db"
    answer = answered(path, "shop.bought", since="2024-01-01T00:30")
    cause = only(answer, "source")
    assert cause.what == "the source street.people had finished at 2024-01-01T00:00:00Z"
    assert cause.steps == 1


def test_the_time_between_two_runs_is_named(memory: Memory) -> None:
    """A run that was killed ends with its last event."""
    memory.run("second", start=100)
    memory.add("shop.closed", run="second", time=130)
    cause = only(why_not(memory, until="1970-01-01T00:02"), "host")
    assert cause.what == (
        "no host was running from 1970-01-01T00:00:02Z to 1970-01-01T00:01:40Z (1.63 min)"
    )
    assert cause.why == "the run run broke off at 1970-01-01T00:00:01Z"


def test_events_that_were_not_recorded_are_a_possible_cause(memory: Memory) -> None:
    """It may have happened, and nobody wrote it down."""
    memory.connection.execute(
        "INSERT INTO gaps VALUES (1, 23, 'the journal fell behind', ?)", (5 * SECOND,)
    )
    cause = only(why_not(memory, until="1970-01-01T00:00:09"), "gap")
    assert cause.certainty == "possible"
    assert cause.what.startswith("23 events were not recorded until 1970-01-01T00:00:05Z")
    assert cause.why == "the journal fell behind"


def test_without_a_type_everything_that_stops_something_is_told(memory: Memory) -> None:
    """For whoever only knows that something is wrong."""
    memory.add("hookbus.plugin.failed", {"phase": "task", "reason": "no"}, key="shop", time=3)
    memory.add("hookbus.job.failed", {"error": "no"}, key="shop.restock", time=4)
    memory.add(
        "hookbus.event.loop-cut", {"plugin": "shop", "event_type": "a.b", "depth": 9}, time=5
    )
    kinds = {cause.kind for cause in why_not(memory, None).causes}
    assert kinds == {"plugin", "job", "loop"}


def test_what_was_pruned_is_said(memory: Memory) -> None:
    """Nothing is claimed about times of which nothing is kept."""
    memory.connection.execute("UPDATE events SET time_ns = time_ns + ?", (60 * SECOND,))
    answer = why_not(memory, "shop.refused", until="1970-01-01T00:01:30")
    assert "nothing before 1970-01-01T00:01:01Z is kept" in answer.not_recorded


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:02", 2),
        ("1970-01-01T01:00:02+01:00", 2),
        ("30s", 70),
        ("1min", 40),
        ("0.5 m", 70),
    ],
)
def test_times_are_dates_or_spans_before_the_end(memory: Memory, text: str, seconds: int) -> None:
    """In a simulation the end is its last event."""
    memory.add("a.b", time=100)
    assert ask(memory.reader(), None, since=text).since_ns == seconds * SECOND


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        ("yesterday", None, "--since 'yesterday' is no time; write 2026-11-25T14:30, or 2h"),
        (None, "12:99", "--until '12:99' is no time"),
        ("1970-01-02", "1970-01-01", "--since 1970-01-02 is later than --until 1970-01-01"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    memory: Memory, since: str | None, until: str | None, told: str
) -> None:
    """With the option, the value, and how to write it."""
    with pytest.raises(Exception, match=told.replace("(", r"\(")):
        ask(memory.reader(), None, since=since, until=until)


def test_a_journal_without_a_run_says_so(tmp_path: Path) -> None:
    """There is nothing to ask about."""
    memory = Memory(tmp_path / "journal.db")
    with pytest.raises(Exception, match="the journal has no run"):
        ask(memory.reader(), None)
    memory.connection.close()
