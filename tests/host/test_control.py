"""The control socket: what a running host answers, and that nobody can hold it up there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event, Job, Plugin, PluginContext, UsageError, hookimpl
from hookbus.control.client import HostRefused, NoRunningHost, connect, require
from hookbus.control.place import choose_socket, read_note
from hookbus.control.server import LONGEST_LINE, MOST_CLIENTS, ControlServer, control
from hookbus.testing import HostFactory, RecordingHost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.real_time


class Ticked(Event, type="control.ticked", key="symbol"):
    """An event of these tests."""

    symbol: str
    number: int = 0
    padding: str = ""


class Listener(Plugin):
    """Hears ticks."""

    name = "listener"

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare."""
        return (Ticked,)

    @hookimpl
    def hookbus_jobs(self) -> tuple[Job, ...]:
        """Declare."""
        return (Job("work", self.work, every=3600), Job("fail", self.fail, every=3600))

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        self.heard: list[Event] = []
        context.bus.subscribe(Ticked, self.heard.append, mode="inline")

    def work(self) -> None:
        """Do nothing, successfully."""

    def fail(self) -> None:
        """Fail."""
        raise ValueError("no luck today")


@asynccontextmanager
async def listening(host_factory: HostFactory) -> AsyncIterator[RecordingHost]:
    """A running host with a control socket."""
    async with host_factory(Listener) as host, control(host):
        yield host


def folder_of(host: RecordingHost) -> Path:
    """The state folder."""
    return host.config.state_dir


async def ask(host: RecordingHost, request: str, **arguments: Any) -> Any:
    """Ask as the command does, in a thread."""

    def in_thread() -> Any:
        with require(folder_of(host)) as client:
            return client.ask(request, **arguments)

    return await asyncio.to_thread(in_thread)


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

OPENED: list[Connection] = []


