"""What code of plugins may raise, and coroutines of theirs that cannot end the process.

asyncio lets a `SystemExit` that is raised in a task through to whoever runs the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hookbus.errors import HookbusError

FAILURES = (Exception, SystemExit, asyncio.CancelledError, BaseExceptionGroup)
"""What code of a plugin may raise without taking anything else down."""


class PluginExited(HookbusError):  # noqa: N818
    """Code of a plugin called `sys.exit`, which ends neither the host nor its neighbours."""


class Contained(Coroutine[Any, Any, Any]):
    """Runs another coroutine and turns its `SystemExit` into `PluginExited`."""

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self.inner = inner
        self.__qualname__ = getattr(inner, "__qualname__", type(inner).__qualname__)
        self.__name__ = self.__qualname__

    def send(self, value: Any) -> Any:
        """Go on."""
        try:
            return self.inner.send(value)
        except SystemExit as error:
            raise _contained(error) from error

    def throw(self, *error: Any) -> Any:
        """Raise an exception where it waits."""
        try:
            return self.inner.throw(*error)
        except SystemExit as caught:
            raise _contained(caught) from caught

    def close(self) -> None:
        """End it where it waits."""
        self.inner.close()

    def __await__(self) -> Any:
        return self.inner.__await__()


def _contained(error: SystemExit) -> PluginExited:
    return PluginExited(f"SystemExit: {error.code!r}; code of a plugin must not end the host")
