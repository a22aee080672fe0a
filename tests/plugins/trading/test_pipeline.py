"""What the events accept and refuse that tell of markets and wallets worth following."""

from __future__ import annotations

import math

import pytest
from hookbus import Event
from hookbus_trading import (
    MarketsScored,
    TradesIngested,
    WalletRulesEvaluated,
    WalletsClassified,
    WalletsDiscovered,
)
from pydantic import ValidationError

RIGHT: dict[type[Event], dict[str, object]] = {
    MarketsScored: {"scores": {"A": -0.5}},
    TradesIngested: {"symbol": "A", "count": 3, "price": 1.5, "source": "feed"},
    WalletsDiscovered: {"market": "A", "wallets": ["0x1"], "source": "feed"},
    WalletsClassified: {"classes": {"0x1": "maker"}, "model": "rules-1"},
    WalletRulesEvaluated: {"wallet": "0x1", "followed": False, "rules": {"age": False}},
}


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (MarketsScored, {"scores": {"A": math.nan}}),
        (MarketsScored, {"scores": {"": 1.0}}),
        (MarketsScored, {"excluded": -1}),
        (TradesIngested, {"count": 0}),
        (TradesIngested, {"price": 0.0}),
        (TradesIngested, {"volume": -1.0}),
        (TradesIngested, {"source": ""}),
        (WalletsDiscovered, {"wallets": [""]}),
        (WalletsClassified, {"classes": {"0x1": ""}}),
        (WalletRulesEvaluated, {"rules": {"age": "perhaps"}}),
        (WalletRulesEvaluated, {"time": "2024-01-01T00:00:00"}),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(model: type[Event], wrong: dict[str, object]) -> None:
    """Scores are finite, counts and volumes not negative, names not empty, times aware."""
    assert model.model_validate(RIGHT[model])
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        model.model_validate({**RIGHT[model], **wrong})
