"""The ledger: the account of every event that was published.

The bus keeps no book per event. Counts follow from cursors and from what each subscription notes
as it handles its events; the ledger adds them up from independent sides and says where they differ.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from hookbus.bus.stats import SubscriptionStats
from hookbus.events import event_type

if TYPE_CHECKING:
    from hookbus.bus.eventbus import AnySubscription, EventBus

_TEXT_FIELDS = ("name", "plugin", "filter", "delivery", "condition")


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The books at one moment.

    `published` events; `by_type` how many of each wire name; `cut` were refused because their
    causal chain was too deep; `accounts` is what became of them, by subscription; `discrepancies`
    names every account that does not add up.
    """

    published: int
    by_type: dict[str, int]
    cut: int
    accounts: tuple[SubscriptionStats, ...]
    discrepancies: tuple[str, ...]

    def total(self, field: str) -> int:
        """The sum of one count over all subscriptions."""
        return sum(getattr(account, field) for account in self.accounts)

    def line(self) -> str:
        """The books in one line, such as '1,204 published, every one accounted for'."""
        if self.discrepancies:
            return f"{self.published:,} published, NOT accounted for: " + "; ".join(
                self.discrepancies
            )
        parts = [
            f"{self.total(field):,} {label}"
            for field, label in (
                ("delivered", "delivered"),
                ("filtered", "filtered"),
                ("coalesced", "coalesced"),
                ("lagged", "lagged"),
                ("dead_lettered", "dead-lettered"),
                ("abandoned", "abandoned"),
                ("pending", "pending"),
            )
            if self.total(field) or field == "delivered"
        ]
        if self.cut:
            parts.append(f"{self.cut:,} cut")
        return f"{self.published:,} published, every one accounted for ({', '.join(parts)})"


class Ledger:
    """The books of one bus."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._closed: dict[tuple[str, ...], SubscriptionStats] = {}
        self._ending: list[AnySubscription] = []
        self._closed_counts: dict[str, int] = {}
        self.cut = 0

    def keep(self, subscription: AnySubscription) -> None:
        """Keep the account of a closed subscription, which may still be busy with an event."""
        self._add_up()
        self._ending.append(subscription)

    def _add_up(self) -> None:
        """Add the accounts of those that have ended to one account per name."""
        ended = [one for one in self._ending if one.ended]
        self._ending = [one for one in self._ending if not one.ended]
        for stats in (one.stats() for one in ended):
            known = self._closed.get(_key(stats))
            self._closed[_key(stats)] = stats if known is None else _add(known, stats)

    def _accounts(self) -> list[SubscriptionStats]:
        self._add_up()
        accounts = dict(self._closed)
        for stats in (one.stats() for one in self._ending):
            known = accounts.get(_key(stats))
            accounts[_key(stats)] = stats if known is None else _add(known, stats)
        subscriptions = (one.stats() for one in self._bus.subscriptions)
        inlines = (one.stats() for one in self._bus.inlines)
        consumers = (one.stats() for one in self._bus.commits.consumers)
        return [*accounts.values(), *subscriptions, *inlines, *consumers]

    def keep_routes(self) -> None:
        """Keep the counts by type when the bus closes."""
        self._closed_counts = self._by_type()

    def _by_type(self) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for cls, route in self._bus.routes.items():
            counts[event_type(cls).name] += route.published
        return dict(sorted(counts.items())) or self._closed_counts

    def report(self) -> LedgerReport:
        """The books as they stand."""
        bus = self._bus
        accounts = sorted(self._accounts(), key=lambda stats: (stats.plugin, stats.name))
        by_type = self._by_type()
        return LedgerReport(
            published=bus.sequence,
            by_type=by_type,
            cut=self.cut,
            accounts=tuple(accounts),
            discrepancies=tuple(self._discrepancies(accounts, by_type)),
        )

    def _discrepancies(
        self, accounts: list[SubscriptionStats], by_type: dict[str, int]
    ) -> list[str]:
        wrong = [
            f"subscription {stats.name!r} of {stats.plugin!r} does not balance: {stats.line()}"
            for stats in accounts
            if not stats.balanced
        ]
        counted, commits = sum(by_type.values()), self._bus.commits
        if counted + len(commits.in_flight) + commits.refused != self._bus.sequence:
            wrong.append(
                f"{self._bus.sequence} sequences were given, {counted} events routed, "
                f"{len(commits.in_flight)} are being committed and {commits.refused} were refused"
            )
        for channel in self._bus.channels.values():
            offered = self._bus.published_of(channel.filter) - channel.published_before
            if offered != channel.tail + channel.filtered:
                wrong.append(
                    f"channel {channel.filter} was offered {offered} events and has "
                    f"{channel.tail} and filtered {channel.filtered}"
                )
        return wrong


def _key(stats: SubscriptionStats) -> tuple[str, ...]:
    return tuple(getattr(stats, field) for field in _TEXT_FIELDS)


def _add(one: SubscriptionStats, other: SubscriptionStats) -> SubscriptionStats:
    sums = {
        field.name: getattr(one, field.name) + getattr(other, field.name)
        for field in fields(SubscriptionStats)
        if field.name not in _TEXT_FIELDS
    }
    return replace(one, **sums)
