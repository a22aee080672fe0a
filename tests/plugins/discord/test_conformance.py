"""The plugin keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from hookbus import Event
from hookbus.operational import JobFailed
from hookbus.testing import PluginConformance
from hookbus_discord import DiscordPlugin
from hookbus_discord.events import ProbeRequested

from tests.plugins.discord.samples import URL, Halted, Rejected

ALERTS = [
    {"patterns": ["sample.*", "hookbus.job.failed"], "group_by": "key"},
    {"patterns": ["sample.halted"], "severity": "critical", "where": "reason != ''"},
]
EVENTS = (Rejected(), Halted(), JobFailed(job="a.b", error="no"))


class TestWithoutSettings(PluginConformance):
    """The plugin as it is right after installing it."""

    plugin = DiscordPlugin
    events: ClassVar[Sequence[Event]] = (ProbeRequested(),)


class TestInBackTest(PluginConformance):
    """The plugin with a webhook under the simulated clock: nothing is sent."""

    plugin = DiscordPlugin
    settings: ClassVar[Mapping[str, Any]] = {
        "webhooks": {"ops": {"url": URL}},
        "alerts": ALERTS,
    }
    events: ClassVar[Sequence[Event]] = (*EVENTS,)


@pytest.mark.real_time
class TestOnline(PluginConformance):
    """The plugin with its session, and a webhook on a port where nobody listens."""

    plugin = DiscordPlugin
    settings: ClassVar[Mapping[str, Any]] = {
        "allow_test_server": True,
        "webhooks": {"ops": {"url": "http://127.0.0.1:9/api/webhooks/1/token"}},
        "alerts": ALERTS,
        "stop_wait": 0.05,
    }
    events: ClassVar[Sequence[Event]] = (*EVENTS,)
