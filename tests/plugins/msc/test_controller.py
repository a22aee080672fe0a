"""The controller: what is published, when, and why; and that a restart never loosens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hookbus import Event
from hookbus_msc.controller import Controller
from hookbus_msc.events import PolicyPinned
from hookbus_msc.levels import MODES
from hookbus_msc.settings import MscSettings
from hookbus_msc.state import State
from hookbus_trading.control import HealthStatusChanged, PolicyUpdated, TradeExecuted
from hookbus_trading.flow import Bar, PortfolioUpdated
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.msc.makers import (
    START,
    at,
    make_bar,
    make_health,
    make_portfolio,
    make_trade,
    ns,
    only,
)
from tests.plugins.msc.reference import decide

BUSY: dict[str, Any] = {
    "volatility": {
        "short_window": 2,
        "long_window": 5,
        "minimum_bars": 2,
        "normal": 1.2137,
        "defensive": 1.8319,
    },
    "hit_rate": {"trades": 8, "minimum_trades": 2, "z": 0.5},
    "relax": {"after_seconds": 7200, "after_observations": 3, "hysteresis": 0.2171},
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from([60, 1800, 3600, 86_400]),
        st.one_of(
            st.tuples(st.just("bar"), st.sampled_from([100.0, 101.0, 104.0, 130.0])),
            st.tuples(st.just("portfolio"), st.sampled_from([1000, 995, 960, 930, 880, 1100])),
            st.tuples(st.just("trade"), st.sampled_from([1, -1])),
            st.tuples(st.just("health"), st.sampled_from(["healthy", "degraded", "critical"])),
        ),
    ),
    max_size=40,
)


def events_of(steps: Sequence[tuple[int, tuple[str, Any]]]) -> list[Event]:
    """Events, each some seconds after the one before."""
    seconds, events = 0.0, []
    for number, (gap, (kind, value)) in enumerate(steps):
        seconds += gap
        hour = seconds / 3600
        made: dict[str, Event] = {"bar": make_bar(hour, value if kind == "bar" else 1.0)}
        if kind == "portfolio":
            made[kind] = make_portfolio(value, hour)
        elif kind == "trade":
            made[kind] = make_trade(number, value, exit_time=at(hour))
        elif kind == "health":
            made[kind] = make_health(value, time=at(hour))
        events.append(made[kind])
    return events


def time_of(event: Event) -> datetime:
    """The time of the market data, or the start for what has none."""
    time = event.exit_time if isinstance(event, TradeExecuted) else getattr(event, "time", None)
    return time or START


def give(controller: Controller, event: Event, later: float = 0.0) -> PolicyUpdated | None:
    """Hand an event over at its own time, or some seconds later."""
    now_ns = ns(time_of(event) + timedelta(seconds=later))
    if isinstance(event, Bar):
        return controller.on_bar(event, now_ns)
    if isinstance(event, PortfolioUpdated):
        return controller.on_portfolio(event, now_ns)
    if isinstance(event, TradeExecuted):
        return controller.on_trade(event, now_ns)
    assert isinstance(event, HealthStatusChanged)
    return controller.on_health(event, now_ns)


def begun(settings: MscSettings) -> Controller:
    """A controller that has issued its first policy."""
    controller = Controller(settings)
    controller.begin(ns(START))
    return controller


@given(STEPS)
def test_every_decision_is_that_of_the_reference(steps: list[tuple[int, tuple[str, Any]]]) -> None:
    """Whatever happens: the mode, and that a policy is issued exactly when it changes."""
    settings = MscSettings.model_validate(BUSY)
    controller, events = begun(settings), events_of(steps)
    timed = [(time_of(one), one) for one in events]
    before = 1
    for event, judged in zip(events, decide(settings, timed), strict=True):
        policy = give(controller, event)
        assert controller.ratchet.level == judged.level >= judged.demand
        assert (policy is not None) == (judged.level != before)
        if policy is not None:
            assert policy.mode == MODES[judged.level]
        before = judged.level


@given(STEPS, st.integers(0, 40), st.floats(0, 3000))
def test_a_restart_never_loosens(
    steps: list[tuple[int, tuple[str, Any]]], cut: int, gap: float
) -> None:
    """After a restart, and for whatever comes then, the mode is at least as defensive as without.

    Without a pause in between it is the same.
    """
    settings = MscSettings.model_validate(BUSY | {"health": {"confirm_within": 10**8}})
    events = events_of(steps)
    whole = begun(settings)
    for event in events[:cut]:
        give(whole, event)
    stopped = ns(at(0) + timedelta(seconds=sum(seconds for seconds, _ in steps[:cut])))
    kept = State.model_validate_json(whole.state(stopped).model_dump_json())
    paused, swift = Controller(settings), Controller(settings)
    paused.restore(kept, stopped + round(gap * 1e9))
    swift.restore(kept, stopped)
    for late in (paused, swift):
        assert level_of(late.begin(stopped)) >= whole.ratchet.level
    for event in events[cut:]:
        for one in (whole, swift):
            give(one, event)
        give(paused, event, later=gap)
        assert swift.ratchet.level == whole.ratchet.level
        assert paused.ratchet.level >= whole.ratchet.level


def test_what_was_unhealthy_before_a_restart_still_blocks() -> None:
    """Calm portfolios do not relax the mode while a critical component may still be so."""
    settings = only("drawdown", "health", health={"confirm_within": 10 * 3600})
    before = begun(settings)
    give(before, make_health("critical", "feed"))
    after = Controller(settings)
    after.restore(before.state(ns(START)), ns(START))
    after.begin(ns(START))
    policies = [give(after, make_portfolio(1000, hour)) for hour in range(13)]
    assert [one is None for one in policies] == [True] * 11 + [False, True]
    assert after.notes == [
        "feed was critical before the restart and counts no more: nothing was heard of it for "
        "36,000 s"
    ]


def level_of(policy: PolicyUpdated) -> int:
    """The level of a policy's mode."""
    return MODES.index(policy.mode)


