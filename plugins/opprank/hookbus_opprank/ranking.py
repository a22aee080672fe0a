"""A ranking: who is ranked, who is left out and why, as an event and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from hookbus_trading import OpportunitiesUpdated

from hookbus_opprank.scores import Scored

__all__ = ["Ranking"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Ranking:
    """Symbols in order, the best first, with the reasons of those that were left out.

    `excluded` begins with those that are below the top, in their order; the others follow by name.
    `time` is that of the newest bar of any symbol, None when there was none.
    """

    ranked: tuple[Scored, ...]
    excluded: Mapping[str, str]
    time: datetime | None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The ranked symbols, the best first."""
        return tuple(one.symbol for one in self.ranked)

    def event(self, weights: Mapping[str, float], reasons: int) -> OpportunitiesUpdated:
        """The event that tells of it, naming so many excluded symbols at most."""
        return OpportunitiesUpdated(
            symbols=self.symbols,
            scores={one.symbol: one.score for one in self.ranked},
            criteria={one.symbol: dict(one.contributions) for one in self.ranked},
            weights=dict(weights),
            excluded=dict(islice(self.excluded.items(), reasons)),
            excluded_count=len(self.excluded),
            time=self.time,
        )

    def rows(self) -> list[tuple[str, str]]:
        """Summary rows: when, how many, and the best ones with what their scores are made of."""
        at = "never" if self.time is None else f"{self.time:%Y-%m-%d %H:%M:%S} UTC"
        head = [
            ("Last ranking, data until", at),
            ("Symbols ranked", f"{len(self.ranked):,}"),
            ("Symbols excluded", f"{len(self.excluded):,}"),
        ]
        best = enumerate(self.ranked[:_SHOWN], 1)
        return head + [(f"{place}. {one.symbol}", _explained(one)) for place, one in best]


def _explained(one: Scored) -> str:
    parts = (
        f"{name} {part:+.3f} ({one.figures[name]:.4g})" for name, part in one.contributions.items()
    )
    return f"{one.score:+.3f} = {', '.join(parts)}"
