"""What systemd wants to hear of a service: that it is ready, alive, and stopping.

The protocol is that of sd_notify(3): lines of `KEY=VALUE` in one datagram to the Unix socket in
`NOTIFY_SOCKET`; a name that begins with `@` is in the abstract namespace.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Self

MICROSECONDS = 1_000_000
"""In a second."""


class Notifier:
    """Sends datagrams to one socket, and never waits for whoever reads it."""

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """The notifier for `NOTIFY_SOCKET`, None where there is none."""
        address = environment.get("NOTIFY_SOCKET")
        return cls(address) if address and hasattr(socket, "AF_UNIX") else None

    def tell(self, **lines: object) -> None:
        """Send `KEY=VALUE` lines; raises `OSError` when nobody takes them."""
        text = "\n".join(f"{key}={_in_one_line(value)}" for key, value in lines.items())
        self._socket.sendto(text.encode(), self._address)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def watchdog_seconds(environment: Mapping[str, str], pid: int | None = None) -> float | None:
    """The seconds within which systemd wants a sign of life from this process, None for never.

    That is `WATCHDOG_USEC`, unless `WATCHDOG_PID` is another process.
    """
    wanted = environment.get("WATCHDOG_PID", "")
    if wanted and wanted != str(os.getpid() if pid is None else pid):
        return None
    text = environment.get("WATCHDOG_USEC", "")
    microseconds = int(text) if text.isdecimal() else 0
    return microseconds / MICROSECONDS or None


def _in_one_line(value: object) -> str:
    return " ".join(str(value).split())