def test_the_limits_are_those_of_the_mode() -> None:
    """Each figure of the table goes into the policy."""
    controller = begun(only("health"))
    policy = controller.on_health(make_health("critical"), ns(START))
    assert policy is not None
    limits = MscSettings().defensive
    assert policy.minimum_confidence == limits.minimum_confidence
    assert policy.maximum_risk_per_trade == limits.maximum_risk_per_trade
    assert policy.maximum_positions == limits.positions == 2
    assert policy.allowed_strategies is None
    assert policy.time == START


def test_reasons_and_figures_tell_what_decided() -> None:
    """Who was it, from which threshold on, and what every input stood at."""
    controller = begun(only("drawdown", "health"))
    give(controller, make_portfolio(1000))
    policy = give(controller, make_portfolio(890))
    assert policy is not None
    assert policy.reasons == (
        "tightened from normal to defensive",
        "drawdown is 11.00% of the peak 1,000.00 (normal from 5.00%, defensive from 10.00%)",
    )
    assert policy.metrics == {"drawdown": 0.11, "unhealthy_components": 0.0, "health_level": 0.0}


def test_relaxing_tells_what_every_input_stood_at() -> None:
    """The dwell, and a sentence for each input."""
    controller = begun(only("drawdown", "health"))
    for hour, equity in enumerate((1000, 890, 990, 990)):
        policy = give(controller, make_portfolio(equity, hour))
    assert policy is not None
    assert policy.reasons == (
        "relaxed from defensive to normal: every input allowed it for 1.0 h and 2 observations",
        "drawdown is 1.00% of the peak 1,000.00 (normal from 5.00%, defensive from 10.00%)",
        "health: no component is known to be unhealthy",
    )


def test_the_first_policy_comes_from_begin_only() -> None:
    """What happens while plugins still start is taken into account, and told once."""
    controller = Controller(only("health"))
    assert controller.on_health(make_health("critical"), ns(START)) is None
    policy = controller.begin(ns(START))
    assert policy.mode == "defensive"
    assert policy.reasons[0] == "tightened from normal to defensive"
    assert Controller(only("health")).begin(ns(START)).reasons == (
        "no earlier run is known: it begins as normal",
    )


def test_events_of_other_books_and_repeated_trades_do_not_count() -> None:
    """A shadow strategy may lose all it likes."""
    controller = begun(only("drawdown", "hit_rate"))
    give(controller, make_portfolio(1000))
    assert give(controller, make_portfolio(10, book="shadow:cross")) is None
    seen = controller.ratchet.seen
    for _ in range(30):
        assert give(controller, make_trade(1, -1)) is None
        assert give(controller, make_trade(2, -1, book="shadow:cross")) is None
    assert controller.hits.state() == (False,)
    assert controller.ratchet.seen == seen
    assert ("Trades ignored: repeated", "29") in controller.rows(ns(START))


