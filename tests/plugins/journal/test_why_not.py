"""What is named as the cause is what did stop it: hosts are run, and each obstacle is known."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hookbus.testing import HostFactory, RecordingHost

from tests.plugins.journal.asking import ShopRun, later, only
from tests.plugins.journal.shop import Bought, Closed, Opened, Wished


@pytest.fixture
def shop(host_factory: HostFactory, tmp_path: Path) -> ShopRun:
    """A shop and its journal."""
    return ShopRun(host_factory, tmp_path)


async def test_a_refusal_is_named_with_its_rule_and_reason(shop: ShopRun) -> None:
    """What the event type declares is enough: no plugin is asked."""
    await shop(trick="refuse", wishes=2)
    answer = shop.why_not(key="trick")
    assert answer.recorded == []
    first = answer.causes[0]
    assert (first.kind, first.certainty, first.count) == ("refusal", "certain", 2)
    assert first.what == "shop.refused from shop: stock"
    assert first.why == "0 of 1 are left"
    assert len(first.evidence) == 2
    assert "2 shop.wished: 0 led to it, 2 to something else" in answer.looked_at[0]


async def test_a_halt_is_named_while_it_lasts(shop: ShopRun) -> None:
    """It is the most probable cause in it, and none after it was taken back."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Closed(notice="stocktaking"))
        await host.bus.publish(Wished(item="tea"))
        await later(host, 3600)
        await host.bus.publish(Opened())
        await later(host, 3600)
        await host.bus.publish(Wished(item="tea"))

    await shop(act)
    during = shop.why_not(key="tea", until="2024-01-01T01:59")
    assert (during.causes[0].kind, during.causes[0].certainty) == ("in force", "likely")
    assert during.causes[0].why == "stocktaking"
    assert "1 to nothing that is recorded" in during.looked_at[0]
    after = shop.why_not(key="tea", since="2024-01-01T02:30")
    assert [cause.kind for cause in after.causes] == []
    assert len(after.recorded) == 1


async def test_a_condition_is_tried_on_what_came(shop: ShopRun) -> None:
    """An expression of `where=` is named with the events that it kept out."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Wished(item="pearl", price=50))

    await shop(act, subscribe={"where": "price < 10"})
    cause = shop.why_not(key="pearl").causes[0]
    assert (cause.kind, cause.certainty) == ("condition", "certain")
    assert "price < 10" in cause.what
    assert cause.why == "it does not hold for 1 of the 1 that came"
    assert len(cause.evidence) == 1


async def test_a_condition_that_is_a_function_is_named_and_not_tried(shop: ShopRun) -> None:
    """The record does not have its code: that it filtered is possible, no more."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Wished(item="pearl", price=50))

    await shop(act, cheap=True)
    cause = only(shop.why_not(key="pearl"), "condition")
    assert cause.certainty == "possible"
    assert "is_cheap()" in cause.what


async def test_a_failing_handler_is_named_with_its_error(shop: ShopRun) -> None:
    """The events on which it failed are the evidence."""
    await shop(trick="fail")
    cause = shop.why_not(key="trick").causes[0]
    assert (cause.kind, cause.certainty) == ("dead letter", "certain")
    assert cause.what == "shop:wishes gave up on what should have led to it"
    assert "OSError: the till is stuck" in cause.why
    assert shop.why_not(key="tea").causes == []


async def test_an_open_breaker_is_named(shop: ShopRun) -> None:
    """With it, what was not handed to the handler any more."""
    await shop(trick="fail", wishes=3, breaker=True)
    answer = shop.why_not(key="trick")
    assert only(answer, "breaker").what == "the breaker of shop:wishes was open"
    assert only(answer, "breaker").certainty == "likely"
    letters = [cause for cause in answer.causes if cause.kind == "dead letter"]
    assert sorted(cause.count for cause in letters) == [1, 2]


