"""The rules: what refuses a new position, and how large it may be."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from hookbus_paper.money import EXACT, affordable, floor_to_step, text_of
from hookbus_paper.risk.settings import RiskSettings

__all__ = [
    "DailyLoss",
    "Refusal",
    "Situation",
    "entry_refusal",
    "largest_order",
    "size_entry",
]


class Refusal(NamedTuple):
    """The rule that refuses an order, and why, with the numbers."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at: equity, equity at the start of the day, other symbols held.

    `day_start` is None until the portfolio has been heard of.
    """

    equity: Decimal
    day_start: Decimal | None
    other_positions: int


class DailyLoss:
    """Equity now and at the start of the UTC day: the last that was known before the day began.

    `day_start` is None until an equity is known.
    """

    def __init__(self) -> None:
        self.equity = Decimal(0)
        self.day_start: Decimal | None = None
        self._day: date | None = None

    def at(self, time: datetime) -> None:
        """Begin a new day if `time`, in UTC, is in one; earlier times change nothing."""
        day = time.date()
        if self._day is None or day > self._day:
            self._day = day
            if self.day_start is not None:
                self.day_start = self.equity

    def update(self, equity: Decimal, time: datetime) -> None:
        """Take the equity at a time."""
        self.at(time)
        self.equity = equity
        if self.day_start is None:
            self.day_start = equity


def entry_refusal(settings: RiskSettings, symbol: str, now: Situation) -> Refusal | None:
    """The first rule that forbids any new position in this symbol, None when none does."""
    if settings.symbols and symbol not in settings.symbols:
        allowed = ", ".join(settings.symbols)
        return Refusal("symbols", f"{symbol} is none of the allowed symbols {allowed}")
    if now.day_start is None:
        return Refusal("portfolio_unknown", "no PortfolioUpdated has told the equity yet")
    if now.equity <= 0:
        return Refusal("equity", f"equity is {text_of(now.equity)}")
    most = settings.maximum_open_positions
    if most is not None and now.other_positions >= most:
        reason = f"{now.other_positions} other symbols are held or on order, {most} are allowed"
        return Refusal("maximum_open_positions", reason)
    return _daily_loss(settings.daily_loss_limit, now.equity, now.day_start)


def _daily_loss(limit: Decimal | None, equity: Decimal, start: Decimal) -> Refusal | None:
    if limit is None:
        return None
    lost = EXACT.subtract(start, equity)
    allowed = EXACT.multiply(start, limit)
    if lost < allowed:
        return None
    reason = f"lost {text_of(lost)} today, {text_of(allowed)} of {text_of(start)} are allowed"
    return Refusal("daily_loss_limit", reason)


def size_entry(
    settings: RiskSettings, equity: Decimal, strength: Decimal, price: Decimal
) -> tuple[Decimal, Refusal | None]:
    """The quantity of a new position, a multiple of the step, and the rule that limited it.

    With `oversize = "reject"` the quantity may be above the limit that the rule names, and must not
    be ordered; otherwise it is within every limit, and zero when not even one step is.
    """
    value = EXACT.multiply(equity, settings.fraction_per_trade)
    if settings.scale_by_strength:
        value = EXACT.multiply(value, strength)
    step = settings.quantity_step
    quantity = affordable(value, price, step)
    if not quantity:
        reason = f"{text_of(value)} at {text_of(price)} buys less than {text_of(step)}"
        return quantity, Refusal("quantity_step", reason)
    limit = _exceeded(settings, quantity, price)
    if limit is None or settings.oversize == "reject":
        return quantity, limit
    return _cut(settings, quantity, price), limit


def _exceeded(settings: RiskSettings, quantity: Decimal, price: Decimal) -> Refusal | None:
    most = settings.maximum_position
    if most is not None and quantity > most:
        reason = f"quantity {text_of(quantity)} is above {text_of(most)}"
        return Refusal("maximum_position", reason)
    value = EXACT.multiply(quantity, price)
    limit = settings.maximum_order_value
    if limit is not None and value > limit:
        reason = f"value {text_of(value)} is above {text_of(limit)}"
        return Refusal("maximum_order_value", reason)
    return None


def _cut(settings: RiskSettings, quantity: Decimal, price: Decimal) -> Decimal:
    if settings.maximum_position is not None:
        most = floor_to_step(settings.maximum_position, settings.quantity_step)
        quantity = min(quantity, most)
    largest = largest_order(settings, price)
    return quantity if largest is None else min(quantity, largest)


def largest_order(settings: RiskSettings, price: Decimal) -> Decimal | None:
    """The largest multiple of the step that one order may have at this price, None: any."""
    limit = settings.maximum_order_value
    if limit is None:
        return None
    return affordable(limit, price, settings.quantity_step)