@pytest.fixture(autouse=True)
def hang_up(simulated_loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Close the connections of a test when it is over."""
    yield
    for _, writer in OPENED:
        writer.transport.abort()
    OPENED.clear()
    simulated_loop.run_until_complete(asyncio.sleep(0))


async def open_raw(host: RecordingHost) -> Connection:
    """A connection without the client."""
    note = read_note(folder_of(host))
    assert note is not None
    OPENED.append(await asyncio.open_unix_connection(str(note.socket), limit=1 << 24))
    return OPENED[-1]


async def say(connection: Connection, line: bytes) -> dict[str, Any]:
    """Send one line and read the answer."""
    reader, writer = connection
    writer.write(line + b"\n")
    answer: dict[str, Any] = json.loads(await reader.readline())
    return answer


async def test_status_plugins_jobs_and_books(host_factory: HostFactory) -> None:
    """A running host says what it is, has and did."""
    async with listening(host_factory) as host:
        status = await ask(host, "status")
        assert (status["pid"], status["running"], status["plugins"]) == (os.getpid(), True, 1)
        (plugin,) = await ask(host, "plugins")
        assert (plugin["name"], plugin["state"]) == ("listener", "started")
        jobs = await ask(host, "jobs.list")
        assert [job["name"] for job in jobs] == ["listener.fail", "listener.work"]
        books = await ask(host, "ledger")
        assert books["published"] == host.event_bus.sequence
        assert books["accounted_for"] is True


async def test_an_event_is_validated_and_published(host_factory: HostFactory) -> None:
    """Texts become what the field wants; the answer has the id and how many matched."""
    async with listening(host_factory) as host:
        texts = {"symbol": "007", "number": "7"}
        answer = await ask(host, "events.emit", type="control.ticked", texts=texts)
        (envelope,) = [one for one in host.recorded.envelopes if one.type == "control.ticked"]
        assert envelope.event == Ticked(symbol="007", number=7)
        assert answer["id"] == envelope.id
        assert answer["matched"] == 2
        assert envelope.source == "control"
        with pytest.raises(HostRefused, match="symbol: is missing") as caught:
            await ask(host, "events.emit", type="control.ticked", data={"number": 1})
        assert caught.value.exit_code == 2


async def test_a_job_is_run_and_its_end_told(host_factory: HostFactory) -> None:
    """A run that fails is told as such, and an unknown job is a usage error."""
    async with listening(host_factory) as host:
        assert (await ask(host, "jobs.run", name="listener.work"))["end"] == "ran"
        failed = await ask(host, "jobs.run", name="listener.fail")
        assert (failed["end"], failed["reason"]) == ("failed", "ValueError: no luck today")
        with pytest.raises(HostRefused, match=r"'listener\.work'"):
            await ask(host, "jobs.run", name="listener.wrok")


async def test_stop_ends_the_run(host_factory: HostFactory) -> None:
    """The host stops in order, with the reason that was given."""
    host = host_factory(Listener).load()
    async with control(host):
        running = asyncio.create_task(host.run())
        while not (await ask(host, "status"))["running"]:
            continue
        await ask(host, "stop", reason="enough")
        report = await running
    assert report.reason == "enough"
    assert connect(folder_of(host)) is None


async def test_a_tail_has_history_then_news_then_the_end(host_factory: HostFactory) -> None:
    """Past events, a condition over fields, new events in order, and a word when the host ends."""
    async with host_factory(Listener) as host:
        async with control(host):
            await host.bus.publish(Ticked(symbol="A", number=1))
            await host.bus.publish(Ticked(symbol="B", number=2))
            connection = await open_raw(host)
            request = {
                "request": "events.tail",
                "pattern": "control.*",
                "where": "symbol == 'A'",
                "history": 5,
            }
            assert (await say(connection, json.dumps(request).encode()))["ok"] is True
            await host.bus.publish(Ticked(symbol="A", number=3))
            messages = [json.loads(await connection[0].readline()) for _ in range(2)]
        messages.append(json.loads(await connection[0].readline()))
        assert [one["event"]["data"]["number"] for one in messages[:2]] == [1, 3]
        assert "end" in messages[2]


async def test_a_condition_that_does_not_fit_is_one_notice(host_factory: HostFactory) -> None:
    """Events without the field do not match; the client is told once, the host's log never."""
    async with listening(host_factory) as host:
        connection = await open_raw(host)
        await say(connection, b'{"request": "events.tail", "where": "number > 1"}')
        await ask(host, "jobs.run", name="listener.work")
        await host.bus.publish(Ticked(symbol="A", number=2))
        first = json.loads(await connection[0].readline())
        second = json.loads(await connection[0].readline())
        assert first["event"]["data"]["number"] == 2
        assert "--where" in second["notice"]


async def test_a_client_that_does_not_read_loses_events_and_holds_up_nobody(
    host_factory: HostFactory,
) -> None:
    """Publishing goes on at full speed; when the client reads again it is told what it lost."""
    async with listening(host_factory) as host:
        reader, writer = await open_raw(host)
        await say((reader, writer), b'{"request": "events.tail", "pattern": "control.*"}')
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        padding = "x" * 2000
        for number in range(5000):
            await host.bus.publish(Ticked(symbol="A", number=number, padding=padding))
        listener = host.records["listener"].instance
        assert isinstance(listener, Listener)
        assert len(listener.heard) == 5000
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        seen = lost = 0
        while seen + lost < 5000:
            message = json.loads(await reader.readline())
            lost += message.get("lagged", 0)
            seen += "event" in message
        assert lost > 0
        assert seen + lost == 5000
        writer.close()


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"request": "dance"}',
        b'{"request": ["status"]}',
        b'{"request": "events.emit"}',
        b'{"request": "events.emit", "type": 7}',
        b'{"request": "events.emit", "type": "control.ticked", "data": []}',
        b'{"request": "events.tail", "history": "many"}',
        b'{"request": "events.tail", "history": true}',
        b'{"request": "events.tail", "where": "number >"}',
        b'{"request": "jobs.run"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
async def test_malformed_requests_are_answered(host_factory: HostFactory, line: bytes) -> None:
    """They get a sentence, and the connection can be used on."""
    async with listening(host_factory) as host:
        connection = await open_raw(host)
        refused = await say(connection, line)
        assert refused["ok"] is False
        assert refused["error"]
        assert (await say(connection, b'{"request": "status"}'))["ok"] is True


LINES: list[bytes] = []


@settings(max_examples=200, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.one_of(
        st.binary(max_size=50),
        st.dictionaries(
            st.sampled_from(["request", "type", "data", "texts", "name", "reason"]),
            st.one_of(
                st.sampled_from(["status", "events.emit", "jobs.run", "control.ticked"]),
                st.integers(),
                st.text(max_size=5),
                st.dictionaries(st.text(max_size=8), st.text(max_size=3), max_size=2),
            ),
        ).map(lambda request: json.dumps(request).encode()),
    )
)
def _collect(line: bytes) -> None:
    LINES.append(line.replace(b"\n", b" ") or b" ")


