"""The requests that a running host answers on its control socket."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from hookbus import __version__
from hookbus.bus.filters import FilterLike, make_filter, make_predicate
from hookbus.bus.voice import Bus
from hookbus.clock import SECOND, from_ns
from hookbus.containment.contained import FAILURES
from hookbus.control.descriptions import (
    describe_books,
    describe_entry,
    describe_handle,
    describe_plugin,
)
from hookbus.envelope import Origin
from hookbus.errors import EventDecodeError, UsageError, WouldBlock, error_text
from hookbus.events import Event
from hookbus.host import Host
from hookbus.plugins.plugin import PluginState
from hookbus.settings.mistakes import MistakesFound
from hookbus.settings.settings import Loose, build
from hookbus.times import parse_time

SOURCE = "control"
"""In whose name events from the command line are published."""

PATIENCE = 5.0
"""Seconds that an event waits for a lossless subscriber that is full."""

T = TypeVar("T")


class Tail:
    """A stream of events for one client, with a condition that cannot fail loudly.

    An event whose fields do not fit the condition does not match; the first such error becomes a
    notice to the client instead of an entry in the host's log for each event. So does what the
    journal keeps and no plugin can read any more.
    """

    def __init__(
        self,
        host: Host,
        pattern: str,
        where: str | None = None,
        history: int = 0,
        since: str | None = None,
    ) -> None:
        wanted: FilterLike = pattern
        if pattern in host.event_bus.registry:
            wanted = host.event_bus.registry.get(pattern)
        self._predicate = make_predicate(where, make_filter(wanted))
        self._notices: list[str] = []
        self._noticed = False
        self._unreadable = 0
        self._bus = Bus(host.event_bus, SOURCE)
        self.stream = self._bus.stream(
            wanted,
            where=None if where is None else self._accepts,
            history=history,
            since=None if since is None else from_ns(parse_time(since, host.clock.now_ns())),
            envelope=True,
        )

    def _accepts(self, event: Event) -> bool:
        if self._predicate is None:
            return True
        try:
            return bool(self._predicate(event))
        except FAILURES as error:
            if not self._noticed:
                self._noticed = True
                self._notices.append(f"--where does not fit some events: {error_text(error)}")
            return False

    def take_notices(self) -> list[str]:
        """What the client should be told, once."""
        notices, self._notices = self._notices, []
        unreadable = self.stream.unreadable
        if unreadable.total() > self._unreadable:
            self._unreadable = unreadable.total()
            types = ", ".join(f"{count:,} {name}" for name, count in sorted(unreadable.items()))
            notices.append(f"the journal has events that no plugin can read any more: {types}")
        return notices

    def close(self) -> None:
        """End the stream."""
        self.stream.close()


async def answer(host: Host, request: Mapping[str, Any]) -> Any:
    """Do what a request asks, and return the result: JSON-like data, or a `Tail` to follow.

    Raises `HookbusError` for what cannot be done.
    """
    name = request["request"]
    if not host.running and name not in _ALWAYS:
        raise UsageError("the host is starting or stopping; try again in a moment")
    if name in REQUESTS:
        return await REQUESTS[name](host, request)
    answers = {k: v for one in host.supervisor.contexts.values() for k, v in one.answers.items()}
    if name in answers:
        return await answers[name].give(_field(request, "fields", dict, {}))
    known = ", ".join([*sorted(REQUESTS), *sorted(answers)])
    raise UsageError(
        f"the host answers no {name!r}; with the plugins that it has started it answers {known}"
    )


def _field(request: Mapping[str, Any], name: str, kind: type[T], default: T | None = None) -> T:
    value = request.get(name, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError(f'the request {request["request"]} needs "{name}", a {kind.__name__}')
    return value


async def _status(host: Host, _: Mapping[str, Any]) -> dict[str, Any]:
    started = len(host.assembly.order) - len(host.failed)
    status: dict[str, Any] = {
        "name": host.config.host.name,
        "run": host.run_id,
        "pid": os.getpid(),
        "version": __version__,
        "running": _is_up(host),
        "plugins": max(0, started),
        "failed": list(host.failed),
    }
    if host.running:
        status["published"] = host.event_bus.sequence
        status["now"] = host.clock.now_ns() / SECOND
    return status


def _is_up(host: Host) -> bool:
    """Whether every plugin has been started, or has failed."""
    under_way = (PluginState.LOADED, PluginState.STARTING)
    return host.running and all(one.state not in under_way for one in host.assembly.order)


async def _plugins(host: Host, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [describe_plugin(host.records[name]) for name in sorted(host.records)]


async def _tail(host: Host, request: Mapping[str, Any]) -> Tail:
    history = _field(request, "history", int, 0)
    where = None if request.get("where") is None else _field(request, "where", str)
    since = None if request.get("since") is None else _field(request, "since", str)
    return Tail(host, _field(request, "pattern", str, "*"), where, max(0, history), since)


async def _emit(host: Host, request: Mapping[str, Any]) -> dict[str, Any]:
    cls = host.event_bus.registry.get(_field(request, "type", str))
    texts = {
        str(key): Loose(str(text), _parsed(str(text)))
        for key, text in _field(request, "texts", dict, {}).items()
    }
    event = _build(cls, {**_field(request, "data", dict, {}), **texts})
    return await _publish(host, event)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _build(cls: type[Event], data: Mapping[str, Any]) -> Event:
    try:
        return build(cls, data)
    except MistakesFound as found:
        told = [
            f"{'.'.join(map(str, mistake.place))}: {mistake.reason}. {mistake.mend}"
            for mistake in found.mistakes
        ]
    name = cls.__event__.name if cls.__event__ else cls.__name__
    error = EventDecodeError(f"this is no {name}: {' '.join(told)}")
    raise UsageError(str(error)) from error


async def _publish(host: Host, event: Event) -> dict[str, Any]:
    bus = host.event_bus
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (full := bus.gates.blocked(bus.route_for(type(event), SOURCE), event)) is not None:
        if asyncio.get_running_loop().time() > deadline:
            raise WouldBlock(f"a lossless subscriber to {full.filter} is full; try again later")
        await asyncio.sleep(0.02)
    # Nothing else is published until the event has its sequence, so this is it.
    sequence, route = bus.sequence + 1, bus.route_for(type(event), SOURCE)
    if route.committed is None:
        matched = Bus(bus, SOURCE).publish_nowait(event)
    else:
        matched = await bus.commits.publish(route, event, Origin(bus.run, SOURCE))
    return {"id": f"{bus.run}-{sequence}", "sequence": sequence, "matched": matched}


async def _jobs(host: Host, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [describe_handle(handle) for handle in host.scheduler.jobs]


async def _run_job(host: Host, request: Mapping[str, Any]) -> dict[str, Any]:
    return describe_entry(await host.scheduler.trigger_now(_field(request, "name", str)))


async def _ledger(host: Host, _: Mapping[str, Any]) -> dict[str, Any]:
    wrong = host.check_books()
    books = describe_books(host.event_bus.ledger.report())
    return {**books, "run": host.run_id, "accounted_for": not wrong, "discrepancies": wrong}


async def _stop(host: Host, request: Mapping[str, Any]) -> None:
    host.request_stop(_field(request, "reason", str, "asked to on the control socket"))


_ALWAYS = frozenset({"status", "plugins"})

REQUESTS: Mapping[str, Callable[[Host, Mapping[str, Any]], Awaitable[Any]]] = {
    "status": _status,
    "plugins": _plugins,
    "events.tail": _tail,
    "events.emit": _emit,
    "jobs.list": _jobs,
    "jobs.run": _run_job,
    "ledger": _ledger,
    "stop": _stop,
}
"""What may be asked for, by name; plugins answer more with `PluginContext.answer`."""
