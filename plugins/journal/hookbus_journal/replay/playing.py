"""Playing: a recording is fed into a fresh host, on simulated time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from hookbus import Bus, Host, Plugin, PluginContext, SimulatedClock, Source, hookimpl
from hookbus.commands import run_host

from hookbus_journal.replay.feed import Feed
from hookbus_journal.replay.outputs import Collector
from hookbus_journal.replay.recording import Recording

NAME: Final = "replay"
"""The plugin that feeds the host in the place of all others."""


@dataclass(frozen=True, slots=True)
class Played:
    """How a replay went: real seconds, why it ended, and which plugins failed in it.

    `doubled` are plugins and types of what was fed, and published by the plugin itself as well.
    """

    run: str
    seconds: float
    reason: str
    failed: tuple[str, ...]
    feed: Feed
    doubled: tuple[tuple[str, str], ...]

    @property
    def complete(self) -> bool:
        """Whether there was something to feed, and all of it was fed."""
        return self.feed.finished and len(self.feed.fed) > 0

    @property
    def events_per_second(self) -> float:
        """Inputs that were fed in a real second."""
        return len(self.feed.fed) / self.seconds


def play(
    recording: Recording,
    make_host: Callable[[type[Plugin], SimulatedClock], Host],
    *,
    pace: float | None = None,
    collecting: Callable[[Feed], Collector] | None = None,
    silent: Iterable[str] = (),
    bar: bool = False,
) -> Played:
    """Feed a recording into the host that `make_host` makes with a plugin and a clock.

    The host must have that plugin as its only feed. `pace` is recorded seconds per real second,
    None as fast as possible; `silent` are plugins of the recorded run whose events are not fed,
    besides those that the host runs itself. `collecting` makes what takes the outputs.
    """
    clock = SimulatedClock(recording.start_ns(), pace)
    feed = Feed(clock)
    collector = None if collecting is None else collecting(feed)
    host: Host

    async def inputs(source: Source) -> None:
        contexts, records = host.supervisor.contexts, host.records
        running = [name for name in contexts if not records[name].failed]
        own = [name for name in running if not contexts[name].sources]
        wanted = recording.inputs([*own, *silent])
        registry, bus = host.event_bus.registry, host.event_bus
        await feed.run(source, wanted, registry, lambda name: Bus(bus, name), recording.end_ns())

    host = make_host(_plugin(inputs, collector), clock)
    began = time.perf_counter()
    report = run_host(host, bar=bar)
    seconds = time.perf_counter() - began
    self_made = set() if collector is None else collector.self_made
    doubled = tuple(sorted(feed.kinds & self_made))
    errors = [one.error for one in host.sources if one.error is not None]
    reason = errors[0] if errors else report.reason
    return Played(host.run_id, seconds, reason, report.failed_plugins, feed, doubled)


def _plugin(
    inputs: Callable[[Source], Awaitable[None]], collector: Collector | None
) -> type[Plugin]:
    class Replay(Plugin):
        """Feeds what was recorded, in the place of all sources."""

        name = NAME
        foundation = True

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Listen, and be the only source."""
            if collector is not None:
                context.bus.subscribe(
                    "*", collector.keep, name="outputs", mode="inline", envelope=True
                )
            context.start_source(inputs, "inputs")

    return Replay