async def test_a_lagging_subscription_is_named_with_what_it_missed(shop: ShopRun) -> None:
    """Its ring was too small for what came while it was busy."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Wished(item="trick"))
        await asyncio.sleep(1)
        for _ in range(9):
            await host.bus.publish(Wished(item="tea"))
        await asyncio.sleep(7300)

    await shop(act, trick="hang", subscribe={"capacity": 4})
    answer = shop.why_not(key="tea")
    cause = only(answer, "lag")
    assert (cause.certainty, cause.count) == ("likely", 5)
    assert cause.what == "shop:wishes fell behind"


async def test_a_throttle_is_named_by_the_books(shop: ShopRun) -> None:
    """All but the newest of a key were replaced before their turn."""

    async def act(host: RecordingHost) -> None:
        for _ in range(5):
            await host.bus.publish(Wished(item="tea"))
        await asyncio.sleep(120)

    await shop(act, subscribe={"throttle": 60.0})
    cause = only(shop.why_not(key="tea"), "throttle")
    assert cause.count == 4
    assert "shop:wishes" in cause.what


async def test_a_full_queue_is_named(shop: ShopRun) -> None:
    """The handler that met it failed, and the queue had warned."""
    await shop(trick="queue")
    answer = shop.why_not(key="trick")
    assert answer.causes[0].kind == "dead letter"
    assert "QueueFull" in answer.causes[0].why
    assert only(answer, "queue").what == "the queue of shop.orders was nearly full"


async def test_a_failed_plugin_is_named(shop: ShopRun) -> None:
    """One whose task has failed publishes nothing any more."""
    await shop(trick="crash", wishes=2)
    cause = only(shop.why_not(key="trick"), "plugin")
    assert cause.certainty == "certain"
    assert cause.what == "the plugin shop failed at task"
    assert "the roof came down" in cause.why


async def test_a_handler_that_was_left_behind_is_named(shop: ShopRun) -> None:
    """Its subscription is closed for good, also for a range that begins after that."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Wished(item="trick"))
        await asyncio.sleep(600)
        await host.bus.publish(Wished(item="tea"))

    await shop(act, trick="swallow", subscribe={"timeout": 1.0})
    cause = only(shop.why_not(key="tea", since="2024-01-01T01:09"), "abandoned")
    assert (cause.certainty, cause.what) == ("likely", "shop:wishes was closed")


async def test_a_chain_that_was_cut_is_named(shop: ShopRun) -> None:
    """The event itself was published once too often."""
    await shop(trick="answer", config={"host": {"max_depth": 5}})
    cause = only(shop.why_not("shop.wished", key="trick"), "loop")
    assert cause.certainty == "certain"
    assert "in a chain of 5 events" in cause.what


async def test_a_skipped_job_is_named_with_the_reason(shop: ShopRun) -> None:
    """A second run was due while the first one was on."""

    async def act(host: RecordingHost) -> None:
        for _ in range(2):
            await host.bus.publish(Opened())
            await asyncio.sleep(1)
        await asyncio.sleep(60)

    await shop(act)
    cause = only(shop.why_not("shop.restocked"), "job")
    assert cause.what == "the job shop.restock: skipped"
    assert cause.certainty == "likely"


async def test_a_disabled_job_is_named_for_all_that_comes_later(shop: ShopRun) -> None:
    """It was noted once, at the start, and holds for the whole run."""
    config = {"jobs": {"shop.restock": {"enabled": False}}}

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Opened())

    await shop(act, config=config)
    for type_ in ("shop.restocked", "hookbus.job.started"):
        cause = only(shop.why_not(type_), "job")
        assert cause.what == "the job shop.restock: disabled"
    assert (
        only(shop.why_not("hookbus.job.started", key="shop.restock"), "job").certainty == "certain"
    )


