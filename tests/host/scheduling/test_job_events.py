"""Jobs on events: single events, batch windows, shadow, and the event system switched off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.containment.ownership import current_plugin
from hookbus.envelope import Envelope
from hookbus.errors import ConfigurationError
from hookbus.events import Event
from hookbus.operational import HandlerFailed, JobCompleted, JobStarted
from hookbus.scheduler.jobs import Job, JobRun, JobSettings
from pydantic import Field

from tests.host.scheduling.world import Simulate, World


class Traded(Event, type="test.traded", key="symbol"):
    """A trade."""

    symbol: str = Field(description="what was traded")
    price: float = Field(1.0, description="at how much")


class Rebalanced(Event, type="test.rebalanced"):
    """What a job publishes."""


def trades(run: JobRun) -> list[tuple[str, float]]:
    """The trades that triggered a run."""
    return [(event.symbol, event.price) for event in run.events if isinstance(event, Traded)]


def test_an_event_runs_the_job_with_itself(simulate: Simulate) -> None:
    """Each matching event is a due run; others are not, and `where` narrows them down."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on="test.*", where="price > 2"))
        world.scheduler.start()
        for price in (1, 2, 3, 4):
            await world.bus.publish(Traded(symbol="A", price=price))
            await world.clock.sleep(1)
        assert [trades(run) for run in world.runs] == [[("A", 3)], [("A", 4)]]
        assert {run.kind for run in world.runs} == {"event"}
        assert world.ends() == {"ran": 2}

    simulate(scenario)


def test_a_batch_window_collects_and_keeps_the_latest_of_each_key(simulate: Simulate) -> None:
    """One run per window, due at its end; keys in order of first occurrence, latest wins."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on=Traded, batch_window=10, batch_key="symbol"))
        world.scheduler.start()
        for symbol, price in (("B", 1), ("A", 2), ("B", 3)):
            await world.bus.publish(Traded(symbol=symbol, price=price))
            await world.clock.sleep(3)
        await world.clock.sleep(11)
        await world.bus.publish(Traded(symbol="C"))
        await world.scheduler.settled()
        assert [trades(run) for run in world.runs] == [[("B", 3), ("A", 2)], [("C", 1)]]
        assert world.seconds == [10, 30]
        assert world.runs[0].kind == "batch"
        assert world.runs[0].due_ns == world.runs[0].fired_ns

    simulate(scenario)


def test_without_a_key_a_window_keeps_every_event(simulate: Simulate) -> None:
    """Events that look alike are not merged unless somebody asks for it."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on=Traded, batch_window=1))
        world.scheduler.start()
        for _ in range(3):
            await world.bus.publish(Traded(symbol="A"))
        await world.scheduler.settled()
        assert trades(world.runs[0]) == [("A", 1)] * 3

    simulate(scenario)


def test_a_full_window_closes_early(simulate: Simulate) -> None:
    """A window never holds more than its limit; the rest opens another one."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on=Traded, batch_window=60, batch_limit=3))
        world.scheduler.start()
        for number in range(4):
            await world.bus.publish(Traded(symbol=str(number)))
            await asyncio.sleep(0)
        await world.scheduler.settled()
        assert [len(run.events) for run in world.runs] == [3, 1]
        assert world.seconds == [0, 60]
        assert world.ends() == {"ran": 2}

    simulate(scenario)


def test_a_window_that_is_open_at_the_end_is_accounted_for(simulate: Simulate) -> None:
    """Stopping the plugin skips the run and says why."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on=Traded, batch_window=60))
        world.scheduler.start()
        await world.bus.publish(Traded(symbol="A"))
        assert world.scheduler.ledger.pending == 1
        await world.jobs.close()
        assert world.ends() == {"skipped": 1}
        assert world.reasons("skipped") == ["its plugin stopped"]
        await world.bus.publish(Traded(symbol="A"))
        assert world.ends() == {"skipped": 1}

    simulate(scenario)


def test_in_shadow_the_timer_runs_and_the_event_is_only_written_down(simulate: Simulate) -> None:
    """The ledger shows what the event trigger would have done, so that both can be compared."""

    async def scenario(world: World) -> None:
        job = Job("job", world.note, every=100, on=Traded, batch_window=10, trigger="shadow")
        world.jobs.add(job)
        world.scheduler.start()
        for symbol in ("A", "B"):
            await world.bus.publish(Traded(symbol=symbol))
        await world.clock.sleep(150)
        assert [run.kind for run in world.runs] == ["timer"]
        assert world.ends() == {"shadow": 1, "ran": 1}
        (entry,) = [one for one in world.scheduler.ledger.entries if one.end == "shadow"]
        assert (entry.kind, entry.events, entry.reason) == (
            "batch",
            2,
            "would have run for 2 events",
        )

    simulate(scenario)


@pytest.mark.parametrize(
    ("choice", "kinds"),
    [
        (None, ["timer"]),
        ("timer", ["timer"]),
        ("event", ["event"]),
        ("shadow", ["timer"]),
    ],
)
def test_a_setting_chooses_between_timer_and_event(
    simulate: Simulate, choice: Any, kinds: list[str]
) -> None:
    """A job with both triggers runs on the one that `[jobs]` names."""

    async def scenario(world: World) -> None:
        handle = world.jobs.add(Job("job", world.note, every=100, on=Traded))
        world.scheduler.start()
        await world.bus.publish(Traded(symbol="A"))
        await world.clock.sleep(150)
        assert [run.kind for run in world.runs] == kinds
        assert handle.mode == (choice or "timer")

    simulate(scenario, settings={"p.job": JobSettings(trigger=choice)})


