"""Health: the worst component decides, and what an earlier run knew does not count for ever."""

from __future__ import annotations

from typing import Any

import pytest
from hookbus_msc.health import Health
from hookbus_msc.settings import HealthSettings

from tests.plugins.msc.makers import SECOND, make_health


def after(*changes: tuple[str, str], **settings: Any) -> Health:
    """Health after some (component, status)."""
    health = Health(HealthSettings(**settings))
    for component, status in changes:
        health.update(make_health(status, component))
    return health


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ((), 0),
        ((("feed", "degraded"),), 1),
        ((("feed", "degraded"), ("system", "critical")), 2),
        ((("feed", "critical"), ("feed", "degraded")), 1),
        ((("feed", "critical"), ("broker", "healthy")), 2),
        ((("feed", "critical"), ("feed", "healthy")), 0),
    ],
)
def test_the_worst_component_decides(changes: tuple[tuple[str, str], ...], level: int) -> None:
    """Degraded is at most normal, critical is defensive, until that component is well again."""
    health = after(*changes)
    assert (health.demand, health.calm) == (level, level)
    assert health.metrics()["health_level"] == level


def test_only_the_components_that_are_named_count() -> None:
    """With components = ["system"] the feed alone moves nothing."""
    health = Health(HealthSettings(components=("system",)))
    assert not health.update(make_health("critical", "feed"))
    assert health.demand == 0
    assert health.update(make_health("degraded", "system"))
    assert health.demand == 1


def test_the_sentence_names_the_worst_first() -> None:
    """Components, what they are, and the reason that was given."""
    text = after(("feed", "degraded"), ("broker", "critical")).sentence()
    assert text == (
        "health: broker is critical (no bar for 90 s); feed is degraded (no bar for 90 s)"
    )
    assert after().sentence() == "health: no component is known to be unhealthy"


def test_after_a_restart_the_unhealthy_still_count_until_the_deadline() -> None:
    """A component that nobody speaks of any more blocks for an hour, not for ever."""
    late = Health(HealthSettings(confirm_within=60))
    late.restore(after(("feed", "critical"), ("broker", "degraded")).state(), 100 * SECOND)
    assert late.demand == 2
    assert late.deadline_ns == 160 * SECOND
    late.update(make_health("degraded", "broker"))
    assert late.expire(159 * SECOND) == []
    assert late.demand == 2
    (note,) = late.expire(160 * SECOND)
    assert note == (
        "feed was critical before the restart and counts no more: nothing was heard of it for 60 s"
    )
    assert late.demand == 1
    assert late.deadline_ns is None


def test_once_all_are_confirmed_there_is_no_deadline() -> None:
    """What the new run has heard itself counts for as long as it says so."""
    late = Health(HealthSettings())
    late.restore(after(("feed", "critical")).state(), 0)
    late.update(make_health("critical", "feed"))
    assert late.deadline_ns is None
    assert late.expire(10**18) == []
    assert late.demand == 2
