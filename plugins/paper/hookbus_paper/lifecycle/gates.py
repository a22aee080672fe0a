"""The gates: whether a track record is good enough to go up, or bad enough to go down."""

from hookbus_paper.lifecycle.record import TrackRecord
from hookbus_paper.lifecycle.settings import DemotionGate, PromotionGate

__all__ = ["demotion", "promotion"]


def promotion(gate: PromotionGate, record: TrackRecord) -> str | None:
    """Why a strategy may go up, with every number; None when it may not yet."""
    conditions = (
        ("trades", record.trades, gate.minimum_trades),
        ("days", record.days, gate.minimum_days),
        ("return", record.profit / record.capital, gate.minimum_return),
        ("win rate", record.win_rate, gate.minimum_win_rate),
        ("profit factor", record.profit_factor, gate.minimum_profit_factor),
        ("t-statistic", record.t_statistic, gate.minimum_t_statistic),
    )
    told = []
    for name, value, least in conditions:
        if least is None:
            continue
        if value < least:
            return None
        told.append(f"{name} {value:.4g} >= {least:g}")
    if gate.maximum_drawdown is not None:
        if record.drawdown > gate.maximum_drawdown:
            return None
        told.append(f"drawdown {record.drawdown:.2%} <= {gate.maximum_drawdown:.2%}")
    return ", ".join(told)


def demotion(gate: DemotionGate, record: TrackRecord) -> str | None:
    """Why a strategy must go down, with the numbers; None when it need not."""
    if gate.above_drawdown is not None and record.drawdown > gate.above_drawdown:
        return f"drawdown {record.drawdown:.2%} > {gate.above_drawdown:.2%}"
    if record.trades < gate.minimum_trades:
        return None
    conditions = (
        ("return", record.profit / record.capital, gate.below_return),
        ("win rate", record.win_rate, gate.below_win_rate),
        ("profit factor", record.profit_factor, gate.below_profit_factor),
    )
    for name, value, least in conditions:
        if least is not None and value < least:
            return f"{name} {value:.4g} < {least:g} after {record.trades} trades"
    return None