async def test_whatever_is_sent_is_answered(host_factory: HostFactory) -> None:
    """Any JSON and any bytes in one line; the host goes on."""
    async with listening(host_factory) as host:
        connection = await open_raw(host)
        _collect()
        for line in LINES:
            assert "ok" in await say(connection, line)


async def test_a_request_that_never_ends_is_cut_off(host_factory: HostFactory) -> None:
    """No client can fill the host's memory."""
    async with listening(host_factory) as host:
        reader, writer = await open_raw(host)
        writer.write(b"x" * (2 * LONGEST_LINE + 10))
        assert json.loads(await reader.readline())["ok"] is False
        assert (await ask(host, "status"))["running"] is True


async def test_there_is_a_limit_to_clients(host_factory: HostFactory) -> None:
    """One too many is refused; when one leaves there is room again."""
    async with listening(host_factory) as host:
        status = b'{"request": "status"}'
        connections = [await open_raw(host) for _ in range(MOST_CLIENTS)]
        for connection in connections:
            assert (await say(connection, status))["ok"] is True
        with pytest.raises((HostRefused, NoRunningHost)):
            await ask(host, "status")
        connections[0][1].close()
        await connections[0][1].wait_closed()
        assert (await say(connections[1], status))["ok"] is True
        assert (await ask(host, "status"))["running"] is True


async def test_the_socket_is_private_and_goes_with_the_host(host_factory: HostFactory) -> None:
    """Mode 0600; nothing is left behind."""
    async with listening(host_factory) as host:
        path = folder_of(host) / "control.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((folder_of(host) / "control.json").stat().st_mode) == 0o600
    assert list(folder_of(host).glob("*control*")) == []


async def test_the_socket_of_a_killed_host_is_replaced(host_factory: HostFactory) -> None:
    """It is there, but nobody listens to it."""
    host = host_factory(Listener)
    folder_of(host).mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder_of(host) / "control.sock"))
    (folder_of(host) / "control.json").write_text("not even JSON")
    async with host, control(host):
        assert (await ask(host, "status"))["running"] is True


async def test_a_second_host_leaves_the_first_one_alone(host_factory: HostFactory) -> None:
    """The second one runs without a socket, and the first is still reached."""
    async with listening(host_factory) as first, host_factory(Listener) as second:
        server = ControlServer(second)
        with pytest.raises(UsageError, match=f"another host, process {os.getpid()}, runs"):
            await server.start()
        async with control(second):
            assert (await ask(first, "status"))["run"] == first.run_id
        assert (await ask(first, "status"))["run"] == first.run_id


async def test_a_deep_state_folder_gets_a_short_socket(host_factory: HostFactory) -> None:
    """The path of a socket has room for a hundred bytes; the note says where it is."""
    deep = "/".join(["deeper"] * 20)
    host = host_factory(Listener, config={"host": {"state": deep}})
    async with host, control(host):
        note = read_note(folder_of(host))
        assert note is not None
        assert len(str(note.socket)) < 100
        assert stat.S_IMODE(note.socket.parent.stat().st_mode) == 0o700
        assert (await ask(host, "status"))["running"] is True
    assert not note.socket.parent.exists()


async def test_a_host_that_cannot_listen_runs_all_the_same(host_factory: HostFactory) -> None:
    """A file stands where the state folder should be."""
    host = host_factory(Listener)
    folder_of(host).write_text("in the way")
    async with control(host), host:
        await host.bus.publish(Ticked(symbol="A"))
        assert host.running


async def test_requests_while_the_host_starts_are_refused(host_factory: HostFactory) -> None:
    """Only what needs no running host is answered."""
    host = host_factory(Listener).load()
    async with control(host):
        assert (await ask(host, "status"))["running"] is False
        with pytest.raises(HostRefused, match="starting or stopping"):
            await ask(host, "jobs.list")


def test_a_short_path_stays_in_the_state_folder(tmp_path: Path) -> None:
    """The usual case needs no folder elsewhere."""
    assert choose_socket(Path("/x")) == Path("/x/control.sock")
