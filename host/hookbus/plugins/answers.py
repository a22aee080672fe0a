"""Answers: what a plugin of a running host tells the commands that ask it, guarded."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import Any

from hookbus.bus.options import is_coroutine_function
from hookbus.containment.contained import FAILURES
from hookbus.containment.ownership import current_plugin
from hookbus.containment.threadcalls import ThreadCall
from hookbus.errors import HookbusError, UsageError, error_text

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Answer:
    """One request that a plugin answers; `redact` hides the plugin's secrets.

    Raises `UsageError` for a name that is no word and for a function that cannot be called.
    """

    def __init__(
        self,
        plugin: str,
        name: str,
        function: Callable[..., Any],
        log: Any,
        redact: Callable[[str], str] = str,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"name = {name!r} of a request must be lower-case letters, digits, dashes and "
                "underscores, and begin with a letter"
            )
        if not callable(function):
            raise UsageError(f"request {name!r} of plugin {plugin!r}: {function!r} is no function")
        self.request = f"{plugin}.{name}"
        self._plugin = plugin
        self._function = function
        self._log = log
        self._redact = redact

    async def give(self, fields: Mapping[str, Any]) -> Any:
        """Call the function with `fields` by name, and return its result as JSON-like data.

        It runs in a task of the plugin, which ends with the plugin; a plain function runs in a
        thread. Raises `UsageError` for fields that the function does not take, the `HookbusError`
        that it raises, and a `HookbusError` for whatever else goes wrong in it.
        """
        self._check(fields)
        context = copy_context()
        context.run(current_plugin.set, self._plugin)
        task = asyncio.get_running_loop().create_task(self._call(fields), context=context)
        try:
            return _as_json(await task)
        except HookbusError as error:
            told = HookbusError(self._redact(str(error)))
            told.exit_code = error.exit_code
            raise told from None
        except FAILURES as error:
            asked = asyncio.current_task()
            if asked is not None and asked.cancelling():
                raise
            raise self._failed(error) from None

    def _check(self, fields: Mapping[str, Any]) -> None:
        try:
            inspect.signature(self._function).bind(**fields)
        except TypeError as error:
            raise UsageError(f"the request {self.request}: {error}") from None

    async def _call(self, fields: Mapping[str, Any]) -> Any:
        if is_coroutine_function(self._function):
            return await self._function(**fields)
        return await ThreadCall(lambda: self._function(**fields), self.request).result()

    def _failed(self, error: BaseException) -> HookbusError:
        if isinstance(error, asyncio.CancelledError):
            return HookbusError(f"the plugin {self._plugin!r} ended before it answered")
        self._log.error("request failed", request=self.request, exc_info=error)
        return HookbusError(self._redact(f"{self.request} failed: {error_text(error)}"))


def _as_json(result: Any) -> Any:
    """The result as it will be read; raises `TypeError` or `ValueError` for what is no JSON."""
    return json.loads(json.dumps(result))
