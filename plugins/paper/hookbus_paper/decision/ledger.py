"""The ledger: what became of every order, and the reservations for them, in the journal's database.

The entries are the events themselves, each once. They are written with the offset of the consumer
that hands them over, so they hold everything up to that offset; what is beyond it is still in the
journal. Books are made from both by the code that follows the events of a run.
"""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from hookbus import Journal, Statement, Transaction
from hookbus_trading.flow import Fill, Order, OrderCancelled, OrderEvent, OrderRejected

__all__ = ["CONSUMER", "ENTRIES", "Ledger", "Reservation", "end_reservation", "write_entry"]

ENTRIES: tuple[type[OrderEvent], ...] = (Order, Fill, OrderCancelled, OrderRejected)
"""The events that make the books."""

CONSUMER = "ledger"
"""The name of the durable subscription that writes the entries."""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS paper_ledger (
        number INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        order_id TEXT NOT NULL,
        part TEXT NOT NULL,
        data TEXT NOT NULL,
        UNIQUE (order_id, type, part)
    )""",
    """CREATE TABLE IF NOT EXISTS paper_reservations (
        order_id TEXT PRIMARY KEY,
        book TEXT NOT NULL,
        strategy TEXT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        quantity TEXT NOT NULL,
        price TEXT NOT NULL,
        opens INTEGER NOT NULL,
        state TEXT NOT NULL
    )""",
)


class Reservation(NamedTuple):
    """What an order takes of its book: the price expected per unit, and whether it opens."""

    price: Decimal
    opens: bool
    state: str = "open"

    def insert(self, order: Order) -> Statement:
        """The statement that reserves."""
        about = (order.order_id, order.book, order.strategy, order.symbol, order.side)
        amounts = (str(order.quantity), str(self.price), self.opens, self.state)
        sql = "INSERT INTO paper_reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        return Statement(sql, (*about, *amounts))


def end_reservation(order_id: str, state: str) -> Statement:
    """The statement that settles or releases a reservation, once."""
    sql = "UPDATE paper_reservations SET state = ? WHERE order_id = ? AND state = 'open'"
    return Statement(sql, (state, order_id))


async def write_entry(event: OrderEvent, transaction: Transaction) -> None:
    """Put an event into the ledger; one that is there already changes nothing."""
    transaction.execute(
        "INSERT OR IGNORE INTO paper_ledger (type, order_id, part, data) VALUES (?, ?, ?, ?)",
        *_identity(event),
        event.model_dump_json(),
    )


def _identity(event: OrderEvent) -> tuple[str, str, str]:
    declared = event.__event__
    name = "" if declared is None else declared.name
    return name, event.order_id, event.fill_id if isinstance(event, Fill) else ""


class Ledger:
    """Reads what earlier runs have left; `consumer` is the full name of the one that writes it."""

    def __init__(self, journal: Journal, consumer: str) -> None:
        self._journal = journal
        self._consumer = consumer

    async def prepare(self) -> None:
        """Make the tables where they are missing."""
        await self._journal.transact([Statement(sql) for sql in _TABLES])

    async def reservation(self, order_id: str) -> Reservation | None:
        """The reservation for an order; None where there is none."""
        return (await self._reservations("WHERE order_id = ?", order_id)).get(order_id)

    async def reservations(self) -> Mapping[str, Reservation]:
        """All of them, by the identifier of the order."""
        return await self._reservations()

    async def _reservations(self, where: str = "", *values: Any) -> dict[str, Reservation]:
        sql = f"SELECT order_id, price, opens, state FROM paper_reservations {where}"
        rows = await self._journal.query(Statement(sql, values))
        return {
            order_id: Reservation(Decimal(price), bool(opens), state)
            for order_id, price, opens, state in rows
        }

    async def entries(self) -> AsyncIterator[OrderEvent]:
        """Every entry of earlier runs, each once, in the order in which they were committed."""
        offset = await self._offset()
        kinds = {kind.__event__.name: kind for kind in ENTRIES if kind.__event__ is not None}
        sql = "SELECT type, data FROM paper_ledger ORDER BY number"
        seen: set[tuple[str, str, str]] = set()
        for name, data in await self._journal.query(Statement(sql)):
            event = kinds[name].model_validate_json(data)
            seen.add(_identity(event))
            yield event
        async for stored in self._journal.history(tuple(kinds), after=offset):
            event = kinds[stored.type].model_validate_json(stored.data)
            if _identity(event) not in seen:
                yield event

    async def _offset(self) -> int:
        """Up to where the consumer has written; it is read first, so that no entry is missed."""
        sql = 'SELECT "offset" FROM consumers WHERE name = ?'
        ((offset,),) = await self._journal.query(Statement(sql, (self._consumer,)))
        return int(offset)
