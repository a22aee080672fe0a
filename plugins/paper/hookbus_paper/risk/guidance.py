"""What others say about who may trade: policy, ranking, the stages of strategies, the halt."""

from hookbus_trading.control import OpportunitiesUpdated, PolicyUpdated
from hookbus_trading.fields import Stage

__all__ = ["Guidance"]


class Guidance:
    """The last word of each.

    `policy` and `ranking` are None until there was one; `halted` says why nothing may be ordered
    until the kill switch is released, `ended` why nothing may be any more.
    """

    def __init__(self) -> None:
        self.policy: PolicyUpdated | None = None
        self.ranking: OpportunitiesUpdated | None = None
        self.halted: str | None = None
        self.ended: str | None = None
        self._stages: dict[str, Stage] = {}

    def stage(self, strategy: str) -> Stage:
        """The stage of a strategy; one that nobody has heard of is live."""
        return self._stages.get(strategy, "live")

    def set_stage(self, strategy: str, stage: Stage) -> None:
        """A strategy has begun in a stage, or gone to it."""
        self._stages[strategy] = stage

    def rank(self, symbol: str) -> int | None:
        """The place of a symbol in the last ranking, from 1; None when it is not in it."""
        symbols = () if self.ranking is None else self.ranking.symbols
        return symbols.index(symbol) + 1 if symbol in symbols else None
