"""The model of durable delivery, and that it notices what breaks the promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus_journal.consumers import StoredConsumer

from tests.faults import model, planted


def test_random_steps_and_crashes_keep_every_promise(tmp_path: Path) -> None:
    """Handled at least once, effects once, in order, offsets right, books balanced."""
    found = model.demonstrate(tmp_path, model.FEW, print)
    assert found.wrong == ()
    assert found.counted["crashes"] > 10


@pytest.mark.parametrize(
    ("bug", "owner", "method", "says"),
    [
        (planted.move_the_offset_past_the_unfinished, DurableSubscription, "offset_without", "by"),
        (planted.store_the_offset_apart, StoredConsumer, "finish", "has not finished it"),
    ],
    ids=["offset", "transaction"],
)
def test_the_model_notices(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[], None],
    owner: type,
    method: str,
    says: str,
) -> None:
    """Each of these bugs is found in a few runs."""
    monkeypatch.setattr(owner, method, getattr(owner, method))
    bug()
    found = model.demonstrate(tmp_path, 60, print)
    assert any(says in line for line in found.wrong), found
