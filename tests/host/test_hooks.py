"""Hooks are checked when a plugin is registered, and called for one plugin at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pluggy
import pytest
from hookbus.errors import PluginError
from hookbus.hookspecs import hookimpl
from hookbus.plugins.hooks import call_hook, create_manager, implements, register
from hookbus.plugins.plugin import Plugin, Summary


def refusal(cls: type[Plugin]) -> PluginError:
    """The error with which a plugin is refused; the manager must not know it afterwards."""
    manager = create_manager()
    with pytest.raises(PluginError) as caught:
        register(manager, cls(None))
    assert not manager.get_plugins()
    assert caught.value.phase == "hooks"
    return caught.value


def registered(*classes: type[Plugin]) -> pluggy.PluginManager:
    """A manager with these plugins."""
    manager = create_manager()
    for cls in classes:
        register(manager, cls(None))
    return manager


def test_a_misspelt_hook_is_refused_with_the_nearest_name() -> None:
    """A hook that does not exist would never be called, so it is an error with a suggestion."""

    class Misspelt(Plugin):
        name = "misspelt"

        @hookimpl
        def hookbus_sumary(self) -> None: ...

    error = refusal(Misspelt)

    assert error.reason == "there is no hook 'hookbus_sumary'"
    assert error.mend == "Did you mean 'hookbus_summary'?"


def test_a_hook_that_resembles_none_is_refused_with_all_names() -> None:
    """Where nothing is near, the author sees which hooks there are."""

    class Invented(Plugin):
        name = "invented"

        @hookimpl
        def qqq(self) -> None: ...

    assert "hookbus_events, hookbus_health, hookbus_jobs" in refusal(Invented).mend


def test_a_hook_without_its_marker_is_refused() -> None:
    """Forgetting `@hookimpl` must not silently switch the hook off."""

    class Unmarked(Plugin):
        name = "unmarked"

        async def hookbus_start(self, context: Any) -> None: ...

    error = refusal(Unmarked)

    assert error.reason == "hookbus_start is not marked as a hook"
    assert error.mend == "Write @hookimpl above hookbus_start."


def test_a_misspelt_hook_without_its_marker_is_refused() -> None:
    """Two mistakes at once still lead to the right name."""

    class Both(Plugin):
        name = "both"

        def hookbus_strat(self, context: Any) -> None: ...

    assert refusal(Both).mend == "Did you mean 'hookbus_start'?"


def test_a_wrong_argument_is_refused_with_the_real_signature() -> None:
    """An argument that the hook does not have shows the author what it has."""

    class Wrong(Plugin):
        name = "wrong"

        @hookimpl
        def hookbus_start(self, ctx: Any, *, extra: int = 1) -> None: ...

    error = refusal(Wrong)

    assert error.reason == (
        "hookbus_start asks for arguments ctx, extra, which hookbus_start does not have"
    )
    assert error.mend == "Write def hookbus_start(self, context)."


def test_an_async_plain_hook_is_refused() -> None:
    """A coroutine that nobody awaits would do nothing, so it is refused."""

    class Async(Plugin):
        name = "async"

        @hookimpl
        async def hookbus_summary(self) -> None: ...

    error = refusal(Async)

    assert error.reason == "hookbus_summary is async, but hookbus_summary is a plain hook"
    assert error.mend == "Write def hookbus_summary(self), no async."


def test_a_start_with_a_yield_is_refused() -> None:
    """A generator function runs nothing when it is called."""

    class Yielding(Plugin):
        name = "yielding"

        @hookimpl
        async def hookbus_start(self, context: Any) -> Any:
            yield

    assert "has a yield" in refusal(Yielding).reason


def test_wrappers_are_refused() -> None:
    """No plugin stands between the host and another plugin."""

    class Wrapper(Plugin):
        name = "wrapper"

        @hookimpl(wrapper=True)
        def hookbus_start(self, context: Any) -> Any:
            return (yield)

    assert "hook wrapper" in refusal(Wrapper).reason


def test_all_faults_are_told_at_once() -> None:
    """The author mends everything in one go."""

    class Everything(Plugin):
        name = "everything"

        @hookimpl
        async def hookbus_jobs(self) -> None: ...

        @hookimpl
        def hookbus_ends(self) -> None: ...

        def hookbus_stop(self) -> None: ...

    error = refusal(Everything)

    assert all(hook in error.reason for hook in ("hookbus_jobs", "hookbus_ends", "hookbus_stop"))


def test_one_hook_twice_is_refused() -> None:
    """Of two methods for one hook, one would never be called."""

    class Twice(Plugin):
        name = "twice"

        @hookimpl
        def hookbus_events(self) -> None: ...

        @hookimpl(specname="hookbus_events")
        def more_events(self) -> None: ...

    assert refusal(Twice).reason == "hookbus_events and more_events both implement hookbus_events"


def test_a_fault_that_only_pluggy_sees_is_refused() -> None:
    """Pluggy's own validation has the last word."""

    class Strange(Plugin):
        name = "strange"

        @hookimpl(hookwrapper=True)
        def hookbus_start(self, context: Any) -> None: ...

    assert refusal(Strange).plugin == "strange"


