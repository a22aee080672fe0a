"""What a replay needs of the host: one feed in the place of all, instants that settle, times."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hookbus import Event, Plugin, PluginContext, Source, UsageError, hookimpl
from hookbus.clock import SimulatedClock, to_ns
from hookbus.loop import run
from hookbus.operational import SourceFinished
from hookbus.testing.hosts import HostFactory
from hookbus.times import parse_time
from hypothesis import given
from hypothesis import strategies as st


class Fed(Event, type="feeding.fed"):
    """What sources bring."""

    source: str


def feeding(plugin_name: str) -> type[Plugin]:
    """A plugin with a source of its own."""

    class Feeding(Plugin):
        name = plugin_name

        @hookimpl
        def hookbus_simulation_start(self) -> datetime:
            return datetime(2020, 1, 1, tzinfo=UTC)

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            self.bus = context.bus
            context.start_source(self.feed, "source")

        async def feed(self, _: Source) -> None:
            await self.bus.publish(Fed(source=self.name))

    return Feeding


@pytest.mark.parametrize(("feed", "fed"), [(None, ["a", "b"]), ("b", ["b"])])
def test_one_plugin_may_feed_in_the_place_of_all(
    host_factory: HostFactory, feed: str | None, fed: list[str]
) -> None:
    """Sources of the others are not started and not waited for, nor asked when they begin."""
    clock = SimulatedClock()
    host = host_factory(feeding("a"), feeding("b"), feed=feed, clock=clock)
    report = run(host.run(), clock)
    assert report.reason == "all sources have finished"
    assert [event.source for event in host.recorded.of(Fed)] == fed
    assert len(host.recorded.of(SourceFinished)) == len(fed)
    assert clock.now().year == (2020 if feed is None else 1970)


def test_an_instant_settles_before_time_goes_on() -> None:
    """Everything that is ready runs, at the same time of the clock; alone it takes no turn."""
    clock, seen = SimulatedClock(), []

    async def other() -> None:
        for number in range(5):
            await asyncio.sleep(0)
            seen.append(number)
        await clock.sleep(1)
        seen.append(99)

    async def main() -> None:
        await clock.settled()
        task = asyncio.ensure_future(other())
        await clock.settled()
        assert (seen, clock.now_ns()) == (list(range(5)), 0)
        await clock.settled()
        assert (seen[-1], clock.now_ns()) == (4, 0)
        await task
        assert clock.now_ns() == 1_000_000_000

    run(main(), clock)


NOW = to_ns(datetime(2026, 11, 25, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-25", datetime(2026, 11, 25, tzinfo=UTC)),
        ("2026-11-25T14:30", datetime(2026, 11, 25, 14, 30, tzinfo=UTC)),
        ("2026-11-25T14:30+02:00", datetime(2026, 11, 25, 12, 30, tzinfo=UTC)),
        (" 2026-11-25 14:30:01.000250Z ", datetime(2026, 11, 25, 14, 30, 1, 250, tzinfo=UTC)),
        ("90 s", datetime(2026, 11, 25, 11, 58, 30, tzinfo=UTC)),
        ("1.5h", datetime(2026, 11, 25, 10, 30, tzinfo=UTC)),
        ("2d", datetime(2026, 11, 23, 12, tzinfo=UTC)),
    ],
)
def test_times_are_dates_or_spans(text: str, expected: datetime) -> None:
    """In UTC unless they say otherwise; a span reaches back from now."""
    assert parse_time(text, NOW) == to_ns(expected)


@pytest.mark.parametrize("text", ["", "noon", "2h ago", "-2h", "2026-13-01", "1e3s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With what to write."""
    with pytest.raises(UsageError, match="is no time; write 2026-11-25T14:30, or 2h"):
        parse_time(text, NOW)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-720, 720))
def test_every_date_comes_back(moment: datetime, minutes: int) -> None:
    """To the microsecond, with any offset."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(aware.isoformat(), 0) == to_ns(aware)
