"""The rules that refuse a new position, each a plain function of the same arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from hookbus_trading.control import PolicyUpdated
from hookbus_trading.flow import TradingSignal

from hookbus_paper.books import MAIN
from hookbus_paper.money import EXACT, text_of
from hookbus_paper.risk.daily import DailyLoss
from hookbus_paper.risk.guidance import Guidance
from hookbus_paper.risk.settings import RiskSettings

__all__ = ["Refusal", "Situation", "entry_refusal", "policy_for"]


class Refusal(NamedTuple):
    """The rule that refuses an order, and why, with the numbers."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at: the book's equity, the other symbols it holds, what others say."""

    daily: DailyLoss
    other_positions: int
    guidance: Guidance


def policy_for(
    settings: RiskSettings, signal: TradingSignal, guidance: Guidance
) -> PolicyUpdated | None:
    """The policy that a signal has to keep to; None when there is none for its book."""
    return guidance.policy if settings.follow_policy and signal.book == MAIN else None


Rule = Callable[[RiskSettings, TradingSignal, Situation], str | None]


def entry_refusal(settings: RiskSettings, signal: TradingSignal, now: Situation) -> Refusal | None:
    """The first rule that forbids a new position, None when none does."""
    for name, rule in _RULES.items():
        reason = rule(settings, signal, now)
        if reason is not None:
            return Refusal(name, reason)
    return None


def _stage(_: RiskSettings, signal: TradingSignal, now: Situation) -> str | None:
    stage = now.guidance.stage(signal.strategy)
    if signal.book != MAIN or stage == "live":
        return None
    return f"{signal.strategy} is in the stage {stage}; only what is live trades on {MAIN}"


def _symbols(settings: RiskSettings, signal: TradingSignal, _: Situation) -> str | None:
    if not settings.symbols or signal.symbol in settings.symbols:
        return None
    return f"{signal.symbol} is none of the allowed symbols {', '.join(settings.symbols)}"


def _portfolio_unknown(_: RiskSettings, signal: TradingSignal, now: Situation) -> str | None:
    if now.daily.day_start is not None:
        return None
    return f"no PortfolioUpdated has told the equity of {signal.book} yet"


def _equity(_: RiskSettings, __: TradingSignal, now: Situation) -> str | None:
    return None if now.daily.equity > 0 else f"equity is {text_of(now.daily.equity)}"


def _open_positions(settings: RiskSettings, _: TradingSignal, now: Situation) -> str | None:
    return _too_many(now.other_positions, settings.maximum_open_positions)


def _daily_loss(settings: RiskSettings, _: TradingSignal, now: Situation) -> str | None:
    limit, start = settings.daily_loss_limit, now.daily.day_start
    if limit is None or start is None or not now.daily.reached(limit):
        return None
    allowed = text_of(EXACT.multiply(start, limit))
    return f"lost {text_of(now.daily.lost)} today, {allowed} of {text_of(start)} are allowed"


def _policy_strategies(settings: RiskSettings, signal: TradingSignal, now: Situation) -> str | None:
    policy = policy_for(settings, signal, now.guidance)
    allowed = None if policy is None else policy.allowed_strategies
    if policy is None or allowed is None or signal.strategy in allowed:
        return None
    return f"the policy ({policy.mode}) allows {', '.join(allowed) or 'no strategy'}"


def _policy_confidence(settings: RiskSettings, signal: TradingSignal, now: Situation) -> str | None:
    policy = policy_for(settings, signal, now.guidance)
    if policy is None or signal.strength >= policy.minimum_confidence:
        return None
    least = f"{policy.minimum_confidence:g}"
    return f"strength {signal.strength:.3g} is below the {least} of the policy ({policy.mode})"


def _policy_positions(settings: RiskSettings, signal: TradingSignal, now: Situation) -> str | None:
    policy = policy_for(settings, signal, now.guidance)
    return None if policy is None else _too_many(now.other_positions, policy.maximum_positions)


def _ranking(settings: RiskSettings, signal: TradingSignal, now: Situation) -> str | None:
    most = settings.only_top
    if most is None:
        return None
    if now.guidance.ranking is None:
        return f"only the top {most} may be opened, and nothing has been ranked yet"
    rank = now.guidance.rank(signal.symbol)
    if rank is not None and rank <= most:
        return None
    place = "not ranked" if rank is None else f"ranked {rank}"
    return f"{signal.symbol} is {place}, and only the top {most} may be opened"


def _too_many(others: int, most: int | None) -> str | None:
    if most is None or others < most:
        return None
    return f"{others} other symbols are held or on order, {most} are allowed"


_RULES: dict[str, Rule] = {
    "stage": _stage,
    "symbols": _symbols,
    "portfolio_unknown": _portfolio_unknown,
    "equity": _equity,
    "maximum_open_positions": _open_positions,
    "daily_loss_limit": _daily_loss,
    "policy_strategies": _policy_strategies,
    "policy_confidence": _policy_confidence,
    "policy_positions": _policy_positions,
    "only_top": _ranking,
}
