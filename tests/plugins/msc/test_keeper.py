"""State that survives: written whole, read with care, and never a way to a looser policy."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hookbus import SystemClock
from hookbus_msc.controller import Controller
from hookbus_msc.events import PolicyPinned
from hookbus_msc.keeper import Keeper
from hookbus_msc.settings import MscSettings
from hookbus_msc.statefile import StateFile, UnusableState

from tests.plugins.msc.makers import START, make_bar, make_health, make_portfolio, make_trade, ns


class Log:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def _keep(self, text: str, **fields: Any) -> None:
        self.lines.append((text, fields))

    info = warning = error = _keep


def busy() -> Controller:
    """A controller that has something to say in every field of its state."""
    settings = MscSettings.model_validate(
        {
            "volatility": {"short_window": 1, "long_window": 2, "minimum_bars": 1},
            "gating": {"strategies": ["cross"], "trades": 2, "minimum_trades": 1},
        }
    )
    controller = Controller(settings)
    controller.begin(ns(START))
    controller.on_health(make_health("degraded", "feed"), ns(START))
    for hour, close in enumerate((100.0, 101.0, 103.0)):
        controller.on_bar(make_bar(hour, close), ns(START))
    for equity in ("1000.10", "899.99"):
        controller.on_portfolio(make_portfolio(equity), ns(START))
    controller.on_trade(make_trade(1, "-3.3"), ns(START))
    controller.on_pinned(PolicyPinned(mode="normal", reason="a test"), ns(START))
    return controller


def keeper_of(controller: Controller, path: Path) -> tuple[Keeper, Log]:
    """A keeper with a log that can be read."""
    log = Log()
    return Keeper(controller, StateFile(path), SystemClock(), log), log


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Every field of the state comes back as it was, money to the last digit."""
    file = StateFile(tmp_path / "state.json")
    assert file.read() is None
    state = busy().state(ns(START))
    assert None not in (state.pin, state.equity)
    assert state.trades
    assert state.health
    assert state.volatility.series
    assert state.strategies["cross"].reason
    file.write(state, 1)
    assert file.read() == state
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_an_older_state_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    """A slow thread that comes late leaves the file alone."""
    file, controller = StateFile(tmp_path / "state.json"), busy()
    older = controller.state(ns(START))
    controller.on_unpinned(ns(START))
    newer = controller.state(ns(START))
    file.write(newer, 2)
    file.write(older, 1)
    assert file.read() == newer


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    """No beginning of a state file passes for a whole one."""
    file = StateFile(tmp_path / "state.json")
    file.write(busy().state(ns(START)), 1)
    whole = file.path.read_bytes()
    for length in range(len(whole)):
        file.path.write_bytes(whole[:length])
        with pytest.raises(UnusableState, match="cut off"):
            file.read()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 0}, "it has version 0, and this release reads 1"),
        ({"version": 2}, "it has version 2, and this release reads 1"),
        ({"mode": "reckless"}, "it is damaged at 'mode'"),
        ({"calm_seconds": -1}, "it is damaged at 'calm_seconds'"),
        ({"equity": {"peak": "NaN"}}, "it is damaged at 'equity.peak'"),
        ({"more": 1}, "it is damaged at 'more'"),
    ],
)
def test_a_state_that_cannot_be_used_is_put_aside_and_told(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """Another version, or a value that cannot be: the policy begins as defensive, and says why."""
    path = tmp_path / "state.json"
    data = json.loads(busy().state(ns(START)).model_dump_json())
    text = json.dumps(data | change)
    path.write_text(text)
    controller = Controller(MscSettings())
    keeper, log = keeper_of(controller, path)
    keeper.restore()
    assert not path.exists()
    kept = tmp_path / "state.json.broken"
    assert kept.read_text() == text
    ((message, fields),) = log.lines
    assert message == "state file cannot be used: the policy begins as defensive"
    assert words in fields["reason"]
    assert (fields["file"], fields["kept"]) == (str(path), str(kept))
    policy = controller.begin(ns(START))
    assert policy.mode == "defensive"
    assert words in policy.reasons[0]


def test_a_state_goes_on(tmp_path: Path) -> None:
    """The next run begins in the same mode, with the pin, and says so."""
    path = tmp_path / "state.json"
    before = busy()
    keeper_of(before, path)[0].save()
    after = Controller(MscSettings())
    keeper, log = keeper_of(after, path)
    keeper.restore()
    assert log.lines == [("state restored", {"file": str(path), "mode": "defensive"})]
    assert after.ratchet.level == before.ratchet.level == 2
    policy = after.begin(ns(START))
    assert (policy.mode, policy.pinned) == ("normal", True)
    assert "goes on as defensive after a restart" in policy.reasons
    assert any(reason.startswith("drawdown is 10.01%") for reason in policy.reasons)


def test_the_end_of_calm_is_written_at_once(tmp_path: Path) -> None:
    """Or a kill before the next writing would leave a dwell that has long been broken."""
    path = tmp_path / "state.json"
    controller = Controller(MscSettings())
    controller.begin(ns(START))
    keeper, _ = keeper_of(controller, path)
    controller.ratchet.observe(0, 0, ns(START))
    keeper.save()
    assert json.loads(path.read_text())["calm_observations"] == 1
    controller.ratchet.observe(0, 0, ns(START))
    keeper.follow()
    assert json.loads(path.read_text())["calm_observations"] == 1
    controller.ratchet.observe(1, 1, ns(START))
    keeper.follow()
    assert json.loads(path.read_text())["calm_observations"] == 0


def test_a_folder_that_cannot_be_written_is_told_once_and_counted(tmp_path: Path) -> None:
    """The controller goes on; the log has one line, the summary the number, until it works."""
    folder = tmp_path / "gone"
    keeper, log = keeper_of(busy(), folder / "state.json")
    keeper.save()
    keeper.save()
    assert [message for message, _ in log.lines] == ["state is not saved"]
    assert keeper.rows() == (("State not saved", "2 times"),)
    folder.mkdir()
    keeper.save()
    assert StateFile(folder / "state.json").read() is not None
    assert keeper.rows() == (("State not saved", "2 times"),)


@pytest.mark.real_time
async def test_it_is_written_now_and_then(tmp_path: Path, simulated_clock: object) -> None:
    """Without any change of mode the file follows all the same."""
    controller = busy()
    keeper, _ = keeper_of(controller, tmp_path / "state.json")
    task = asyncio.create_task(keeper.run(0.01))
    async with asyncio.timeout(10):
        while StateFile(tmp_path / "state.json").read() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    kept = StateFile(tmp_path / "state.json").read()
    assert kept is not None
    assert kept.equity == controller.state(ns(START)).equity
