"""Which events are logged, and at which level."""

from __future__ import annotations

from typing import get_args

import pytest
from hookbus import Event
from hookbus.operational import HandlerFailed, OperationalEvent, SubscriptionLagged
from hookbus_logging.levels import DEFAULT_LEVELS, SEVERITY, Level, Rules
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.logging.samples import Failed, Finished, Halted, Ticked, Traded

PATTERNS = st.sampled_from(["*", "sample.*", "sample.traded", "other.*", "sample.t*", "*.traded"])
LEVELS = st.sampled_from(get_args(Level))


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (Traded(), "info"),
        (Ticked(), "debug"),
        (Halted(), "info"),
        (Failed(), "error"),
        (Finished(), "info"),
        (Finished(error="no such file"), "error"),
        (SubscriptionLagged(subscription="s", plugin="p", missed=3), "warning"),
        (
            HandlerFailed(
                subscription="s",
                plugin="p",
                event_id="run-1",
                event_type="sample.traded",
                error="ValueError",
                attempt=1,
                will_retry=False,
            ),
            "error",
        ),
    ],
)
def test_an_event_has_the_level_of_its_kind(event: Event, level: Level) -> None:
    """Without settings failures are errors, loss is a warning, floods are debug, the rest info."""
    assert Rules("debug").level(event) == level


def test_every_default_names_an_event_of_the_host_or_a_family() -> None:
    """A default for an event that does not exist would never do anything."""
    names = {cls.__event__.name for cls in OperationalEvent.__subclasses__() if cls.__event__}
    exact = {pattern for pattern in DEFAULT_LEVELS if not pattern.startswith("*")}
    assert exact <= names


def test_the_longest_pattern_decides() -> None:
    """A general rule can be refined by a special one, in whatever order they stand."""
    rules = {"sample.*": "warning", "sample.traded": "debug", "*": "error"}
    for levels in (rules, dict(reversed(rules.items()))):
        chosen = Rules("debug", levels)  # type: ignore[arg-type]
        assert chosen.level(Traded()) == "debug"
        assert chosen.level(Failed()) == "warning"


def test_the_settings_win_over_the_kind_of_the_event() -> None:
    """Somebody who names an event has decided, also about failures."""
    rules = Rules("warning", {"*": "info"})
    assert rules.level(Finished(error="no such file")) == "info"
    assert not rules.wants(Failed())


def test_the_least_level_filters() -> None:
    """Events below the least level are not logged; those at it are."""
    rules = Rules("warning", {"sample.traded": "warning"})
    assert rules.wants(Traded())
    assert rules.wants(Failed())
    assert not rules.wants(Ticked())


def test_an_event_with_an_error_passes_a_filter_that_its_kind_would_not() -> None:
    """A source that ended with an error is not silenced because its good end would be."""
    rules = Rules("error")
    assert rules.wants(Finished(error="no such file"))
    assert not rules.wants(Finished())


def test_what_is_excluded_is_never_logged() -> None:
    """Exclusion wins over every level, and over an error in the event."""
    rules = Rules("debug", {"sample.failed": "error"}, ["sample.f*"])
    assert not rules.wants(Failed())
    assert not rules.wants(Finished(error="no such file"))
    assert rules.wants(Traded())


@given(st.dictionaries(PATTERNS, LEVELS), LEVELS, st.lists(PATTERNS))
def test_filtering_and_levels_never_disagree(
    levels: dict[str, Level], least: Level, exclude: list[str]
) -> None:
    """Whatever is logged is loud enough, and what is loud enough is missing only if excluded."""
    rules = Rules(least, levels, exclude)
    open_rules = Rules(least, levels)
    for event in (Traded(), Ticked(), Failed(), Finished(), Finished(error="x")):
        loud_enough = SEVERITY[rules.level(event)] >= SEVERITY[least]
        assert open_rules.wants(event) == loud_enough
        assert not rules.wants(event) or loud_enough
