"""Accounts: what the host's ledger says of every subscription, kept over the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hookbus_journal.store import Store

COUNTS: Final = (
    *("matched", "delivered", "filtered", "coalesced", "lagged", "dead_lettered", "pending"),
    *("abandoned", "failures", "retries"),
)
"""The figures of an account, in the order of the columns."""


def write(store: Store, time_ns: int, accounts: Iterable[Any]) -> None:
    """Keep the accounts of a `LedgerReport`; the latest of a run, plugin and name counts."""
    run = store.run
    places = ",".join("?" * (7 + len(COUNTS)))
    rows = [
        (
            time_ns,
            run,
            account.plugin,
            account.name,
            account.filter,
            account.condition,
            account.delivery,
            *(getattr(account, name) for name in COUNTS),
        )
        for account in accounts
    ]
    if rows:
        store.connection.executemany(f"INSERT INTO accounts VALUES ({places})", rows)
