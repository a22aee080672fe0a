"""The saga plugin keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest
from hookbus import Event, Plugin
from hookbus.testing import PluginConformance
from hookbus_saga import SagaPlugin

JournalPlugin = pytest.importorskip("hookbus_journal.plugin").JournalPlugin


class TestSaga(PluginConformance):
    """The saga plugin with the journal that it needs."""

    plugin = SagaPlugin
    companions: ClassVar[Sequence[type[Plugin]]] = (JournalPlugin,)
    events: ClassVar[Sequence[Event]] = ()
