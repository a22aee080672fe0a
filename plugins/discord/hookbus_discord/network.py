"""The network: how a message gets to Discord over HTTP. No text of it names an address."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp

from hookbus_discord.addresses import Address
from hookbus_discord.replies import Reply, Unreachable
from hookbus_discord.transport import Transport

_HEADERS = {"User-Agent": "DiscordBot (hookbus-discord, 0.1)"}


class HttpTransport:
    """Sends over HTTP with one session, which belongs to the caller."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(
        self, address: Address, message_id: str | None, body: dict[str, Any]
    ) -> Reply | Unreachable:
        """Send once and return the answer; redirects are not followed."""
        method = "POST" if message_id is None else "PATCH"
        url = address.for_posting() if message_id is None else address.for_editing(message_id)
        try:
            async with self._session.request(
                method, url, json=body, allow_redirects=False
            ) as response:
                return await _read(response)
        except TimeoutError:
            return Unreachable("no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unreachable(_reason(error))


class ThreadTransport:
    """Sends in a thread, on a loop of its own; the simulated time of the caller stands still.

    On a simulated loop a time-out would be over before an answer can be there.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout, thread: ThreadPoolExecutor) -> None:
        self._timeout = timeout
        self._thread = thread

    async def send(
        self, address: Address, message_id: str | None, body: dict[str, Any]
    ) -> Reply | Unreachable:
        """Send once and return the answer."""
        call = partial(self._send, address, message_id, body)
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: asyncio.run(call())
        )

    async def _send(
        self, address: Address, message_id: str | None, body: dict[str, Any]
    ) -> Reply | Unreachable:
        async with _session(self._timeout) as session:
            return await HttpTransport(session).send(address, message_id, body)


@asynccontextmanager
async def open_transport(
    seconds: float, connect_seconds: float, *, in_thread: bool
) -> AsyncIterator[Transport]:
    """A transport with a limit for each request and for connecting; closed with the context."""
    timeout = aiohttp.ClientTimeout(total=seconds, connect=connect_seconds)
    if in_thread:
        with ThreadPoolExecutor(1, "hookbus-discord") as thread:
            yield ThreadTransport(timeout, thread)
    else:
        async with _session(timeout) as session:
            yield HttpTransport(session)


def _session(timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    """A session for webhooks: no cookies, nothing taken from the environment."""
    return aiohttp.ClientSession(
        timeout=timeout, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
    )


async def _read(response: aiohttp.ClientResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        body = await response.json(content_type=None)
    except ValueError:
        body = None
    return Reply(response.status, headers, body)


def _reason(error: Exception) -> str:
    """What went wrong, by the kind of exception: its text may quote the address."""
    name = type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    return f"{name}: {os.strerror(number)}" if number is not None and number > 0 else name
