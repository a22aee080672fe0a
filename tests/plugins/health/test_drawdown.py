"""The loss of the day: relative to the equity at its start, and forgotten at midnight UTC."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hookbus_health.drawdown import DAY, Drawdown
from hookbus_health.levels import Finding
from hookbus_health.settings import DrawdownSettings
from hypothesis import given
from hypothesis import strategies as st

HOUR = DAY // 24


def drawdown() -> Drawdown:
    """The rule with its default thresholds."""
    return Drawdown(DrawdownSettings().thresholds)


def play(*steps: tuple[int, str]) -> list[Finding]:
    """The findings over equities at some hours."""
    rule = drawdown()
    return [rule.update(Decimal(equity), hour * HOUR) for hour, equity in steps]


@pytest.mark.parametrize(
    ("equity", "level"),
    [
        ("1000", "healthy"),
        ("970", "healthy"),
        ("969.99", "degraded"),
        ("950", "degraded"),
        ("949.99", "critical"),
        ("1200", "healthy"),
        ("-5", "critical"),
    ],
)
def test_more_than_3_and_5_percent_are_too_much(equity: str, level: str) -> None:
    """A loss below -3 % is degraded, one below -5 % is critical; the limits themselves are not."""
    assert play((0, "1000"), (1, equity))[-1].level == level


def test_a_finding_has_its_figures() -> None:
    """Whoever reads it can check the sum."""
    finding = play((0, "1000"), (1, "940"))[-1]
    assert finding.reason == "the loss since 00:00 UTC is 6.00%, above 5.00%"
    assert finding.metrics == {
        "loss": pytest.approx(0.06),
        "equity": 940.0,
        "equity_at_start_of_day": 1000.0,
    }


def test_the_day_begins_with_the_last_equity_of_the_day_before() -> None:
    """A gap over night is a loss of the new day, not of the old one."""
    findings = play((0, "1000"), (23, "980"), (25, "950"))
    assert [one.level for one in findings] == ["healthy", "healthy", "degraded"]
    assert findings[-1].metrics["loss"] == pytest.approx(30 / 980)


def test_a_loss_is_forgotten_at_midnight() -> None:
    """The rule says when it must be looked at, and then the day begins at nothing lost."""
    rule = drawdown()
    rule.update(Decimal(1000), 5 * HOUR)
    assert rule.due_ns is None
    rule.update(Decimal(900), 6 * HOUR)
    assert rule.due_ns == DAY
    assert rule.look(DAY - 1) == []
    (finding,) = rule.look(DAY)
    assert (finding.level, finding.metrics["loss"]) == ("healthy", 0.0)
    assert finding.metrics["equity_at_start_of_day"] == 900.0


def test_days_of_small_losses_are_never_too_much() -> None:
    """It is a limit per day: 2 % on each of ten days is 18 %, and healthy."""
    equity, findings, rule = Decimal(1000), [], drawdown()
    for day in range(10):
        equity *= Decimal("0.98")
        findings.append(rule.update(equity, day * DAY + HOUR))
    assert {one.level for one in findings} == {"healthy"}


def test_an_account_without_equity_is_critical() -> None:
    """No fraction can be taken of nothing; it must not be a division by zero, nor healthy."""
    assert [one.level for one in play((0, "0"), (1, "0"))] == ["critical", "critical"]


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.decimals(1, 10_000, places=2)), min_size=1, max_size=40
    )
)
def test_the_formula(steps: list[tuple[int, Decimal]]) -> None:
    """The loss is one minus the equity over the last one before the day, or the first one."""
    rule, now = drawdown(), 0
    known: list[tuple[int, Decimal]] = []
    for hours, equity in steps:
        now += hours * HOUR
        before = [other for time, other in known if time // DAY < now // DAY]
        start = before[-1] if before else (known[0][1] if known else equity)
        known.append((now, equity))
        finding = rule.update(equity, now)
        assert finding.metrics["loss"] == pytest.approx(float(1 - equity / start))
