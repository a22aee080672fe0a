"""The hook specifications read as a manual, and say the same as the code."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from hookbus import hookspecs
from hookbus.plugins.hooks import create_manager

HOOKS: dict[str, Callable[..., object]] = {
    name: function for name, function in vars(hookspecs).items() if name.startswith("hookbus_")
}


def test_the_hooks_are_these() -> None:
    """A hook is part of the public surface: none comes or goes unnoticed."""
    assert sorted(HOOKS) == [
        "hookbus_events",
        "hookbus_health",
        "hookbus_jobs",
        "hookbus_ready",
        "hookbus_simulation_start",
        "hookbus_start",
        "hookbus_stop",
        "hookbus_summary",
    ]


def test_the_manager_knows_every_hook() -> None:
    """What is written in the manual can be implemented."""
    manager = create_manager()

    assert all(getattr(manager.hook, name).has_spec() for name in HOOKS)


def test_async_hooks_exist() -> None:
    """A name in `ASYNC_HOOKS` without a hook would allow nothing."""
    assert set(HOOKS) >= hookspecs.ASYNC_HOOKS


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_says_when_and_by_whom_it_is_called(name: str) -> None:
    """An author learns from the docstring alone when the hook is called, and sees an example."""
    text = inspect.getdoc(HOOKS[name]) or ""

    assert "Called by the host" in text
    assert (
        f"Example:\n    @hookimpl\n    {'async ' if name in hookspecs.ASYNC_HOOKS else ''}" in text
    )
    assert f"def {name}(" in text


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_documents_its_parameters_and_its_answer(name: str) -> None:
    """No parameter and no return value is left unexplained."""
    text = inspect.getdoc(HOOKS[name]) or ""
    signature = inspect.signature(HOOKS[name])

    assert all(f"`{parameter}`" in text for parameter in signature.parameters)
    assert ("\nReturn " in text) == (signature.return_annotation != "None")


@pytest.mark.parametrize("name", sorted(hookspecs.ASYNC_HOOKS))
def test_async_hooks_say_so(name: str) -> None:
    """The docstring of a hook that may be `async def` mentions it."""
    assert "async def" in " ".join((inspect.getdoc(HOOKS[name]) or "").split())


def test_managers_share_nothing() -> None:
    """What is registered with one host's manager is unknown to another's."""
    first, second = create_manager(), create_manager()
    first.register(object(), name="somebody")

    assert not second.has_plugin("somebody")