def test_optional_hooks_of_another_version_are_allowed() -> None:
    """A plugin may be ready for a hook that this host does not have yet."""

    class Ahead(Plugin):
        name = "ahead"

        @hookimpl(optionalhook=True)
        def hookbus_future(self) -> None: ...

    assert registered(Ahead).has_plugin("ahead")


def test_only_the_named_plugin_is_called() -> None:
    """The host calls one plugin at a time, so that one failure is one plugin's."""

    class One(Plugin):
        name = "one"

        @hookimpl
        def hookbus_summary(self) -> Summary:
            return Summary(title="one", rows=())

    class Two(Plugin):
        name = "two"

        @hookimpl
        def hookbus_summary(self) -> Summary:
            raise RuntimeError("not asked for")

    manager = registered(One, Two)

    assert call_hook(manager, "one", "hookbus_summary").title == "one"


def test_a_hook_may_leave_out_arguments() -> None:
    """A method gets the arguments that it names, by position or by name."""
    seen: list[Any] = []

    class Few(Plugin):
        name = "few"

        @hookimpl
        def hookbus_start(self) -> None:
            seen.append("start")

        @hookimpl
        def hookbus_ready(self, context: Any, /) -> None:
            seen.append(context)

        @hookimpl
        def hookbus_stop(self, *, context: Any = None) -> None:
            seen.append(context)

    manager = registered(Few)
    call_hook(manager, "few", "hookbus_start", context=1)
    call_hook(manager, "few", "hookbus_ready", context=2)
    call_hook(manager, "few", "hookbus_stop", context=3)

    assert seen == ["start", 2, 3]


def test_an_async_hook_returns_what_can_be_awaited() -> None:
    """The host awaits an `async def`, in its own time."""

    class Async(Plugin):
        name = "async"

        @hookimpl
        async def hookbus_start(self, context: int) -> int:
            return context + 1

    async def main() -> int:
        return int(await call_hook(registered(Async), "async", "hookbus_start", context=1))

    assert asyncio.run(main()) == 2


def test_a_hook_that_is_not_implemented_is_none() -> None:
    """Every hook is optional."""

    class Nothing(Plugin):
        name = "nothing"

    manager = registered(Nothing)

    assert call_hook(manager, "nothing", "hookbus_start", context=None) is None
    assert not implements(manager, "nothing", "hookbus_start")


def test_hooks_are_inherited() -> None:
    """A plugin may take its hooks from a base class."""

    class Base(Plugin):
        @hookimpl
        def hookbus_events(self) -> tuple[()]:
            return ()

    class Derived(Base):
        name = "derived"

    assert implements(registered(Derived), "derived", "hookbus_events")
