"""State files: what is saved comes back, and what cannot be used is set aside and told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hookbus import Clock, Host, Plugin, PluginContext, StateFile, hookimpl
from hookbus.clock import SimulatedClock, SystemClock
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.testing import HostFactory
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def file_in(folder: Path, version: int = 1) -> StateFile:
    """A state file in a folder that need not exist."""
    return StateFile(folder / "deep" / "state.json", version, make_logger())


@given(st.dictionaries(st.text().filter(lambda key: key != "version"), JSON, max_size=4))
def test_what_was_saved_comes_back(tmp_path_factory: Any, data: dict[str, Any]) -> None:
    """Any JSON object survives, and leaves no other file behind."""
    folder = tmp_path_factory.mktemp("state")
    file_in(folder).save(data)
    assert file_in(folder).load() == data
    assert os.listdir(folder / "deep") == ["state.json"]


def test_nothing_was_saved_is_no_mistake(tmp_path: Path) -> None:
    """The first run finds nothing, and nothing is wrong."""
    file = file_in(tmp_path)
    assert (file.load(), file.unusable) == (None, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"version": 1, "hal', "Unterminated string"),
        (b"\xff\xfe", ""),
        (b"[1]", "it holds no object"),
        (b'{"a": 1}', "it has version None, and 1 is read here"),
        (b'{"version": 2}', "it has version 2, and 1 is read here"),
        (b"[" * 100_000, ""),
    ],
)
def test_what_cannot_be_used_is_set_aside_and_told(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """The file is kept under another name, the log and `unusable` say why, and saving works."""
    path = tmp_path / "deep" / "state.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with capture_logs() as logs:
        file = StateFile(path, 1, make_logger())
        assert file.load() is None
    assert file.unusable is not None
    assert reason in file.unusable
    assert path.with_name("state.json.broken").read_bytes() == content
    file.save({"a": 1})
    assert StateFile(path, 1, make_logger()).load() == {"a": 1}
    assert logs == [] or logs[0]["log_level"] == "error"


def test_a_disk_that_cannot_be_written_is_told_and_harms_nothing(tmp_path: Path) -> None:
    """The run goes on without its state."""
    (tmp_path / "deep").write_text("a file where the folder should be")
    file_in(tmp_path).save({"a": 1})
    assert (tmp_path / "deep").read_text() == "a file where the folder should be"


class Keeper(Plugin):
    """Counts its starts."""

    name = "keeper"

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Load, count and save."""
        file = context.state_file("starts", version=3)
        self.starts = (file.load() or {"starts": 0})["starts"] + 1
        file.save({"starts": self.starts})


@pytest.mark.parametrize(("clock", "starts"), [(SystemClock, [1, 2]), (SimulatedClock, [1, 1])])
def test_a_simulation_begins_anew_and_leaves_nothing_behind(
    tmp_path: Path, clock: type[Clock], starts: list[int]
) -> None:
    """What a plugin keeps between runs is there under the system's clock only."""
    found = []
    for _ in range(2):
        now = clock()
        config = {"host": {"state": str(tmp_path / "state")}}
        host = HostFactory(now, make_logger(), tmp_path)(Keeper, config=config)

        async def main(host: Host = host) -> None:
            async with host:
                keeper = host.records["keeper"].instance
                assert isinstance(keeper, Keeper)
                found.append(keeper.starts)

        run(main(), now)
    assert found == starts
    kept = tmp_path / "state" / "keeper" / "starts.json"
    assert kept.exists() == (clock is SystemClock)


KILLED = """
import sys
from pathlib import Path
from hookbus import StateFile
file = StateFile(Path(sys.argv[1]), 1, None)
for number in range(10**9):
    file.save({"number": number, "filling": "x" * (number % 5000)})
    print(number, flush=True)
"""


def test_a_kill_leaves_the_last_whole_state(tmp_path: Path) -> None:
    """Killed at any moment, the file is the last state that was saved, or the one after it."""
    path = tmp_path / "state.json"
    program = [sys.executable, "-c", KILLED, str(path)]
    for _ in range(3):
        process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        last = -1
        while last < 40:
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        saved = int(rest[-1]) if rest else last
        assert json.loads(path.read_text())["number"] in (saved, saved + 1)
