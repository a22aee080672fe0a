"""Exact arithmetic with money, and how amounts are rounded and written.

Sums and products are exact: sixty digits hold any product of two prices or quantities that a
market quotes. Only what has no finite decimal form, or is a convention, is rounded, each in one
place here.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

__all__ = [
    "EXACT",
    "affordable",
    "exact",
    "floor_to_step",
    "ratio",
    "round_amount",
    "share_of",
    "square_root",
    "text_of",
    "worse_price",
]

EXACT = Context(prec=60)
"""The context of every sum and product of money."""

_SHORT = Context(prec=12)
_UP = Context(prec=12, rounding=ROUND_CEILING)
_DOWN = Context(prec=12, rounding=ROUND_FLOOR)
_LONG = Context(prec=28)
_AMOUNT_STEP = Decimal("1e-8")


def exact(number: float) -> Decimal:
    """The decimal that a float is written as: 0.1 becomes 0.1, not its binary neighbour."""
    return Decimal(repr(number))


def worse_price(price: Decimal, side: str) -> Decimal:
    """A price rounded to twelve significant digits, up for who buys, down for who sells."""
    return (_UP if side == "buy" else _DOWN).plus(price)


def round_amount(amount: Decimal) -> Decimal:
    """An amount of money rounded to eight decimals, half to even."""
    return amount.quantize(_AMOUNT_STEP, context=EXACT)


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """`part` over `whole`, rounded to twelve significant digits, half to even."""
    return _SHORT.divide(part, whole)


def share_of(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`amount` times `part` over `whole`, rounded to 28 significant digits, half to even.

    The digits are few enough for the share and what is left of the amount to add up exactly.
    """
    return _LONG.divide(EXACT.multiply(amount, part), whole)


def square_root(number: Decimal) -> Decimal:
    """The square root, rounded to twelve significant digits, half to even."""
    return _SHORT.sqrt(number)


def floor_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `quantity`, which is not negative."""
    steps = EXACT.divide_int(quantity, step)
    return EXACT.multiply(steps, step)


def affordable(value: Decimal, price: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that at `price` is not worth more than `value`."""
    steps = EXACT.divide_int(value, EXACT.multiply(price, step))
    return EXACT.multiply(steps, step)


def text_of(number: Decimal) -> str:
    """A number for people: twelve significant digits at most, no exponent, no trailing zeros."""
    text = f"{_SHORT.plus(number):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
