"""Addresses of webhooks: what counts as one, and where its messages are posted and edited.

The address is a secret: whoever knows it can post. It never appears in a text of this package.
"""

from __future__ import annotations

import re
from typing import Final

_VERSION: Final = "v10"
"""The version of Discord's API; without one in the path Discord answers with an older one."""

_PATH: Final = (
    r"/api/(?:v\d+/)?webhooks/(?P<id>\d+)/(?P<token>[\w-]+)/?(?:\?thread_id=(?P<thread>\d+))?"
)
_DISCORD: Final = re.compile(
    r"https://(?P<host>(?:(?:ptb|canary)\.)?discord(?:app)?\.com)" + _PATH, re.ASCII
)
_TEST_SERVER: Final = re.compile(
    r"https?://(?P<host>(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?)" + _PATH, re.ASCII
)


class Address:
    """Where one webhook is. Its text forms show nothing of it.

    Raises `ValueError`, in words that do not quote the text, for anything but
    `https://discord.com/api/webhooks/ID/TOKEN` (or `discordapp.com`, or the `ptb.` and `canary.`
    hosts of either), with `?thread_id=ID` where the channel is a forum. With `test_server` any
    host will do, also over http.
    """

    __slots__ = ("_base", "_thread")

    def __init__(self, text: str, *, test_server: bool = False) -> None:
        found = _DISCORD.fullmatch(text) or (test_server and _TEST_SERVER.fullmatch(text))
        if not found:
            raise ValueError(
                "is no webhook of Discord; copy it there: https://discord.com/api/webhooks/ID/TOKEN"
                + ("" if test_server else " (another server needs allow_test_server = true)")
            )
        scheme = text.partition(":")[0]
        host = found["host"].replace("discordapp.com", "discord.com")
        self._base = f"{scheme}://{host}/api/{_VERSION}/webhooks/{found['id']}/{found['token']}"
        self._thread = f"thread_id={found['thread']}" if found["thread"] else ""

    def for_posting(self) -> str:
        """Where a new message is posted so that the answer holds its id."""
        return f"{self._base}?{'&'.join(filter(None, ('wait=true', self._thread)))}"

    def for_editing(self, message_id: str) -> str:
        """Where a message of this webhook is edited."""
        query = f"?{self._thread}" if self._thread else ""
        return f"{self._base}/messages/{message_id}{query}"

    def __repr__(self) -> str:
        return "Address('**********')"
