"""The bus against a simple model, by random steps: nothing is lost unaccounted, order is kept."""

from __future__ import annotations

import asyncio
from typing import Any

from hookbus.envelope import Envelope, Lagged
from hookbus.errors import WouldBlock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.host.bus_model import FILTERS, POLICIES, PREDICATES, Play, Reader, accepted
from tests.host.bussing import Alarm, Market, Order, Tick, turns

KINDS: st.SearchStrategy[type[Market]] = st.sampled_from([Tick, Tick, Order, Alarm])


class BusMachine(RuleBasedStateMachine):
    """Publishes, subscribes, closes, holds up and lets go, at random."""

    def __init__(self) -> None:
        super().__init__()
        self.play = Play()

    def teardown(self) -> None:
        """Settle, compare once more, and end without complaints."""
        try:
            self.let_everybody_go()
        finally:
            self.play.end()
        self.books_balance()
        assert self.play.complaints == []

    # Steps

    @precondition(lambda self: len(self.play.readers) < 6)
    @rule(
        wanted=st.sampled_from(sorted(FILTERS)),
        predicate=st.sampled_from(sorted(PREDICATES)),
        policy=st.sampled_from(["plain"] * 4 + sorted(POLICIES)),
        lossless=st.booleans(),
        capacity=st.sampled_from([1, 1, 2, 2, 3, 4, 8]),
        failing=st.booleans(),
        echo=st.booleans(),
        held=st.booleans(),
    )
    def subscribe(
        self,
        wanted: str,
        predicate: str,
        policy: str,
        lossless: bool,
        capacity: int,
        failing: bool,
        echo: bool,
        held: bool,
    ) -> None:
        """Open a subscription of some kind."""
        reader = Reader(
            wanted=FILTERS[wanted][1],
            predicate=PREDICATES[predicate],
            policy=policy,
            lossless=lossless and wanted != "everything",
            capacity=capacity,
            since=0,
            failing=failing,
            echo=echo,
        )
        if not held:
            reader.gate.set()
        self.play.run(self.play.open(reader))

    @rule(kind=KINDS, count=st.integers(1, 20))
    def publish(self, kind: type[Market], count: int) -> None:
        """Publish without waiting; full lossless readers, and only they, may refuse."""

        async def burst() -> None:
            for _ in range(count):
                event = self.play.next_event(kind)
                full = self.full_readers(event)
                try:
                    self.play.bus.publish_nowait(event)
                except WouldBlock:
                    assert full

        self.play.run(burst())

    @precondition(lambda self: len(self.play.publishers) < 20)
    @rule(kind=KINDS, count=st.integers(1, 5))
    def publish_waiting(self, kind: type[Market], count: int) -> None:
        """Have publishers publish, who wait where they must."""

        async def start() -> None:
            for _ in range(count):
                event = self.play.next_event(kind)
                self.play.publishers.append(asyncio.ensure_future(self.play.bus.publish(event)))

        self.play.run(start())

    @precondition(lambda self: any(not one.done() for one in self.play.publishers))
    @rule(data=st.data())
    def cancel_a_publisher(self, data: st.DataObject) -> None:
        """Have one of those who wait give up."""
        waiting = [one for one in self.play.publishers if not one.done()]
        waiting[data.draw(st.integers(0, len(waiting) - 1))].cancel()

    @precondition(lambda self: self.play.readers)
    @rule(data=st.data(), go=st.booleans())
    def hold_or_let_go(self, data: st.DataObject, go: bool) -> None:
        """Have the handler of one subscription wait, or go on."""
        reader = data.draw(st.sampled_from(self.play.readers))
        reader.gate.set() if go else reader.gate.clear()

    @precondition(lambda self: any(one.until is None for one in self.play.readers))
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Close a subscription."""

        open_ones = [one for one in self.play.readers if one.until is None]
        self.play.run(self.play.close(data.draw(st.sampled_from(open_ones))))

    @rule(count=st.integers(1, 10))
    def give_way(self, count: int) -> None:
        """Let everybody run for some turns."""
        self.play.run(turns(count))

    @rule(seconds=st.sampled_from([0.5, 2.0, 20.0, 120.0]))
    def let_time_pass(self, seconds: float) -> None:
        """Let simulated time pass; the hold limit may be reached."""
        self.play.run(self.play.clock.sleep(seconds))

    @rule()
    def settle(self) -> None:
        """Let everybody go, and wait until all is handled."""
        self.let_everybody_go()

    def let_everybody_go(self) -> None:
        """Open every gate, and compare when the bus has settled."""

        async def settling() -> None:
            for reader in self.play.readers:
                reader.gate.set()
            if self.play.publishers:
                await asyncio.wait(self.play.publishers, timeout=10**6)
            assert all(one.done() for one in self.play.publishers)
            self.play.publishers.clear()
            await asyncio.wait_for(self.play.bus.settled(), 10**6)

        self.play.run(settling())
        for reader in self.play.readers:
            if reader.until is None:
                self.everything_arrived(reader)

    # Comparing

    def full_readers(self, event: Market) -> list[Reader]:
        """The lossless readers of an event that have as much unread as they asked for."""
        readers = (one for one in self.play.readers if one.lossless and one.until is None)
        return [
            one
            for one in readers
            if one.policy != "inline"
            and one.wanted(event)
            and accepted(one.predicate, event)
            and one.handle.unread >= one.capacity
        ]

    def everything_arrived(self, reader: Reader) -> None:
        """After settling, every event was handled, given up, coalesced, or told as lost."""
        expected = reader.expected(self.play.truth)
        done = {one.sequence for one in [*reader.done(), *reader.failed, *reader.interrupted]}
        missing = [one for one in expected if one.sequence not in done]
        if reader.policy == "throttle":
            assert len(missing) == reader.lost() + reader.handle.stats().coalesced
        else:
            assert len(missing) == reader.lost()
        assert not [one for one in missing if isinstance(one.event, Alarm)]
        if reader.lossless or reader.policy == "inline":
            assert reader.lost() == 0
        assert reader.handle.stats().pending == 0

    @invariant()
    def books_balance(self) -> None:
        """The ledger has no discrepancy, and its figures are those of the model."""
        report = self.play.events.ledger.report()
        assert report.discrepancies == ()
        assert report.published == len(self.play.truth)
        self.play.truth.sort(key=lambda one: one.sequence)
        assert [one.sequence for one in self.play.truth] == list(range(1, report.published + 1))
        for reader in self.play.readers:
            self.figures_agree(reader)

    def figures_agree(self, reader: Reader) -> None:
        """Compare the statistics of a subscription with what its handler has seen."""
        stats = reader.handle.stats()
        offered, expected = reader.offered(self.play.truth), reader.expected(self.play.truth)
        assert stats.matched == len(offered)
        assert stats.filtered == len(offered) - len(expected)
        assert stats.lagged >= reader.lost()
        assert stats.pending <= len(expected)
        assert stats.delivered <= len(reader.done())
        assert reader.at_most is None or len(reader.done()) <= reader.at_most
        if reader.policy != "inline" and reader.lossless and reader.until is None:
            assert reader.handle.unread <= 16 * max(8, reader.capacity)

    @invariant()
    def order_is_kept(self) -> None:
        """What a subscription was told is in the order of publishing, each event once."""
        for reader in self.play.readers:
            done = reader.done()
            sequences = [one.sequence for one in done]
            assert len(set(sequences)) == len(sequences)
            wanted = {one.sequence for one in reader.expected(self.play.truth)}
            assert wanted.issuperset(sequences)
            for group in self.groups(reader, done) if reader.policy != "inline" else ():
                assert group == sorted(group)
            if reader.policy not in ("throttle", "concurrency", "inline"):
                self.gaps_are_told(reader)

    def groups(self, reader: Reader, done: list[Envelope]) -> list[list[int]]:
        """The sequences that must be in order: of all, or by key where that is the promise."""
        if reader.policy not in ("throttle", "concurrency"):
            return [[one.sequence for one in done]]
        groups: dict[Any, list[int]] = {}
        for one in done:
            kind = type(one.event) if reader.policy == "throttle" else None
            groups.setdefault((kind, one.key or one.sequence), []).append(one.sequence)
        return list(groups.values())

    def gaps_are_told(self, reader: Reader) -> None:
        """Before an event that follows a gap, at least as many were told as lost as are missing."""
        places = {one.sequence: at for at, one in enumerate(reader.expected(self.play.truth))}
        failed = {places[one.sequence] for one in [*reader.failed, *reader.interrupted]}
        told, seen = 0, 0
        for item in reader.story:
            if isinstance(item, Lagged):
                told += item.missed
            else:
                place = places[item.sequence]
                missing = place - seen - sum(one < place for one in failed)
                assert missing <= told
                seen += 1


BusMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestBus = BusMachine.TestCase
