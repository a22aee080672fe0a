"""The risk rules, one by one: what they refuse, and with which numbers."""

from decimal import Decimal
from typing import Any

import pytest
from hookbus_paper.risk.daily import DailyLoss
from hookbus_paper.risk.guidance import Guidance
from hookbus_paper.risk.rules import Refusal, Situation, entry_refusal
from hookbus_paper.risk.settings import RiskSettings
from hookbus_paper.risk.sizing import Room, largest_order, size_entry
from hookbus_trading.control import OpportunitiesUpdated, PolicyUpdated
from hookbus_trading.fields import Stage
from pydantic import ValidationError

from tests.plugins.paper.makers import at, make_signal, make_update

DAY = 24 * 60


def situation(
    equity: str = "1000",
    day_start: str | None = "1000",
    other_positions: int = 0,
    policy: PolicyUpdated | None = None,
    ranked: str | None = None,
    stage: Stage = "live",
) -> Situation:
    """A portfolio that nothing speaks against."""
    daily, guidance = DailyLoss(), Guidance()
    if day_start is not None:
        daily.update(make_update(day_start), at(0))
        daily.update(make_update(equity), at(1))
    guidance.policy = policy
    if ranked is not None:
        scores = dict.fromkeys(ranked.split(), 0.0)
        guidance.ranking = OpportunitiesUpdated(symbols=tuple(scores), scores=scores)
    guidance.set_stage("test", stage)
    return Situation(daily, other_positions, guidance)


def policy(**fields: Any) -> PolicyUpdated:
    """A defensive policy."""
    return PolicyUpdated(mode="defensive", **fields)


@pytest.mark.parametrize(
    ("settings", "now", "rule", "reason"),
    [
        (
            {"symbols": ("X", "Y")},
            situation(),
            "symbols",
            "ABC is none of the allowed symbols X, Y",
        ),
        (
            {},
            situation(day_start=None),
            "portfolio_unknown",
            "no PortfolioUpdated has told the equity of main yet",
        ),
        ({}, situation("-12.5"), "equity", "equity is -12.5"),
        (
            {"maximum_open_positions": 2},
            situation(other_positions=2),
            "maximum_open_positions",
            "2 other symbols are held or on order, 2 are allowed",
        ),
        (
            {"daily_loss_limit": 0.05},
            situation("950"),
            "daily_loss_limit",
            "lost 50 today, 50 of 1,000 are allowed",
        ),
        (
            {},
            situation(stage="shadow"),
            "stage",
            "test is in the stage shadow; only what is live trades on main",
        ),
        (
            {},
            situation(policy=policy(allowed_strategies=("a", "b"))),
            "policy_strategies",
            "the policy (defensive) allows a, b",
        ),
        (
            {},
            situation(policy=policy(allowed_strategies=())),
            "policy_strategies",
            "the policy (defensive) allows no strategy",
        ),
        (
            {},
            situation(policy=policy(minimum_confidence=0.6)),
            "policy_confidence",
            "strength 0.5 is below the 0.6 of the policy (defensive)",
        ),
        (
            {},
            situation(policy=policy(maximum_positions=1), other_positions=1),
            "policy_positions",
            "1 other symbols are held or on order, 1 are allowed",
        ),
        (
            {"only_top": 1},
            situation(),
            "only_top",
            "only the top 1 may be opened, and nothing has been ranked yet",
        ),
        (
            {"only_top": 2},
            situation(ranked="X Y ABC"),
            "only_top",
            "ABC is ranked 3, and only the top 2 may be opened",
        ),
        (
            {"only_top": 2},
            situation(ranked="X Y"),
            "only_top",
            "ABC is not ranked, and only the top 2 may be opened",
        ),
    ],
)
def test_a_refusal_names_its_rule_and_the_numbers(
    settings: dict[str, Any], now: Situation, rule: str, reason: str
) -> None:
    """Each rule speaks for itself, in words and figures."""
    signal = make_signal("long", strength=0.5)
    assert entry_refusal(RiskSettings(**settings), signal, now) == Refusal(rule, reason)


