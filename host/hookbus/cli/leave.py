"""Leaving the process, also where a plugin left a thread behind that does not end."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn


def leave(code: str | int | None) -> NoReturn:
    """Exit with `code`; threads that still run are named on standard error and left behind."""
    left = sorted(
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.current_thread() and not thread.daemon
    )
    if not left:
        sys.exit(code)
    print(  # noqa: T201 - click may be what hangs
        f"hookbus: threads that do not end were left behind: {', '.join(left)}", file=sys.stderr
    )
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)
