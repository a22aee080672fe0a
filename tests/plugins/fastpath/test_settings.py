"""Contradictions in the settings are refused, in a sentence that names both sides."""

from __future__ import annotations

from typing import Any

import pytest
from hookbus.testing import HostFactory
from hookbus_fastpath.settings import FastpathSettings, Mode
from pydantic import ValidationError

from tests.plugins.fastpath.makers import ALPHA, BETA, host_of


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"mode": "on"}, "mode is 'on' and runners is empty"),
        ({"mode": "shadow"}, "mode is 'shadow' and runners is empty"),
        ({"runners": [ALPHA, ALPHA]}, "runners has the name 'alpha' twice"),
        ({"runners": [{"name": "a", "symbols": ["X", "Y", "X"]}]}, "names 'X' twice"),
        ({"runners": [{"name": "a", "symbols": []}]}, "at least 1 item"),
        ({"refresh": -1.0}, "greater than or equal to 0"),
        ({"mode": "maybe"}, "'off', 'shadow' or 'on'"),
    ],
)
def test_contradictions_are_refused(settings: dict[str, Any], reason: str) -> None:
    """The message says what does not go together."""
    with pytest.raises(ValidationError, match=reason):
        FastpathSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("mode", "own", "effective"),
    [
        ("on", "on", "on"),
        ("on", "shadow", "shadow"),
        ("on", "off", "off"),
        ("shadow", "on", "shadow"),
        ("off", "on", "off"),
        ("off", "shadow", "off"),
    ],
)
def test_the_lesser_mode_counts(mode: Mode, own: Mode, effective: Mode) -> None:
    """A runner can be held back alone, and the plugin's mode switches all of them off at once."""
    settings = FastpathSettings.model_validate({"mode": mode, "runners": [{**ALPHA, "mode": own}]})
    assert settings.mode_of(settings.runners[0]) == effective


async def test_a_mistake_fails_the_plugin_and_names_the_key(host_factory: HostFactory) -> None:
    """The host goes on, and says what is wrong and where."""
    async with host_of(host_factory, ALPHA, BETA, mode="onn") as host:
        assert host.failed == ("fastpath",)
        assert "plugins.fastpath.mode" in str(host.records["fastpath"].reason)
        assert not host.records["trading"].failed
