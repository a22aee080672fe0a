"""What trading costs: commission, spread, slippage and market impact."""

from decimal import Decimal

from hookbus_trading.fields import Side

from hookbus_paper.execution.settings import ExecutionSettings
from hookbus_paper.money import EXACT, exact, round_amount, square_root, worse_price

__all__ = ["commission", "taker_price"]

_BASIS_POINT = Decimal("0.0001")
_TWO = Decimal(2)


def taker_price(
    settings: ExecutionSettings, quoted: Decimal, side: Side, quantity: Decimal, volume: float
) -> Decimal:
    """The price of a market or stop order where the bar quotes `quoted`; see `worse_price`.

    Half the spread and the slippage are in proportion to the price. The impact is theirs times the
    square root of the order's share of the bar's volume (Torre and Ferrari 1997; Almgren et al.
    2005, who find an exponent of 0.6). A bar without volume counts as if the order were all of it.
    """
    bps = EXACT.add(EXACT.divide(settings.spread_bps, _TWO), settings.slippage_bps)
    if settings.impact_bps:
        share = min(EXACT.divide(quantity, exact(volume)), Decimal(1)) if volume else Decimal(1)
        bps = EXACT.add(bps, EXACT.multiply(settings.impact_bps, square_root(share)))
    if not bps:
        return quoted
    worse = EXACT.add if side == "buy" else EXACT.subtract
    return worse_price(worse(quoted, _share(quoted, bps)), side)


def commission(settings: ExecutionSettings, quantity: Decimal, price: Decimal) -> Decimal:
    """The commission of one fill, rounded to eight decimals, without the minimum of an order."""
    value = EXACT.multiply(price, quantity)
    by_value = _share(value, settings.commission_bps)
    by_unit = EXACT.multiply(settings.commission_per_unit, quantity)
    return round_amount(EXACT.add(by_value, by_unit))


def _share(amount: Decimal, bps: Decimal) -> Decimal:
    return EXACT.multiply(amount, EXACT.multiply(bps, _BASIS_POINT))
