"""What must not be taken for a cause, and what must: journals made by hand, one case each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event, Stops
from hookbus_journal.why.answer import Answer, explain
from hookbus_journal.why.conditions import held_back
from hookbus_journal.why.lookup import find_event
from hookbus_journal.why.question import ask
from hookbus_journal.why.story import tell_story

from tests.plugins.journal.asking import only
from tests.plugins.journal.memories import SECOND, Memory
from tests.plugins.journal.shop import EVENTS


class Blocked(Event, type="shop.blocked", key="door"):
    """A door is blocked until the host starts anew."""

    __stops__ = Stops(("shop.bought",), reason=("door",), until=("hookbus.host.started",))

    door: str


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """A journal with one sale of tea in it, after which questions begin."""
    made = Memory(tmp_path / "journal.db")
    made.declare(*EVENTS, Blocked)
    sell(made, "tea", time=1)
    yield made
    made.connection.close()


def wish(memory: Memory, item: str, time: float = 5) -> str:
    """Somebody wants something."""
    return memory.add("shop.wished", {"item": item}, key=item, source="street", time=time)


def sell(memory: Memory, item: str, time: float = 5) -> str:
    """A wish that comes true."""
    cause = wish(memory, item, time)
    memory.add("shop.bought", {"item": item}, key=item, source="shop", time=time, cause=cause)
    return cause


def why_not(
    memory: Memory, type_: str | None = "shop.bought", *, running: bool = True, **question: Any
) -> Answer:
    """Ask about everything after the first sale, of a host that still runs."""
    reader, asked = memory.reader(), {"since": "1970-01-01T00:00:02", **question}
    return explain(reader, ask(reader, type_, **asked), running=running)


def refuse(memory: Memory, item: str, key: str | None = None, time: float = 5) -> None:
    """A wish that does not come true."""
    data = {"item": item, "rule": "stock", "reason": "none left"}
    cause = wish(memory, item, time)
    memory.add("shop.refused", data, key=key or item, source="shop", time=time, cause=cause)


def test_the_refusals_of_other_keys_are_no_cause(memory: Memory) -> None:
    """Only those of the key, or with the key in one of their fields."""
    refuse(memory, "milk")
    refuse(memory, "soap", key="shelf-7")
    assert why_not(memory, key="tea").causes == []
    assert [cause.kind for cause in why_not(memory, key="soap").causes] == ["refusal"]
    assert only(why_not(memory), "refusal").count == 2


def test_what_ends_without_a_key_ends_for_every_key(memory: Memory) -> None:
    """As a new run ends all that an earlier one had stopped."""
    memory.add("shop.blocked", {"door": "left"}, key="left", time=3)
    memory.add("hookbus.host.started", {"plugins": ["shop"], "failed": []}, time=4)
    memory.add("shop.blocked", {"door": "right"}, key="right", time=5)
    held = [
        cause.why
        for cause in why_not(
            memory, since="1970-01-01T00:00:06", until="1970-01-01T00:00:09"
        ).causes
        if cause.kind == "in force"
    ]
    assert held == ["right"]


def test_a_breaker_that_had_closed_before_is_no_cause(memory: Memory) -> None:
    """One that closed later is."""
    data = {"subscription": "wishes", "plugin": "shop", "failures": 3, "reset_after": 1}
    memory.add("hookbus.breaker.opened", data, key="wishes", time=3)
    memory.add("hookbus.breaker.closed", data, key="wishes", time=5)
    wish(memory, "tea", time=9)
    assert only(why_not(memory, since="1970-01-01T00:00:04"), "breaker").certainty == "likely"
    assert why_not(memory, since="1970-01-01T00:00:06").causes == []


def test_the_books_count_only_from_the_beginning_of_the_range(memory: Memory) -> None:
    """The difference of two entries; what had been lost before is no cause."""
    for time, count in ((1.5, 5), (4, 5), (6, 8)):
        memory.account(time, filter_text="shop.wished", coalesced=count)
    wish(memory, "tea", time=9)
    assert why_not(memory, until="1970-01-01T00:00:04").causes == []
    assert only(why_not(memory), "throttle").count == 3


def test_the_books_of_subscriptions_to_something_else_do_not_count(memory: Memory) -> None:
    """What was lost there could not have led to it; a base class of the type could."""
    memory.account(4, filter_text="shop.opened", coalesced=5)
    wish(memory, "tea", time=9)
    assert why_not(memory).causes == []
    memory.account(4, name="all", filter_text="street.*, Event", coalesced=2)
    assert only(why_not(memory), "throttle").count == 2


def test_gaps_at_other_times_are_no_cause(memory: Memory) -> None:
    """Before the range everything may have been lost."""
    memory.connection.execute("INSERT INTO gaps VALUES (1, 23, 'full disk', ?)", (SECOND,))
    wish(memory, "tea")
    assert why_not(memory).causes == []


def test_what_usually_comes_with_it_did_not_come_instead(memory: Memory) -> None:
    """A receipt that every sale has says nothing of a sale that is missing."""
    for number, item in enumerate(("tea", "milk")):
        cause = sell(memory, item) if number == 0 else wish(memory, item)
        memory.add("shop.receipt", key=item, source="till", time=5, cause=cause)
    assert why_not(memory, key="milk").causes == []


def test_an_order_that_was_filled_by_a_later_bar_has_led_to_its_fill(memory: Memory) -> None:
    """They share the id of the order, whatever set the fill off."""
    for number in (1, 2):
        data = {"order_id": f"o-{number}"}
        memory.add("trading.order", data, key="BTC", source="risk", time=3)
        bar = memory.add("market.bar", key="BTC", source="market", time=4)
        if number == 1:
            memory.add("trading.fill", data, key="BTC", source="venue", time=4, cause=bar)
    looked = why_not(memory, "trading.fill").looked_at[0]
    assert looked == (
        "trading.fill: venue publishes it after trading.order; in the range "
        "2 trading.order: 1 led to it, 1 to nothing that is recorded (run-6)"
    )


def test_a_failure_that_was_made_good_is_no_cause(memory: Memory) -> None:
    """The next attempt led to the sale."""
    cause = wish(memory, "tea")
    data = {
        "subscription": "wishes",
        "plugin": "shop",
        "event_id": cause,
        "event_type": "shop.wished",
        "error": "OSError: busy",
        "will_retry": True,
    }
    memory.add("hookbus.handler.failed", data, cause=cause, time=5)
    assert only(why_not(memory), "retry").why == "OSError: busy"
    memory.add("shop.bought", {"item": "tea"}, key="tea", source="shop", time=6, cause=cause)
    assert why_not(memory).causes == []


def test_a_host_that_still_runs_is_not_missed(memory: Memory) -> None:
    """The newest run has no end yet; without the host, or with a later run, it was killed."""
    wish(memory, "tea")
    killed = only(why_not(memory, until="1970-01-01T01:00", running=False), "host")
    assert killed.why == "the run run broke off at 1970-01-01T00:00:05Z"
    assert why_not(memory, since="1970-01-01T00:30", until="1970-01-01T01:00").causes == []
    assert why_not(memory, until="1970-01-01T01:00").causes == []
    memory.run("second", start=1800)
    assert only(why_not(memory, until="1970-01-01T01:00"), "host").why.startswith(
        "the run run broke"
    )


def test_a_chain_that_leads_to_the_order_does_not_tell_it_twice(memory: Memory) -> None:
    """Where the order is the cause, it is no second origin."""
    data = {"order_id": "o-1"}
    order = memory.add("trading.order", data, key="BTC")
    fill = memory.add("trading.fill", data, key="BTC", cause=order)
    reader = memory.reader()
    story = tell_story(reader, find_event(reader, fill), None)
    assert len(story.chain.events) == 2
    assert story.origins == ()


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ("price < 10", ["run-4"]),
        ("amount > 5", ["run-3"]),
        ("amount == 3", None),
        ("item == 'tea'", []),
        ("item in ('milk', 'soap')", ["run-3", "run-4"]),
        ("order.side == 'buy'", ["run-4"]),
        ("tags[0] == 'a'", []),
        ("colour == 'red'", None),
        ("Shop.is_cheap()", None),
        ("price <", None),
    ],
)
def test_conditions_are_tried_on_fields_as_they_are_stored(
    memory: Memory, condition: str, held: list[str] | None
) -> None:
    """Decimals are stored as text; where that leaves two answers, or none, it cannot be told."""
    for price, amount, side in ((1.5, "3", "buy"), (20, "7.25", "sell")):
        data = {"price": price, "amount": amount, "item": "tea", "order": {"side": side}}
        memory.add("a.b", {**data, "tags": ["a"]}, time=3)
    events = list(memory.reader().events("position > 2 ORDER BY position"))
    found = held_back(condition, events)
    assert (None if found is None else [f"run-{one.sequence}" for one in found]) == held


def test_a_key_is_looked_for_among_all_events(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of other keys have come since."""
    monkeypatch.setattr("hookbus_journal.why.inquiry.MOST", 4)
    refuse(memory, "soap")
    for _ in range(9):
        refuse(memory, "milk")
    assert only(why_not(memory, key="soap"), "refusal").count == 1


def test_the_skipped_runs_of_a_job_are_one_cause(memory: Memory) -> None:
    """Each has a reason of its own, and the newest is told; one that was coalesced was made up."""
    memory.add("shop.restocked", source="shop", time=1)
    for second in (5, 6):
        data = {"outcome": "skipped", "reason": f"the run due at {second} was still on"}
        memory.add("hookbus.job.skipped", data, key="shop.restock", time=second)
    memory.add("hookbus.job.skipped", {"outcome": "coalesced"}, key="shop.restock", time=7)
    skipped, coalesced = why_not(memory, "shop.restocked").causes
    assert (skipped.certainty, skipped.count) == ("likely", 2)
    assert skipped.why == "the run due at 6 was still on"
    assert (coalesced.certainty, coalesced.what) == ("possible", "the job shop.restock: coalesced")
