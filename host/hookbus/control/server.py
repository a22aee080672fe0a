"""The control socket of a running host: what the `hookbus` command asks and is told.

One JSON object on each line, both ways. A request names itself, `{"request": "jobs.run", "name":
"feed.poll"}`, and is answered by `{"ok": true, "result": ...}` or `{"ok": false, "error": ...,
"exit_code": n}`; after `events.tail` the events follow until one side closes. Nothing that a client
does, or fails to do, holds up the host: there are limits for the number of clients, the length of a
line, and what waits to be written; a client that reads too slowly is told how many events it lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hookbus.control.place import (
    SOCKET,
    Note,
    choose_socket,
    connect_to,
    read_note,
    remove,
    write_note,
)
from hookbus.control.requests import Tail, answer
from hookbus.envelope import Lagged
from hookbus.errors import HookbusError, UsageError, in_words
from hookbus.host import Host

MOST_CLIENTS = 32
LONGEST_LINE = 1 << 20
"""Bytes of the longest request."""

MOST_WAITING = 1 << 16
"""Bytes that may wait to be written to a client before its events wait, and then are lost."""

PROBE = 1.0
"""Seconds that a socket left in the state folder gets to show that somebody listens to it."""

FAREWELL = 0.5
"""Seconds that clients get, when the host ends, to read what is on its way to them."""


@asynccontextmanager
async def control(host: Host) -> AsyncIterator[None]:
    """Listen for as long as the block runs, under the system's clock only.

    Where it cannot listen, a warning in the log says why, and the host runs all the same.
    """
    server = ControlServer(host)
    if not host.clock.simulated:
        try:
            await server.start()
        except (OSError, UsageError, AttributeError) as error:
            host.log.warning("no control socket", reason=_in_short(error))
    try:
        yield
    finally:
        await server.close()


class ControlServer:
    """The server of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._folder: Path = host.config.state_dir
        self._path: Path | None = None
        self._server: asyncio.AbstractServer | None = None
        self._clients: dict[asyncio.Task[Any], None] = {}
        self._tails: dict[Tail, None] = {}

    @property
    def path(self) -> Path | None:
        """The socket, None where it does not listen."""
        return self._path

    async def start(self) -> None:
        """Listen; raises `UsageError` when another host does, `OSError` when it cannot."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clear()
        path = choose_socket(self._folder)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=_bound(path), limit=LONGEST_LINE
        )
        self._path = path
        write_note(self._folder, Note(path, os.getpid(), self._host.run_id))

    def _clear(self) -> None:
        """Remove the socket of a host that was killed; one that answers is left alone."""
        note = read_note(self._folder)
        connection = connect_to(self._folder, PROBE)
        if connection is not None:
            connection.close()
            process = "" if note is None else f", process {note.pid},"
            raise UsageError(f"another host{process} runs with the state folder {self._folder}")
        remove(self._folder, self._folder.resolve() / SOCKET)
        if note is not None:
            remove(self._folder, note.socket)

    async def close(self) -> None:
        """Say good-bye to every client and remove the socket."""
        if self._server is None or self._path is None:
            return
        self._server.close()
        for tail in list(self._tails):
            tail.close()
        if self._clients:
            await asyncio.wait(list(self._clients), timeout=FAREWELL if self._tails else 0.05)
        for task in list(self._clients):
            task.cancel()
        if self._clients:
            await asyncio.wait(list(self._clients), timeout=FAREWELL)
        remove(self._folder, self._path)
        self._path = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._clients[task] = None
        writer.transport.set_write_buffer_limits(high=MOST_WAITING)
        try:
            if len(self._clients) > MOST_CLIENTS:
                await _send(writer, _refusal(UsageError(f"{MOST_CLIENTS} clients are enough")))
            else:
                await self._converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            del self._clients[task]
            writer.transport.abort() if _is_clogged(writer) else writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                text = f"a request has at most {LONGEST_LINE} bytes"
                await _send(writer, _refusal(UsageError(text)))
                return
            if not line:
                return
            tail = await self._answer(line, writer)
            if tail is not None:
                await self._follow(tail, reader, writer)
                return

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> Tail | None:
        """Answer one request; returns the tail that it asked for, if it did."""
        try:
            result = await answer(self._host, _parse(line))
        except HookbusError as error:
            await _send(writer, _refusal(error))
            return None
        except Exception as error:
            self._host.log.error("control request failed", error=in_words(error), exc_info=error)
            await _send(writer, _refusal(HookbusError(in_words(error))))
            return None
        tail = result if isinstance(result, Tail) else None
        await _send(writer, {"ok": True, "result": None if tail else result})
        return tail

    async def _follow(
        self, tail: Tail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._tails[tail] = None
        gone = asyncio.get_running_loop().create_task(_until_gone(reader, tail))
        try:
            async for item in tail.stream:
                await _send(writer, _message(item))
                for notice in tail.take_notices():
                    await _send(writer, {"notice": notice})
            await _send(writer, {"end": "the host has stopped"})
        except HookbusError as error:
            await _send(writer, _refusal(error))
        finally:
            gone.cancel()
            tail.close()
            del self._tails[tail]


def _in_short(error: Exception) -> str:
    return str(error) if isinstance(error, HookbusError) else in_words(error)


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        path.chmod(0o600)
    except BaseException:
        listener.close()
        raise
    return listener


async def _until_gone(reader: asyncio.StreamReader, tail: Tail) -> None:
    """Close the tail when its client hangs up; what it still says is not read as a request."""
    with suppress(ConnectionError):
        while await reader.read(LONGEST_LINE):
            pass
    tail.close()


def _is_clogged(writer: asyncio.StreamWriter) -> bool:
    return writer.transport.get_write_buffer_size() > 0


def _message(item: Any) -> dict[str, Any]:
    if isinstance(item, Lagged):
        return {"lagged": item.missed}
    return {"event": json.loads(item.to_json())}


async def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message, ensure_ascii=False, default=str).encode() + b"\n")
    await writer.drain()


def _refusal(error: HookbusError) -> dict[str, Any]:
    return {"ok": False, "error": str(error), "exit_code": error.exit_code}


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise UsageError("a request is one line of JSON") from None
    if not isinstance(request, dict) or not isinstance(request.get("request"), str):
        raise UsageError('a request is an object with "request", the name of what is asked for')
    return request