def test_without_any_input_it_relaxes_to_aggressive() -> None:
    """All switched off by hand: nothing demands anything, and portfolios only pass time."""
    controller = begun(only())
    policies = [give(controller, make_portfolio(1000, hour)) for hour in range(4)]
    assert [one.mode for one in policies if one] == ["aggressive"]


def test_gating_takes_a_strategy_out_of_the_policy_and_lets_it_back() -> None:
    """The mode stays, the list changes, the reason names the strategy and the numbers."""
    gating = {"strategies": ["cross", "trend"], "minimum_trades": 3, "back_after": 3600}
    controller = begun(only("health", gating=gating))
    policies = [give(controller, make_trade(number, -1)) for number in range(3)]
    assert policies[:2] == [None, None]
    assert policies[2] is not None
    assert policies[2].allowed_strategies == ("trend",)
    assert policies[2].reasons[-1] == (
        "strategy cross is out until 2024-01-01 01:00 UTC: gained 0.00 and lost 3.00 in 3 trades, "
        "a profit factor of 0.00, which is below 0.6"
    )
    assert controller.alarm_ns == ns(at(1))
    assert controller.on_alarm(ns(at(0.9))) is None
    back = controller.on_alarm(ns(at(1)))
    assert back is not None
    assert back.allowed_strategies == ("cross", "trend")
    assert controller.alarm_ns is None


def test_a_pin_comes_first_and_the_ratchet_goes_on_beneath() -> None:
    """Pinned to aggressive it stays so whatever happens, and says what it would be."""
    controller = begun(only("health"))
    pin = PolicyPinned(mode="aggressive", reason="a test", by="eve", until=at(5))
    policy = controller.on_pinned(pin, ns(START))
    assert policy is not None
    assert (policy.mode, policy.pinned) == ("aggressive", True)
    assert policy.reasons[:2] == (
        "pinned to aggressive by eve until 2024-01-01 05:00:00 UTC: a test",
        "without the pin it would be normal",
    )
    assert controller.on_health(make_health("critical"), ns(at(1))) is None
    free = controller.on_unpinned(ns(at(2)))
    assert free is not None
    assert (free.mode, free.pinned) == ("defensive", False)
    assert controller.alarm_ns is None


def test_a_pin_ends_at_its_time() -> None:
    """On the alarm, or with the first bar that comes after it."""
    for by_bar in (False, True):
        controller = begun(only("volatility"))
        controller.on_pinned(PolicyPinned(mode="defensive", reason="x", until=at(5)), ns(START))
        assert controller.alarm_ns == ns(at(5))
        assert controller.on_bar(make_bar(4), ns(at(4))) is None
        late = ns(at(5))
        policy = controller.on_bar(make_bar(5), late) if by_bar else controller.on_alarm(late)
        assert policy is not None
        assert (policy.mode, policy.pinned) == ("normal", False)


def test_a_pin_that_came_too_late_is_told_and_ignored() -> None:
    """Its end has passed: it would never have been in force."""
    controller = begun(only("health"))
    pin = PolicyPinned(mode="defensive", reason="x", until=at(1))
    assert controller.on_pinned(pin, ns(at(2))) is None
    assert controller.notes == [
        "a pin to defensive came too late: it was to end at 2024-01-01 01:00:00+00:00"
    ]


def test_the_pin_of_the_settings_outlives_unpinning() -> None:
    """What the file fixes, only the file lets go of; a pin of the run comes first."""
    controller = Controller(only("health", pin={"mode": "defensive"}))
    assert controller.begin(ns(START)).pinned
    given = controller.on_pinned(PolicyPinned(mode="normal", reason="x"), ns(START))
    assert given is not None
    assert given.mode == "normal"
    back = controller.on_unpinned(ns(START))
    assert back is not None
    assert (back.mode, back.pinned) == ("defensive", True)
    assert controller.on_unpinned(ns(START)) is None
    assert controller.notes[-1] == (
        "still pinned to defensive by settings: pinned in the settings: change [plugins.msc.pin]"
    )


def test_the_summary_accounts_for_all_time() -> None:
    """Three hours normal, one defensive, and the reasons of the last change."""
    controller = begun(only("health"))
    controller.on_health(make_health("critical"), ns(at(3)))
    rows = controller.rows(ns(at(4)))
    assert rows[:5] == (
        ("Mode", "defensive"),
        ("Changes of mode", "1 tightened, 0 relaxed"),
        ("Time aggressive", "0 s (0.0%)"),
        ("Time normal", "3.0 h (75.0%)"),
        ("Time defensive", "1.0 h (25.0%)"),
    )
    assert rows[5][0] == "Reason of the last change"
