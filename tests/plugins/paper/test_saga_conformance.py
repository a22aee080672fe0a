"""The risk check keeps to the same with every order a saga."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hookbus import Plugin
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.paper import test_conformance

JournalPlugin = pytest.importorskip("hookbus_journal.plugin").JournalPlugin
SagaPlugin = pytest.importorskip("hookbus_saga").SagaPlugin


class TestRiskWithSagas(test_conformance.TestRisk):
    """The risk check with every order a saga in the journal."""

    settings: ClassVar[Mapping[str, Any]] = {**test_conformance.TestRisk.settings, "saga": True}
    companions: ClassVar[tuple[type[Plugin], ...]] = (TradingPlugin, JournalPlugin, SagaPlugin)