async def test_what_still_waits_is_told(shop: ShopRun) -> None:
    """The handler is busy with something else."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Wished(item="trick"))
        await host.bus.publish(Wished(item="tea"))
        await asyncio.sleep(1)

    await shop(act, trick="hang")
    answer = shop.why_not(key="tea")
    assert (
        only(answer, "closed").what == "2 events were left behind, as it was closed at shop:wishes"
    )


async def test_times_without_a_host_are_named(shop: ShopRun) -> None:
    """After the end of the run nothing can happen."""
    await shop()
    answer = shop.why_not(since="2024-01-02", until="2024-01-03")
    first = answer.causes[0]
    assert (first.kind, first.certainty) == ("host", "certain")
    assert first.what.startswith("no host was running from 2024-01-02T00:00:00Z")
    assert "ended at 2024-01-01T01:00:01Z" in first.why
    partly = only(shop.why_not(until="2024-01-03"), "host")
    assert partly.certainty == "possible"


async def test_what_came_about_instead_is_told(shop: ShopRun) -> None:
    """Also where no event type declares that it stops anything."""
    await shop(trick="praise")
    cause = only(shop.why_not(key="trick"), "instead")
    assert cause.what == "shop.praised came about instead, from shop"


async def test_what_did_happen_is_said_first(shop: ShopRun) -> None:
    """With its id; there is nothing to explain."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Wished(item="tea"))

    await shop(act)
    answer = shop.why_not(key="tea")
    assert len(answer.recorded) == 1
    assert answer.explains
    assert answer.causes == []


async def test_without_an_explanation_it_says_what_was_looked_at(shop: ShopRun) -> None:
    """A handler that decides in silence leaves nothing: that is no explanation."""
    await shop(trick="silence")
    answer = shop.why_not(key="trick")
    assert not answer.explains
    assert "1 shop.wished: 0 led to it, 1 to nothing that is recorded" in answer.looked_at[0]
    assert answer.not_recorded == [
        "what a handler decides without publishing anything leaves no trace"
    ]


async def test_a_type_that_never_was_is_told_with_the_nearest(shop: ShopRun) -> None:
    """A misspelling shows."""
    await shop()
    answer = shop.why_not("shop.bougth")
    assert answer.not_recorded[0].endswith("was ever recorded here; did you mean shop.bought?")


async def test_where_nothing_came_that_leads_to_it_the_search_goes_on_upstream(
    shop: ShopRun,
) -> None:
    """No sale, because there was no wish, because the source had ended."""
    await shop(wishes=0)
    answer = shop.why_not()
    assert answer.looked_at[0].endswith("in the range none")
    assert answer.looked_at[1].startswith("shop.wished: hookbus publishes it on its own")


Q: dict[str, Any] = {"key": "trick", "to": "shop:wishes"}


async def test_a_subscription_that_does_not_take_the_type_is_named(shop: ShopRun) -> None:
    """Its filter says so; one that does not exist is answered with those that do."""
    await shop()
    cause = shop.why_not("shop.opened", to="wishes").causes[0]
    assert (cause.kind, cause.certainty) == ("filter", "certain")
    assert cause.what == (
        "the filter of shop:wishes is shop.wished, which does not take shop.opened"
    )
    unknown = only(shop.why_not("shop.opened", to="whishes"), "filter")
    assert "shop:wishes" in unknown.why


async def test_what_became_of_an_event_at_a_subscription_is_told(shop: ShopRun) -> None:
    """The dead letter of that one, and not the troubles of others."""
    await shop(trick="fail")
    answer = shop.why_not("shop.wished", **Q)
    assert len(answer.recorded) == 1
    assert answer.causes[0].kind == "dead letter"
    assert shop.why_not("shop.wished", key="trick", to="shop:door").causes[0].kind == "filter"


async def test_an_event_that_reached_its_subscription_is_not_explained_away(shop: ShopRun) -> None:
    """Nothing lies in the books against it."""

    async def act(host: RecordingHost) -> None:
        await host.bus.publish(Bought(item="tea"))
        await host.bus.publish(Wished(item="tea"))

    await shop(act)
    assert not shop.why_not("shop.wished", key="tea", to="shop:wishes").explains


async def test_counts_that_do_not_cover_everything_say_so(
    shop: ShopRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With very many events only the newest are looked at; nobody is to take that for all."""
    monkeypatch.setattr("hookbus_journal.why.inquiry.MOST", 3)
    await shop(trick="refuse", wishes=5)
    answer = shop.why_not(key="trick")
    assert answer.causes[0].count == 3
    assert "looked at, and counted, of shop.refused, shop.wished" in answer.looked_at[-1]
