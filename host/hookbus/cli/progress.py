"""Progress bars: of a run, drawn by a thread since simulated time does not wait, and of a task."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookbus.host import Host

REFRESH = 0.1
"""Seconds between two looks at the sources."""


@contextmanager
def progress(host: Host, *, shown: bool) -> Iterator[None]:
    """Show how far the sources have come, on a terminal only."""
    if not (shown and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[label]}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        redirect_stdout=sys.stdout.isatty(),
    )
    ended = threading.Event()
    thread = threading.Thread(
        target=_draw, args=(host, bar, ended), name="hookbus-progress", daemon=True
    )
    with bar:
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _draw(host: Host, bar: Any, ended: threading.Event) -> None:
    tasks: dict[str, Any] = {}
    while not ended.wait(REFRESH):
        for source in list(host.sources):
            if source.full_name not in tasks:
                tasks[source.full_name] = bar.add_task(source.full_name, label="")
            bar.update(
                tasks[source.full_name],
                completed=source.done,
                total=source.total,
                label=source.label,
            )
        bar.refresh()


@contextmanager
def progress_bar(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far a long task has come, on a terminal only.

    `with progress_bar("exporting", total=count) as done:` gives a function to call with how much
    is done so far; without a total the bar only moves.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
