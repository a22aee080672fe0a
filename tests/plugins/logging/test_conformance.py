"""The logging plugin keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from hookbus import Event
from hookbus.testing import PluginConformance
from hookbus_logging import LoggingPlugin

from tests.plugins.logging.samples import Failed, Ticked, Traded

TO_A_FILE = {"output": "file", "level": "debug"}


class TestLogging(PluginConformance):
    """The logging plugin as it is when nothing is set."""

    plugin = LoggingPlugin
    events: ClassVar[Sequence[Event]] = (Traded(), Ticked(), Failed())


class TestLoggingToFile(PluginConformance):
    """The logging plugin with a file, written on the loop of the simulated clock."""

    plugin = LoggingPlugin
    settings: ClassVar[Mapping[str, Any]] = TO_A_FILE
    events: ClassVar[Sequence[Event]] = (Traded(), Ticked(), Failed())


@pytest.mark.real_time
class TestLoggingWithThread(PluginConformance):
    """The logging plugin with a file, written by its thread."""

    plugin = LoggingPlugin
    settings: ClassVar[Mapping[str, Any]] = TO_A_FILE
    events: ClassVar[Sequence[Event]] = (Traded(), Ticked(), Failed())
