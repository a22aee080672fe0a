"""A small Discord: it keeps messages, limits requests as Discord does, and fails when told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from hookbus import Clock
from hookbus_discord.addresses import Address
from hookbus_discord.replies import Reply, Unreachable

TOKEN = "canary-TOKEN_that-nobody-may-see"
"""The secret part of every address in these tests."""

SECOND = 1_000_000_000

HANG = "hang"
RESET = "reset"
GARBAGE = "garbage"
"""Answers that are none: it never answers, breaks the connection, or does not speak HTTP."""

GONE = Reply(404, body={"message": "Unknown Webhook", "code": 10015})
NO_MESSAGE = Reply(404, body={"message": "Unknown Message", "code": 10008})
WRONG_TOKEN = Reply(401, body={"message": "Invalid Webhook Token", "code": 50027})
BROKEN = Reply(502)


def limited(seconds: float, *, everywhere: bool = False) -> Reply:
    """The answer to one request too many, with the pause in the body only."""
    body = {"message": "slow down", "retry_after": seconds, "global": everywhere}
    return Reply(429, body=body)


@dataclass
class Discord:
    """One webhook of Discord's, with `limit` requests in every `window` seconds.

    `script` holds answers that are given, one after the other, instead of the right one. The
    server's clock is the one of the test.
    """

    clock: Clock
    limit: int = 5
    window: float = 2.0
    latency: float = 0.0
    script: deque[Reply | Unreachable | str] = field(default_factory=deque)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    edits: int = 0
    requests: list[tuple[int, str | None]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    too_many: int = 0
    _used: int = 0
    _reset_ns: int = 0

    async def send(
        self, _: Address, message_id: str | None, body: dict[str, Any]
    ) -> Reply | Unreachable:
        """Take a message as a transport does."""
        if self.latency:
            await self.clock.sleep(self.latency)
        answer = self.answer(message_id, json.loads(json.dumps(body)))
        assert not isinstance(answer, str)
        return answer

    def answer(self, message_id: str | None, body: dict[str, Any]) -> Reply | Unreachable | str:
        """What Discord, or the script, says to a request."""
        self.requests.append((self.clock.now_ns(), message_id))
        self.bodies.append(body)
        if self.script:
            return self.script.popleft()
        if self._is_too_many():
            self.too_many += 1
            return limited((self._reset_ns - self.clock.now_ns()) / SECOND)
        if message_id is not None and message_id not in self.messages:
            return NO_MESSAGE
        self.edits += message_id is not None
        known = message_id or str(1000 + len(self.messages))
        self.messages[known] = body
        return Reply(200, self._headers(), {"id": known})

    @property
    def titles(self) -> list[str]:
        """The title of every message, the oldest first."""
        return [body["embeds"][0]["title"] for body in self.messages.values()]

    @property
    def posts(self) -> int:
        """Requests for a new message."""
        return sum(message_id is None for _, message_id in self.requests)

    def _is_too_many(self) -> bool:
        now_ns = self.clock.now_ns()
        if now_ns >= self._reset_ns:
            self._used, self._reset_ns = 0, now_ns + round(self.window * SECOND)
        self._used += 1
        return self._used > self.limit

    def _headers(self) -> dict[str, str]:
        after = (self._reset_ns - self.clock.now_ns()) / SECOND
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.limit - self._used),
            "x-ratelimit-reset-after": f"{after:.3f}",
            "x-ratelimit-bucket": "abcd1234",
        }


@asynccontextmanager
async def serve(discord: Discord, number: int = 1) -> AsyncIterator[str]:
    """A real server on loopback in front of `discord`; gives the address of its webhook."""

    over = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        answer = discord.answer(request.match_info.get("message"), body)
        if answer == HANG:
            await over.wait()
        if not isinstance(answer, Reply):
            assert request.transport is not None
            if answer == GARBAGE:
                request.transport.write(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")
            else:
                request.transport.abort()
            return web.Response()
        text = "" if answer.body is None else json.dumps(answer.body)
        return web.Response(status=answer.status, headers=dict(answer.headers), text=text)

    app = web.Application()
    path = f"/api/v10/webhooks/{number}/{TOKEN}"
    app.router.add_post(path, handle)
    app.router.add_patch(f"{path}/messages/{{message}}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.0, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/api/webhooks/{number}/{TOKEN}"
    finally:
        over.set()
        await runner.cleanup()


@contextmanager
def serve_beside(discord: Discord) -> Iterator[str]:
    """The same server on a loop and a thread of its own, for tests on simulated time."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = serve(discord)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(5)
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
