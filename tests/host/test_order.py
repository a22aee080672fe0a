"""Plugins start after what they need; what cannot start fails with the cause."""

from __future__ import annotations

import itertools

import pytest
from hookbus.plugins.order import fail_dependents, start_order
from hookbus.plugins.plugin import PluginRecord, PluginState
from hypothesis import given
from hypothesis import strategies as st

Graph = dict[str, tuple[str, ...]]


def records(
    requires: Graph, after: Graph | None = None, **states: PluginState
) -> dict[str, PluginRecord]:
    """Loaded records with these dependencies, some in other states."""
    after = after or {}
    made = {}
    for name in sorted({*requires, *after, *states}):
        state = states.get(name, PluginState.LOADED)
        made[name] = PluginRecord(
            name, state, requires=requires.get(name, ()), after=after.get(name, ())
        )
    return made


def order(made: dict[str, PluginRecord]) -> list[str]:
    """The names in the order of starting."""
    return [record.name for record in start_order(made)]


def test_independent_plugins_start_by_name() -> None:
    """The order does not depend on how plugins were installed or found."""
    assert order(records({"c": (), "a": (), "b": ()})) == ["a", "b", "c"]


def test_required_plugins_come_first() -> None:
    """A plugin finds ready what it requires."""
    assert order(records({"a": ("z",), "m": ("a",), "z": ()})) == ["z", "a", "m"]


def test_after_orders_without_requiring() -> None:
    """`after` counts for plugins that are there, and asks for nothing."""
    assert order(records({}, {"a": ("z", "missing"), "z": ()})) == ["z", "a"]


@pytest.mark.parametrize("state", [PluginState.FAILED, PluginState.DISABLED])
def test_after_a_plugin_that_is_not_running_is_no_failure(state: PluginState) -> None:
    """Order alone binds nobody to another's fate."""
    assert order(records({}, {"a": ("z",)}, z=state)) == ["a"]


def test_a_missing_requirement_fails_with_what_to_install() -> None:
    """The message names the plugin that is missing."""
    made = records({"a": ("trading",), "b": ()})

    assert order(made) == ["b"]
    assert made["a"].reason == "requires the plugin 'trading', which is not installed"
    assert "pip install hookbus-trading" in str(made["a"].mend)


def test_a_disabled_requirement_fails_with_how_to_enable_it() -> None:
    """Who disabled what others need sees the connection."""
    made = records({"a": ("z",)}, z=PluginState.DISABLED)
    made["z"].reason = "safe mode"

    assert order(made) == []
    assert made["a"].reason == "requires the plugin 'z', which is disabled (safe mode)"
    assert made["a"].mend == "Enable it: hookbus plugins enable z."


def test_a_failed_requirement_fails_everything_above_it_with_the_cause() -> None:
    """The whole chain fails, and each link names the one below it."""
    made = records({"a": ("b",), "b": ("c",), "c": (), "free": ()})
    made["c"].fail("import", "boom", "Mend c.")

    assert order(made) == ["free"]
    assert made["b"].reason == "requires the plugin 'c', which failed at import: boom"
    assert "requires the plugin 'b'" in str(made["a"].reason)
    assert "boom" in str(made["a"].reason)
    assert made["a"].mend == "Mend c."


def test_a_circle_fails_every_member_and_shows_it() -> None:
    """Nobody in a circle can be first; the message shows the way round."""
    made = records({"b": ("c",), "c": ("a",), "a": ("b",), "free": ()})

    assert order(made) == ["free"]
    for name in "abc":
        assert made[name].reason == "circular dependency: a -> b -> c -> a"
        assert (made[name].phase, made[name].state) == ("order", PluginState.FAILED)


def test_a_plugin_that_requires_itself_is_a_circle() -> None:
    """The smallest circle has one member."""
    made = records({"a": ("a",)})

    assert order(made) == []
    assert made["a"].reason == "circular dependency: a -> a"


def test_dependents_of_a_circle_fail_with_the_cause() -> None:
    """Whoever requires a member of a circle is told about the circle, but is not in it."""
    made = records({"a": ("b",), "b": ("a",), "x": ("a",)}, {"y": ("a",)})

    assert order(made) == ["y"]
    assert "requires the plugin 'a', which failed at order: circular" in str(made["x"].reason)


def test_two_circles_are_told_apart() -> None:
    """Each circle is shown to its own members."""
    made = records({"a": ("b",), "b": ("a",), "c": ("d",), "d": ("c",)})

    assert order(made) == []
    assert made["b"].reason == "circular dependency: a -> b -> a"
    assert made["c"].reason == "circular dependency: c -> d -> c"


def test_a_failure_at_start_reaches_all_dependents() -> None:
    """The host learns which plugins it must stop, the nearest first."""
    made = records({"a": (), "b": ("a",), "c": ("b",), "d": ("a",), "e": ()})
    for record in made.values():
        record.state = PluginState.STARTED
    made["a"].fail("task", "boom")

    failed = fail_dependents(made, "a")

    assert [record.name for record in failed] == ["b", "d", "c"]
    assert made["e"].state is PluginState.STARTED


def test_a_failure_at_stop_fails_nobody_else() -> None:
    """Dependents are stopped first, so by then nobody needs the plugin."""
    made = records({"a": (), "b": ("a",)}, b=PluginState.STOPPED)
    made["a"].fail("stop", "hangs")

    assert fail_dependents(made, "a") == []
    assert made["b"].state is PluginState.STOPPED


NAMES = st.sampled_from("abcdef")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3, unique=True).map(tuple))


@given(requires=GRAPHS, after=GRAPHS)
def test_every_order_respects_every_dependency(requires: Graph, after: Graph) -> None:
    """Whatever the graph: each plugin is ordered or failed, and none comes before its needs."""
    made = records(requires, after)
    names = order(made)
    place = {name: index for index, name in enumerate(names)}

    assert all(made[name].failed == (name not in place) for name in made)
    for name, record in made.items():
        if name in place:
            assert all(place[needed] < place[name] for needed in record.requires)
            assert all(place.get(other, -1) < place[name] for other in record.after)


@given(requires=GRAPHS, after=GRAPHS)
def test_the_order_does_not_depend_on_the_order_of_finding(requires: Graph, after: Graph) -> None:
    """Two machines with the same plugins start them in the same order, and fail the same ones."""
    outcomes = []
    for shuffled in itertools.islice(itertools.permutations(records(requires, after)), 4):
        again = records(requires, after)
        names = order({name: again[name] for name in shuffled})
        outcomes.append((names, {name: again[name].reason for name in sorted(again)}))

    assert all(outcome == outcomes[0] for outcome in outcomes)
