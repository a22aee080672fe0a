"""Opening the journal that the configuration names, for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
from hookbus import UsageError
from hookbus.commands import Given, state_folder

from hookbus_journal.database import open_for_reading
from hookbus_journal.why.reader import Reader

__all__ = ["open_journal"]


@contextmanager
def open_journal(given: Given) -> Iterator[Reader]:
    """A reader of one moment of the journal; raises `UsageError` where there is none."""
    simulated = given.config().clock.mode == "simulated"
    path = state_folder(given, "journal") / ("simulation.db" if simulated else "journal.db")
    if not path.exists():
        raise UsageError(_missing(path))
    connection = open_for_reading(path)
    try:
        with connection:
            yield Reader(connection)
    except apsw.Error as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    finally:
        connection.close()


def _missing(path: Path) -> str:
    found = sorted(one for one in path.parent.glob("*.db") if one != path)
    if found:
        mode = "simulated" if found[0].name == "simulation.db" else "system"
        return f"there is no {path}, but {found[0].name}: add --set clock.mode={mode}"
    return f"there is no journal {path}; run a host with the plugin journal, or name its --config"
