"""Answers: what plugins of a running host tell commands, and that none of it can harm the host."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hookbus import Plugin, PluginContext, Settings, UsageError, hookimpl
from hookbus.control.client import HostRefused, require
from hookbus.control.server import control
from hookbus.testing import HostFactory, RecordingHost
from pydantic import Field, SecretStr

pytestmark = pytest.mark.real_time


class OracleSettings(Settings):
    """The settings of the oracle."""

    key: SecretStr = Field(SecretStr("sesame-street"), description="a secret")


class Oracle(Plugin):
    """Answers, well and badly."""

    name = "oracle"
    Settings = OracleSettings

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Register."""
        self.context = context
        self.asked = asyncio.Event()
        for function in (self.add, self.where, self.refuse, self.leak, self.leave, self.nonsense):
            context.answer(function.__name__, function)
        context.answer("wait", self.wait)

    async def add(self, one: int, other: int = 1) -> dict[str, int]:
        """Answer on the loop."""
        return {"sum": one + other}

    def where(self) -> tuple[str, ...]:
        """Answer in a thread."""
        return (threading.current_thread().name,)

    def refuse(self) -> None:
        """Refuse politely."""
        raise UsageError("the oracle is not for sale for sesame-street")

    async def leak(self) -> None:
        """Fail with a secret."""
        raise ValueError("no door opens with sesame-street")

    async def leave(self) -> None:
        """Try to end the host."""
        sys.exit(7)

    async def nonsense(self) -> object:
        """Answer with what is no JSON."""
        return {"thread": threading.current_thread()}

    async def wait(self) -> None:
        """Never answer."""
        self.asked.set()
        await asyncio.Event().wait()


def oracle_of(host: RecordingHost) -> Oracle:
    """The plugin in a host."""
    oracle = host.records["oracle"].instance
    assert isinstance(oracle, Oracle)
    return oracle


async def ask(host: RecordingHost, request: str, **fields: Any) -> Any:
    """Ask as a command does, in a thread."""

    def in_thread() -> Any:
        with require(host.config.state_dir) as client:
            return client.ask(request, fields=fields)

    return await asyncio.to_thread(in_thread)


async def test_a_plugin_answers_with_the_result_of_its_function(host_factory: HostFactory) -> None:
    """Fields are arguments by name; a plain function does not hold up the loop."""
    async with host_factory(Oracle) as host, control(host):
        assert await ask(host, "oracle.add", one=2) == {"sum": 3}
        assert await ask(host, "oracle.add", one=2, other=5) == {"sum": 7}
        assert await ask(host, "oracle.where") == ["oracle.where"]


@pytest.mark.parametrize(
    ("request_name", "fields", "says", "code"),
    [
        ("add", {}, "missing a required argument: 'one'", 2),
        ("add", {"one": 1, "three": 3}, "unexpected keyword argument 'three'", 2),
        ("refuse", {}, r"^the oracle is not for sale for \*+$", 2),
        ("leak", {}, r"^oracle\.leak failed: ValueError: no door opens with \*+$", 1),
        ("leave", {}, "SystemExit: 7", 1),
        ("nonsense", {}, "TypeError: Object of type .* is not JSON serializable", 1),
        ("dance", {}, r"answers no 'oracle\.dance'; with .*, oracle\.add", 2),
    ],
)
async def test_what_goes_wrong_is_told_and_harms_nobody(
    host_factory: HostFactory, request_name: str, fields: dict[str, Any], says: str, code: int
) -> None:
    """Whatever a function raises or returns, the client gets a sentence and the host runs on."""
    async with host_factory(Oracle) as host, control(host):
        with pytest.raises(HostRefused, match=says) as caught:
            await ask(host, f"oracle.{request_name}", **fields)
        assert caught.value.exit_code == code
        assert await ask(host, "oracle.add", one=1) == {"sum": 2}


async def test_an_answer_ends_with_its_plugin(host_factory: HostFactory) -> None:
    """Who waits is told that the plugin ended, and from then on nobody answers for it."""
    async with host_factory(Oracle) as host, control(host):
        waiting = asyncio.create_task(ask(host, "oracle.wait"))
        await oracle_of(host).asked.wait()
        await host.supervisor.fail(host.records["oracle"], UsageError("enough"))
        with pytest.raises(HostRefused, match="'oracle' ended before it answered"):
            await waiting
        with pytest.raises(HostRefused, match=r"answers no 'oracle\.add'"):
            await ask(host, "oracle.add", one=1)


async def test_a_client_that_gives_up_leaves_the_host_alone(host_factory: HostFactory) -> None:
    """A host that ends while it answers cancels the answer, and leaves no task behind."""
    async with host_factory(Oracle) as host:
        async with control(host):
            waiting = asyncio.create_task(ask(host, "oracle.wait"))
            await oracle_of(host).asked.wait()
        with pytest.raises(Exception, match="the host ended before it answered"):
            await waiting
        assert host.ownership.tasks_of("oracle") == []


@pytest.mark.parametrize(
    ("name", "function", "says"),
    [
        ("add", print, "answers 'add' already"),
        ("Add it", print, "name = 'Add it' of a request must be"),
        ("new", 7, "7 is no function"),
    ],
)
async def test_requests_that_make_no_sense_are_refused(
    host_factory: HostFactory, name: str, function: Callable[..., Any], says: str
) -> None:
    """A mistake of the author is told where it is made."""
    async with host_factory(Oracle) as host:
        with pytest.raises(UsageError, match=says):
            oracle_of(host).context.answer(name, function)
