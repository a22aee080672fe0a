"""How large a new position may be."""

from dataclasses import dataclass
from decimal import Decimal

from hookbus_paper.money import EXACT, affordable, floor_to_step, text_of
from hookbus_paper.risk.rules import Refusal
from hookbus_paper.risk.settings import RiskSettings

__all__ = ["Room", "largest_order", "size_entry"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Room:
    """What a new position is sized by.

    `equity` and `exposure` are of the book, in the account currency, `exposure` with the orders on
    their way and without the position that is being left; `on_side` is what the book holds of the
    symbol on the same side; `fraction` the largest value of a position that the policy grants, as a
    fraction of equity, None where it grants any.
    """

    equity: Decimal
    exposure: Decimal
    on_side: Decimal
    fraction: Decimal | None


def size_entry(
    settings: RiskSettings, room: Room, strength: Decimal, price: Decimal
) -> tuple[Decimal, Refusal | None]:
    """The quantity of a new position, a multiple of the step, and the rule that limited it.

    With `oversize = "reject"` the quantity may be above the limit that the rule names, and must not
    be ordered; otherwise it is within every limit, and zero when not even one step is.
    """
    step = settings.quantity_step
    if settings.fixed_quantity is not None:
        quantity = floor_to_step(settings.fixed_quantity, step)
    else:
        value = EXACT.multiply(room.equity, settings.fraction_per_trade)
        if settings.scale_by_strength:
            value = EXACT.multiply(value, strength)
        quantity = affordable(value, price, step)
        if not quantity:
            reason = f"{text_of(value)} at {text_of(price)} buys less than {text_of(step)}"
            return quantity, Refusal("quantity_step", reason)
    return _within_limits(settings, room, quantity, price)


def _within_limits(
    settings: RiskSettings, room: Room, quantity: Decimal, price: Decimal
) -> tuple[Decimal, Refusal | None]:
    """The quantity cut to each limit in turn, and the first one that cut it."""
    first = None
    for most, refusal in _limits(settings, room, quantity, price):
        if quantity <= most:
            continue
        first = first or refusal
        if settings.oversize == "reject":
            return quantity, first
        quantity = most
    return quantity, first


def _limits(
    settings: RiskSettings, room: Room, wanted: Decimal, price: Decimal
) -> list[tuple[Decimal, Refusal]]:
    """The largest quantity by each limit, and what to say of it."""
    step = settings.quantity_step
    value = EXACT.multiply(wanted, price)
    found = []
    if settings.maximum_position is not None:
        most = floor_to_step(max(settings.maximum_position - room.on_side, _ZERO), step)
        held = f" beside {text_of(room.on_side)} held" if room.on_side else ""
        told = f"quantity {text_of(wanted)}{held} is above {text_of(settings.maximum_position)}"
        found.append((most, Refusal("maximum_position", told)))
    if settings.maximum_order_value is not None:
        told = f"value {text_of(value)} is above {text_of(settings.maximum_order_value)}"
        most = affordable(settings.maximum_order_value, price, step)
        found.append((most, Refusal("maximum_order_value", told)))
    if room.fraction is not None:
        allowed = EXACT.multiply(room.equity, room.fraction)
        told = f"value {text_of(value)} is above {text_of(allowed)}, {room.fraction} of the equity"
        found.append((affordable(allowed, price, step), Refusal("policy_risk_per_trade", told)))
    if settings.maximum_leverage is not None:
        allowed = EXACT.multiply(room.equity, settings.maximum_leverage)
        left = max(EXACT.subtract(allowed, room.exposure), _ZERO)
        told = f"value {text_of(value)} is above the {text_of(left)} left of {text_of(allowed)}"
        found.append((affordable(left, price, step), Refusal("maximum_leverage", told)))
    return found


def largest_order(settings: RiskSettings, price: Decimal) -> Decimal | None:
    """The largest multiple of the step that one order may have at this price, None: any."""
    limit = settings.maximum_order_value
    if limit is None:
        return None
    return affordable(limit, price, settings.quantity_step)