def test_without_events_every_job_is_back_on_its_timer(simulate: Simulate) -> None:
    """`[events] enabled = false` undoes every choice of events; without a timer a job is off."""

    async def scenario(world: World) -> None:
        job = world.jobs.add(Job("job", world.note, every=100, on=Traded, trigger="event"))
        alone = world.jobs.add(Job("alone", world.note, on=Traded))
        world.scheduler.start()
        await world.bus.publish(Traded(symbol="A"))
        await world.clock.sleep(150)
        assert [run.kind for run in world.runs] == ["timer"]
        assert (job.mode, alone.mode) == ("timer", "disabled")
        assert "[events] enabled = false" in alone.reason
        assert world.ends("p.alone") == {"disabled": 1}
        assert alone.next_due is None

    simulate(scenario, events_enabled=False)


def test_a_choice_without_its_trigger_is_a_configuration_error(simulate: Simulate) -> None:
    """Choosing events for a job that has none names the key, the value and the mend."""

    async def scenario(world: World) -> None:
        with pytest.raises(ConfigurationError) as caught:
            world.jobs.add(Job("job", world.note, every=100))
        (problem,) = caught.value.problems
        assert problem.key == 'jobs."p.job".trigger'
        assert problem.value == "event"
        assert "it has no event trigger" in str(problem)

    simulate(scenario, settings={"p.job": JobSettings(trigger="event")})


def test_what_a_run_publishes_names_the_event_that_triggered_it(simulate: Simulate) -> None:
    """Causality reaches through the job, also when the run follows at the end of a window."""

    async def scenario(world: World) -> None:
        async def work() -> None:
            await world.bus.publish(Rebalanced())

        seen: list[Envelope] = []
        world.jobs.add(Job("single", work, on=Traded))
        world.jobs.add(Job("batch", work, on=Traded, batch_window=5))
        world.jobs.add(Job("timed", work, every=3))
        world.bus.subscribe(Rebalanced, seen.append, envelope=True, mode="inline")
        world.bus.subscribe((Traded, JobStarted), lambda _: None, mode="inline")
        world.scheduler.start()
        await world.bus.publish(Traded(symbol="A"))
        await world.clock.sleep(5.5)
        single, timed, batch = seen
        assert single.correlation_id == batch.correlation_id == "run-1"
        assert single.causation_id == batch.causation_id == "run-1"
        assert timed.causation_id is None

    simulate(scenario)


def test_a_run_may_settle_the_bus_although_a_handler_triggered_it(simulate: Simulate) -> None:
    """A run is not a part of the handler whose event triggered it."""

    async def scenario(world: World) -> None:
        async def handler(_: Traded) -> None:
            await world.bus.publish(Rebalanced())

        world.bus.subscribe(Traded, handler)
        world.jobs.add(Job("job", lambda: world.bus.settled(), on=Rebalanced))
        world.scheduler.start()
        await world.bus.publish(Traded(symbol="A"))
        await world.bus.settled()
        await world.scheduler.settled()
        assert world.ends() == {"ran": 1}

    simulate(scenario)


def test_what_a_run_starts_belongs_to_its_plugin(simulate: Simulate) -> None:
    """Tasks that a run starts are known as the plugin's, so that they end with it."""

    async def scenario(world: World) -> None:
        owners: list[str | None] = []
        world.jobs.add(Job("job", lambda: owners.append(current_plugin.get()), every=1))
        world.scheduler.start()
        await world.clock.sleep(1.5)
        assert owners == ["p"]
        assert current_plugin.get() is None

    simulate(scenario)


def test_a_job_on_everything_does_not_run_because_it_ran(simulate: Simulate) -> None:
    """Events about jobs trigger only jobs that ask for them, and never the job they are about."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on="*"))
        world.jobs.add(Job("shadow", world.note, on="*", every=9999, trigger="shadow"))
        world.jobs.add(Job("after", world.note, on=(JobCompleted, "hookbus.job.failed")))
        world.scheduler.start()
        await world.bus.publish(Traded(symbol="A"))
        await world.clock.sleep(1)
        assert [run.job for run in world.runs] == ["p.job", "p.after"]
        assert world.ends("p.shadow") == {"shadow": 1}

    simulate(scenario)


def test_a_key_that_fails_costs_its_event_and_nothing_else(simulate: Simulate) -> None:
    """The failure is reported as that of the job's subscription; the window stays whole."""

    async def scenario(world: World) -> None:
        def key(event: Traded) -> str:
            if event.symbol == "bad":
                raise ValueError("no key")
            return event.symbol

        world.jobs.add(Job("job", world.note, on=Traded, batch_window=5, batch_key=key))
        world.scheduler.start()
        for symbol in ("bad", "A", "bad", "B"):
            await world.bus.publish(Traded(symbol=symbol))
        await world.scheduler.settled()
        assert trades(world.runs[0]) == [("A", 1), ("B", 1)]
        failed = [event for event in world.told if isinstance(event, HandlerFailed)]
        assert [(event.plugin, event.error) for event in failed] == [
            ("p", "ValueError: no key")
        ] * 2

    simulate(scenario)


def test_a_job_that_cannot_subscribe_is_disabled_and_the_others_start(simulate: Simulate) -> None:
    """A bus that is closed to one plugin does not keep the jobs of others from starting."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on=Traded))
        world.jobs.add(Job("timed", world.note, every=1))
        world.events.close()
        world.scheduler.start()
        await world.clock.sleep(1.5)
        assert world.ends() == {"disabled": 1}
        assert world.ends("p.timed") == {"ran": 1}
        assert world.failures[0][:2] == ("p", "job job")

    simulate(scenario)
