"""The journal keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from hookbus import Event
from hookbus.testing import PluginConformance
from hookbus_journal import JournalPlugin

from tests.plugins.journal.samples import Anything, Ordered, Traded


class TestJournal(PluginConformance):
    """The journal as it is when nothing is set."""

    plugin = JournalPlugin
    events: ClassVar[Sequence[Event]] = (Traded(), Ordered(), Anything())


@pytest.mark.real_time
class TestJournalWithThreads(PluginConformance):
    """The journal on the system's clock, with its threads, every sample event durable."""

    plugin = JournalPlugin
    settings: ClassVar[Mapping[str, Any]] = {"durable": ["sample.*"]}
    events: ClassVar[Sequence[Event]] = (Traded(), Ordered(), Anything())
