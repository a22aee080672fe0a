"""The client of a running host: connects to its control socket, asks, and follows events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from hookbus.control.place import connect_to, read_note
from hookbus.errors import HookbusError, UsageError

TIMEOUT = 10.0
"""Seconds that a host may take to answer, where no other limit is given."""


class NoRunningHost(HookbusError):  # noqa: N818
    """There is no host to talk to."""


class HostRefused(HookbusError):  # noqa: N818
    """The host answered a request with an error; `exit_code` is the one that it names."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Client:
    """A connection to one running host; a context manager."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._connection.close()

    def ask(self, request: str, *, limit: float | None = TIMEOUT, **arguments: Any) -> Any:
        """Send a request and return the result, waiting for at most `limit` seconds (None: ever).

        Raises `HostRefused` with the host's own words, `NoRunningHost` when it ends meanwhile.
        """
        self._connection.settimeout(limit)
        self._send(request, arguments)
        answer = self._read()
        if answer is None:
            raise NoRunningHost("the host ended before it answered")
        return answer.get("result")

    def follow(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Follow events: yields {"event": a CloudEvent}, {"lagged": n} and {"notice": text}.

        Ends with the host. Raises `HostRefused` for a bad filter.
        """
        self.ask("events.tail", **arguments)
        self._connection.settimeout(None)
        while (message := self._read()) is not None:
            if "end" in message:
                return
            yield message

    def _send(self, request: str, arguments: dict[str, Any]) -> None:
        line = json.dumps({"request": request, **arguments}) + "\n"
        try:
            self._connection.sendall(line.encode())
        except OSError as error:
            raise NoRunningHost(f"the host does not listen any more: {error}") from None

    def _read(self) -> dict[str, Any] | None:
        try:
            line = self._lines.readline()
        except TimeoutError:
            raise NoRunningHost("the host is there but does not answer in time") from None
        except OSError:
            return None
        if not line:
            return None
        message: dict[str, Any] = json.loads(line)
        if message.get("ok") is False:
            raise HostRefused(message["error"], message.get("exit_code", 1))
        return message


def connect(folder: Path) -> Client | None:
    """A client of the host whose state folder this is, None when none is running."""
    try:
        connection = connect_to(folder, TIMEOUT)
    except PermissionError:
        note = read_note(folder)
        whose = "" if note is None else f" (process {note.pid})"
        text = f"the host{whose} belongs to another user; run the command as that user"
        raise UsageError(text) from None
    return None if connection is None else Client(connection)


def require(folder: Path) -> Client:
    """A client of the host whose state folder this is; raises `NoRunningHost`."""
    client = connect(folder)
    if client is None:
        raise NoRunningHost(
            f"no host is running with the state folder {folder}; start one with `hookbus run`, "
            "or name its configuration with --config (under the simulated clock none listens)"
        )
    return client
