"""Signs of life: on a real socket and in a real file, for as long as the loop runs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hookbus.testing import HostFactory
from hookbus_health.board import Board
from hookbus_health.levels import Finding
from hookbus_health.status import Damping
from hookbus_health.systemd import Notifier, watchdog_seconds
from hookbus_health.watchdog import Watchdog

from tests.plugins.health.makers import make_host

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def standing() -> Board:
    """A board with a component that is not well."""
    board = Board()
    board.report(Finding("a", "degraded", "two\nlines", {}), Damping(), 0)
    return board


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket in the place of systemd's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.setblocking(False)
        yield one


def heard(listener: socket.socket) -> list[str]:
    """The datagrams that have come."""
    found = []
    try:
        while True:
            found.append(listener.recv(4096).decode())
    except BlockingIOError:
        return found


def notifier(listener: socket.socket) -> Notifier:
    """A notifier for the listener, as the environment names it."""
    found = Notifier.from_environment({"NOTIFY_SOCKET": listener.getsockname()})
    assert found is not None
    return found


def test_systemd_hears_what_sd_notify_says(listener: socket.socket, tmp_path: Path) -> None:
    """READY, signs of life with the status in one line, and STOPPING, in that form."""
    watchdog = Watchdog(tmp_path / "sign.json", 5.0, notifier(listener))
    trouble = [watchdog.ready(), watchdog.beat(standing(), NOW), watchdog.stopping()]
    trouble.append(watchdog.stop(standing(), NOW))
    assert trouble == [""] * 4
    assert heard(listener) == [
        "READY=1",
        "WATCHDOG=1\nSTATUS=degraded: a: two lines",
        "STOPPING=1",
    ]


def test_an_abstract_socket_is_reached_too() -> None:
    """systemd writes its name with an @ where the address has a zero byte."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        name = f"hookbus-health-{os.getpid()}"
        one.bind(f"\0{name}")
        found = Notifier.from_environment({"NOTIFY_SOCKET": f"@{name}"})
        assert found is not None
        found.tell(READY=1)
        found.close()
        assert one.recv(100) == b"READY=1"


def test_without_systemd_nobody_is_told() -> None:
    """Started by hand, the variable is not there."""
    assert Notifier.from_environment({}) is None
    assert Notifier.from_environment({"NOTIFY_SOCKET": ""}) is None


def test_trouble_is_told_in_words(tmp_path: Path) -> None:
    """A socket that nobody holds and a folder that is not there are both told, not raised."""
    found = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    watchdog = Watchdog(tmp_path / "missing" / "sign.json", 5.0, found)
    trouble = watchdog.beat(standing(), NOW)
    assert trouble.count("No such file or directory") == 2
    assert "missing" in trouble
    watchdog.stop(standing(), NOW)


def test_a_reader_that_does_not_read_holds_nobody_up(
    listener: socket.socket, tmp_path: Path
) -> None:
    """The socket's buffer fills, and then the sign is lost, but the loop goes on."""
    watchdog = Watchdog(tmp_path / "sign.json", 5.0, notifier(listener))
    troubles = {watchdog.ready() for _ in range(1000)}
    assert any("temporarily unavailable" in trouble for trouble in troubles)
    watchdog.stop(standing(), NOW)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "7"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_interval_that_systemd_wants(environment: dict[str, str], expected: float) -> None:
    """What is meant for another process, or is no number, does not count."""
    assert watchdog_seconds(environment, pid=7) == expected


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    """Whoever holds the old file goes on reading it, and no other file is left behind."""
    path = tmp_path / "sign.json"
    watchdog = Watchdog(path, 5.0, None)
    watchdog.beat(standing(), NOW)
    with path.open() as old:
        watchdog.beat(standing(), NOW + timedelta(seconds=5))
        assert json.load(old)["time"] == "2024-01-01T00:00:00Z"
    sign = json.loads(path.read_text())
    assert sign == {
        "status": "degraded",
        "reason": "a: two\nlines",
        "changes": 1,
        "time": "2024-01-01T00:00:05Z",
        "interval": 5.0,
        "pid": os.getpid(),
        "state": "running",
        "components": {"a": {"status": "degraded", "reason": "two\nlines", "changes": 1}},
    }
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.real_time
async def test_a_host_tells_systemd_its_whole_life(
    host_factory: HostFactory,
    listener: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """READY, signs of life twice as often as it wants them, and STOPPING at the end."""
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    async with make_host(host_factory, watchdog={"interval": 60.0, "file": "sign.json"}):
        await asyncio.sleep(0.9)
    told = [line.partition("\n")[0] for line in heard(listener)]
    assert told.index("READY=1") <= 1
    assert told.index("STOPPING=1") >= len(told) - 2
    assert 3 <= told.count("WATCHDOG=1") <= 5
    sign = read(tmp_path / "sign.json")
    assert (sign["state"], sign["interval"]) == ("stopped", 0.2)


def read(path: Path) -> dict[str, object]:
    """What a watchdog's file says."""
    sign: dict[str, object] = json.loads(path.read_text())
    return sign


@pytest.mark.real_time
async def test_without_the_watchdog_there_is_no_sign(
    host_factory: HostFactory,
    listener: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Switched off it tells systemd nothing either; without `systemd` it writes the file alone."""
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())
    async with make_host(host_factory, watchdog={"enabled": False, "file": "sign.json"}):
        await asyncio.sleep(0.05)
    assert (heard(listener), (tmp_path / "sign.json").exists()) == ([], False)
    async with make_host(host_factory, watchdog={"systemd": False, "file": "sign.json"}):
        await asyncio.sleep(0.05)
    assert (heard(listener), (tmp_path / "sign.json").exists()) == ([], True)
