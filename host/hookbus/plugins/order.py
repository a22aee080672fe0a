"""The order in which plugins start, and what the failure of one means for the others."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from hookbus.plugins.plugin import PluginRecord, PluginState

_GONE = frozenset({PluginState.FAILED, PluginState.DISABLED})
_OVER = _GONE | {PluginState.STOPPING, PluginState.STOPPED}


def start_order(records: Mapping[str, PluginRecord]) -> list[PluginRecord]:
    """The loaded plugins, each after all that it requires and comes after.

    Where that leaves a choice, foundations come first, and then it goes by name.

    Plugins whose requirements are missing, disabled, failed or circular fail here.
    """
    for name in sorted(records):
        _check_requirements(records[name], records)
    while True:
        loaded = {
            name: record
            for name, record in sorted(records.items())
            if record.state is PluginState.LOADED
        }
        before = {name: _predecessors(record, loaded) for name, record in loaded.items()}
        ordered = _sorted(before, {name for name in loaded if loaded[name].foundation})
        if len(ordered) == len(loaded):
            return [loaded[name] for name in ordered]
        _fail_cycle(_cycle({name: before[name] for name in set(before) - set(ordered)}), records)


def fail_dependents(records: Mapping[str, PluginRecord], name: str) -> list[PluginRecord]:
    """Fail whatever requires the failed plugin `name`, directly or not, and return it.

    The nearest ones come first; one that had been started must still be stopped, in reverse order.
    A plugin that is being stopped, or has been, needs nobody any more and does not fail.
    """
    failed: list[PluginRecord] = []
    causes = [records[name]]
    for cause in causes:
        for dependent in sorted(records):
            record = records[dependent]
            if cause.name not in record.requires or record.state in _OVER:
                continue
            _fail_for(record, cause)
            failed.append(record)
            causes.append(record)
    return failed


def _check_requirements(record: PluginRecord, records: Mapping[str, PluginRecord]) -> None:
    if record.state is not PluginState.LOADED:
        return
    for name in record.requires:
        cause = records.get(name)
        if cause is None:
            mend = f"Install it, perhaps with pip install hookbus-{name}, or enable it."
            record.fail("order", f"requires the plugin {name!r}, which is not installed", mend)
        elif cause.state in _GONE:
            _fail_for(record, cause)
        if record.failed:
            fail_dependents(records, record.name)
            return


def _fail_for(record: PluginRecord, cause: PluginRecord) -> None:
    if cause.state is PluginState.DISABLED:
        reason = f"requires the plugin {cause.name!r}, which is disabled ({cause.reason})"
        record.fail("order", reason, f"Enable it: hookbus plugins enable {cause.name}.")
        return
    reason = f"requires the plugin {cause.name!r}, which failed at {cause.phase}: {cause.reason}"
    record.fail("order", reason, cause.mend or "")


def _predecessors(record: PluginRecord, loaded: Mapping[str, PluginRecord]) -> set[str]:
    return {name for name in (*record.requires, *record.after) if name in loaded}


def _sorted(before: Mapping[str, set[str]], first: set[str]) -> list[str]:
    """Names after their predecessors; where there is a choice, `first` and then alphabetical.

    Those of a cycle are left out.
    """
    waiting = {name: set(predecessors) for name, predecessors in before.items()}
    ready = [
        (name not in first, name) for name, predecessors in waiting.items() if not predecessors
    ]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, name = heapq.heappop(ready)
        ordered.append(name)
        for other, predecessors in waiting.items():
            if name in predecessors:
                predecessors.remove(name)
                if not predecessors:
                    heapq.heappush(ready, (other not in first, other))
    return ordered


def _cycle(before: Mapping[str, set[str]]) -> list[str]:
    """One cycle among names that each wait for another of them: a, b, a."""
    path = [min(before)]
    while True:
        following = min(name for name in before[path[-1]] if name in before)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def _fail_cycle(cycle: list[str], records: Mapping[str, PluginRecord]) -> None:
    members = sorted(set(cycle))
    start = cycle.index(members[0])
    turned = [*cycle[start:-1], *cycle[:start], members[0]]
    reason = f"circular dependency: {' -> '.join(turned)}"
    for name in members:
        records[name].fail("order", reason, "Remove one of these from requires or after.")
    for name in members:
        fail_dependents(records, name)