@pytest.mark.parametrize(
    ("settings", "now"),
    [
        ({"symbols": ("ABC",)}, situation()),
        ({"maximum_open_positions": 2}, situation(other_positions=1)),
        ({"maximum_open_positions": None}, situation(other_positions=1000)),
        ({"daily_loss_limit": 0.05}, situation("950.01")),
        ({"daily_loss_limit": None}, situation("1")),
        ({}, situation(policy=policy(allowed_strategies=("test",), minimum_confidence=0.5))),
        ({"follow_policy": False}, situation(policy=policy(allowed_strategies=()))),
        ({"only_top": 2}, situation(ranked="X ABC Y")),
    ],
)
def test_what_is_within_the_limits_is_allowed(settings: dict[str, Any], now: Situation) -> None:
    """Just inside a limit, or without one, nothing is refused."""
    signal = make_signal("long", strength=0.5)
    assert entry_refusal(RiskSettings(**settings), signal, now) is None


def test_the_policy_is_about_the_book_that_counts() -> None:
    """A strategy in shadow shows what it can do, whatever the policy of the day."""
    now = situation(policy=policy(allowed_strategies=()), stage="shadow")
    signal = make_signal("long", book="shadow:test")
    assert entry_refusal(RiskSettings(), signal, now) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"kill_switch_loss": 0.02, "daily_loss_limit": 0.05},
            "kill_switch_loss 0.02 is below daily_loss_limit 0.05",
        ),
        (
            {"maximum_position": 0.5, "quantity_step": 1},
            "maximum_position 0.5 is below quantity_step 1",
        ),
        (
            {"fixed_quantity": 3, "maximum_position": 2},
            "fixed_quantity 3 is above maximum_position 2",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    """The mistake names both settings and their values."""
    with pytest.raises(ValidationError, match=message):
        RiskSettings(**settings)


def room(
    equity: int = 10_000, exposure: int = 0, on_side: int = 0, fraction: str | None = None
) -> Room:
    """What a new position is sized by."""
    part = None if fraction is None else Decimal(fraction)
    return Room(Decimal(equity), Decimal(exposure), Decimal(on_side), part)


@pytest.mark.parametrize(
    ("settings", "strength", "expected"),
    [
        ({}, 1, "100"),
        ({}, "0.5", "50"),
        ({"scale_by_strength": False}, "0.5", "100"),
        ({"fraction_per_trade": 1}, 1, "1000"),
        ({"quantity_step": 30}, 1, "90"),
        ({"fixed_quantity": 7, "quantity_step": 2}, "0.5", "6"),
    ],
)
def test_a_position_is_a_fraction_of_equity(
    settings: dict[str, Any], strength: Any, expected: str
) -> None:
    """Equity times fraction times strength, over the price, rounded down to the step."""
    sized = size_entry(RiskSettings(**settings), room(), Decimal(strength), Decimal(10))
    assert sized == (Decimal(expected), None)


@pytest.mark.parametrize(
    ("settings", "cut", "refusal"),
    [
        (
            {"maximum_position": 40},
            "40",
            Refusal("maximum_position", "quantity 100 is above 40"),
        ),
        (
            {"maximum_order_value": 999, "quantity_step": 10},
            "90",
            Refusal("maximum_order_value", "value 1,000 is above 999"),
        ),
        (
            {"maximum_position": 50, "maximum_order_value": 200},
            "20",
            Refusal("maximum_position", "quantity 100 is above 50"),
        ),
        (
            {"maximum_order_value": 50, "quantity_step": 10},
            "0",
            Refusal("maximum_order_value", "value 1,000 is above 50"),
        ),
    ],
)
def test_what_is_too_large_is_cut_or_reported_with_the_rule(
    settings: dict[str, Any], cut: str, refusal: Refusal
) -> None:
    """`oversize = "cut"` takes what every limit allows; "reject" leaves the wanted size."""
    sizing = (room(), Decimal(1), Decimal(10))
    assert size_entry(RiskSettings(**settings), *sizing) == (Decimal(cut), refusal)
    rejecting = RiskSettings(oversize="reject", **settings)
    assert size_entry(rejecting, *sizing) == (Decimal(100), refusal)


@pytest.mark.parametrize(
    ("now", "cut", "refusal"),
    [
        (
            room(on_side=30),
            "10",
            Refusal("maximum_position", "quantity 100 beside 30 held is above 40"),
        ),
        (
            room(fraction="0.03"),
            "30",
            Refusal("maximum_position", "quantity 100 is above 40"),
        ),
        (
            room(exposure=9_900),
            "10",
            Refusal("maximum_position", "quantity 100 is above 40"),
        ),
        (room(exposure=10_001), "0", Refusal("maximum_position", "quantity 100 is above 40")),
    ],
)
def test_every_limit_on_the_size_cuts(now: Room, cut: str, refusal: Refusal) -> None:
    """What the book holds, the policy and the leverage each leave their own room."""
    settings = RiskSettings(maximum_position=Decimal(40))
    assert size_entry(settings, now, Decimal(1), Decimal(10)) == (Decimal(cut), refusal)


@pytest.mark.parametrize(
    ("now", "rule", "reason"),
    [
        (
            room(fraction="0.03"),
            "policy_risk_per_trade",
            "value 1,000 is above 300, 0.03 of the equity",
        ),
        (
            room(exposure=9_900),
            "maximum_leverage",
            "value 1,000 is above the 100 left of 10,000",
        ),
    ],
)
def test_a_cut_names_policy_and_leverage(now: Room, rule: str, reason: str) -> None:
    """With the numbers that decided."""
    assert size_entry(RiskSettings(), now, Decimal(1), Decimal(10))[1] == Refusal(rule, reason)


def test_what_buys_less_than_a_step_is_nothing() -> None:
    """A weak signal in an expensive instrument is refused by the smallest quantity."""
    settings = RiskSettings(quantity_step=1)
    assert size_entry(settings, room(1000), Decimal("0.1"), Decimal(500)) == (
        Decimal(0),
        Refusal("quantity_step", "10 at 500 buys less than 1"),
    )


def test_the_largest_order_is_never_worth_more_than_the_limit() -> None:
    """A third of a unit is rounded down, not to nearest."""
    settings = RiskSettings(maximum_order_value=1, quantity_step="0.01")
    assert largest_order(settings, Decimal("1.5")) == Decimal("0.66")
    assert largest_order(RiskSettings(), Decimal("1.5")) is None


def test_the_day_starts_with_the_last_equity_of_the_day_before() -> None:
    """A loss over night counts for the day on which it is seen."""
    daily = DailyLoss()
    daily.at(at(0))
    assert daily.day_start is None
    daily.update(make_update("1000"), at(5))
    daily.update(make_update("1100"), at(DAY - 1))
    assert daily.day_start == 1000
    daily.update(make_update("900"), at(DAY))
    assert (daily.day_start, daily.equity) == (1100, 900)


def test_the_day_also_turns_when_nothing_is_held() -> None:
    """A signal of a new day begins it, for a flat portfolio publishes nothing."""
    daily = DailyLoss()
    daily.update(make_update("1000"), at(0))
    daily.update(make_update("800"), at(1))
    daily.at(at(DAY))
    assert daily.day_start == 800


def test_a_late_update_does_not_turn_the_day_back() -> None:
    """An event of yesterday that comes today changes the equity and not the day."""
    daily = DailyLoss()
    daily.update(make_update("1000"), at(DAY))
    daily.update(make_update("900"), at(0))
    daily.update(make_update("950"), at(DAY + 1))
    assert daily.day_start == 1000
