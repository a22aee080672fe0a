"""Which alerts belong together, and which events are nobody's business."""

from __future__ import annotations

import pytest
from hookbus import Event
from hookbus.operational import HandlerFailed, JobFailed, PluginFailed, SubscriptionLagged
from hookbus_discord.alerts import is_about
from hookbus_discord.events import AlertsDropped

from tests.plugins.discord.samples import Halted, Rejected, alert, rule

FAILED = {"event_id": "run-1", "event_type": "a.b", "error": "no", "attempt": 1}


def test_alerts_of_one_cause_belong_together() -> None:
    """Whatever they say: what counts is the first event of the chain."""
    by = rule(group_by="correlation")
    one, same = alert(Rejected(), 2, by=by, cause=1), alert(Halted(), 3, by=by, cause=1)
    assert one.group() == same.group()
    assert one.group() != alert(Rejected(), 9, by=by, cause=8).group()


def test_critical_alerts_never_join_a_lesser_message() -> None:
    """An edit notifies nobody."""
    lesser, worse = rule(group_by="correlation"), rule(severity="critical")
    assert alert(by=lesser, cause=1).group() != alert(by=worse, cause=1).group()


def test_alerts_of_one_key_belong_together() -> None:
    """Of one rule and one event type; events without a key are taken for the same."""
    by = rule(group_by="key")
    btc, eth = alert(Rejected(symbol="BTC"), by=by), alert(Rejected(symbol="ETH"), by=by)
    assert btc.group() == alert(Rejected(symbol="BTC"), 7, by=by).group()
    assert btc.group() != eth.group()
    assert btc.group() != alert(Rejected(symbol="BTC"), by=rule(2, group_by="key")).group()
    assert alert(Halted(), 1, by=by).group() == alert(Halted(), 2, by=by).group()


def test_alerts_may_stay_alone() -> None:
    """Where every single one matters."""
    assert alert(by=rule(group_by="none")).group() is None


@pytest.mark.parametrize(
    "event",
    [
        AlertsDropped(webhook="ops", dropped=1, reasons={"x": 1}),
        PluginFailed(plugin="discord", phase="start", reason="no"),
        SubscriptionLagged(subscription="alert-1", plugin="discord", missed=1),
        HandlerFailed(subscription="alert-1", plugin="discord", will_retry=False, **FAILED),
        JobFailed(job="discord.test", error="no"),
    ],
)
def test_the_plugin_does_not_alert_about_itself(event: Event) -> None:
    """A failure to send would otherwise be one more thing to send."""
    assert is_about(event, "discord")


@pytest.mark.parametrize(
    "event",
    [
        Rejected(symbol="discord"),
        PluginFailed(plugin="discordia", phase="start", reason="no"),
        JobFailed(job="discordia.test", error="no"),
    ],
)
def test_others_are_not_taken_for_it(event: Event) -> None:
    """Only the name as a whole counts, and only in events of the host."""
    assert not is_about(event, "discord")
