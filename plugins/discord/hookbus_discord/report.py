"""Reports: what became of the alerts, for the summary and for the events about dropped ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator

from hookbus_discord.courier import Courier
from hookbus_discord.events import AlertsDropped


class DropReport:
    """What has been said of dropped alerts so far; `news` is set when there is more to say."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self._said: dict[str, Counter[str]] = {}

    def new(self, couriers: Iterable[Courier]) -> Iterator[AlertsDropped]:
        """What was dropped since the last call, one event for each webhook."""
        self.news.clear()
        for courier in couriers:
            dropped = courier.outbox.account.dropped
            reasons = dropped - self._said.get(courier.name, Counter())
            self._said[courier.name] = Counter(dropped)
            if reasons:
                yield AlertsDropped(
                    webhook=courier.name, dropped=reasons.total(), reasons=dict(reasons)
                )


def account_line(courier: Courier) -> str:
    """The account of a webhook's alerts as an equation."""
    account = courier.outbox.account
    return (
        f"{account.matched:,} = {account.sent:,} sent + {account.coalesced:,} coalesced + "
        f"{account.dropped.total():,} dropped + {courier.outbox.pending:,} pending"
    )


def summary_rows(couriers: Iterable[Courier]) -> tuple[tuple[str, str], ...]:
    """Labels and values for each webhook that had something to do."""
    return tuple(row for courier in couriers for row in _rows(courier))


def _rows(courier: Courier) -> Iterator[tuple[str, str]]:
    account, name = courier.outbox.account, courier.name
    if account.matched:
        yield f"{name}: alerts", account_line(courier)
    for reason, count in account.dropped.items():
        yield f"{name}: dropped, {reason}", f"{count:,}"
    for reason, count in courier.failures.items():
        yield f"{name}: attempts failed, {reason}", f"{count:,}"
    if courier.limited:
        yield f"{name}: rate limit reached", f"{courier.limited:,} times"
    if courier.gone is not None:
        yield f"{name}: stopped", courier.gone
