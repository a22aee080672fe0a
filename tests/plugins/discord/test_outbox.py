"""The outbox loses nothing without a word: its books balance after any sequence of steps."""

from __future__ import annotations

from hookbus_discord.alerts import Alert
from hookbus_discord.outbox import DISPLACED, FULL, LAGGED, Message, Outbox
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition
from hypothesis.stateful import rule as step

from tests.plugins.discord.samples import Halted, Rejected, alert, rule

ORDINARY = rule(group_by="key", window=60)
CRITICAL = rule(2, group_by="key", window=60, severity="critical")


def make_outbox(capacity: int = 10) -> Outbox:
    """An outbox that tells nobody of what it drops."""
    return Outbox(capacity, lambda: None)


def rejected(symbol: str, at: float = 0) -> Alert:
    """An ordinary alert of the group `symbol`."""
    return alert(Rejected(symbol=symbol), by=ORDINARY, at=at)


def halted(reason: str = "drawdown") -> Alert:
    """A critical alert that shares its message with nobody."""
    return alert(Halted(reason=reason), by=rule(group_by="none", severity="critical"))


def take(outbox: Outbox) -> Message:
    """The next message, put under way."""
    message, _ = outbox.choose(lambda _: 0)
    assert message is not None
    outbox.take(message)
    return message


def post(outbox: Outbox, message_id: str = "1") -> Message:
    """Take the next message and say that Discord shows it."""
    message = take(outbox)
    outbox.shown(message, message.unshown, message_id)
    return message


def test_a_thousand_alerts_of_one_group_are_one_message() -> None:
    """A post with what came until then, and one edit with the rest."""
    outbox = make_outbox()
    for _ in range(600):
        outbox.put(rejected("BTC"))
    assert post(outbox).count == 600
    for _ in range(400):
        outbox.put(rejected("BTC", at=30))
    edited = post(outbox)
    assert (edited.count, edited.message_id) == (1000, "1")
    assert (outbox.account.sent, outbox.account.coalesced, outbox.pending) == (1, 999, 0)


def test_what_comes_while_a_message_is_under_way_is_edited_in() -> None:
    """It counts as pending until then."""
    outbox = make_outbox()
    outbox.put(rejected("BTC"))
    message = take(outbox)
    outbox.put(rejected("BTC"))
    outbox.shown(message, 1, "1")
    assert outbox.pending == 1
    assert post(outbox) is message
    assert (outbox.account.sent, outbox.account.coalesced) == (1, 1)


def test_after_the_window_a_new_message_begins() -> None:
    """An old message is not edited for ever, as nobody looks at it any more."""
    outbox = make_outbox()
    outbox.put(rejected("BTC"))
    first = post(outbox)
    outbox.put(rejected("BTC", at=61))
    assert post(outbox, "2") is not first
    assert outbox.account.sent == 2


def test_without_an_id_there_is_nothing_to_edit() -> None:
    """Where the answer does not name the message, the next alert is a new one."""
    outbox = make_outbox()
    outbox.put(rejected("BTC"))
    message = take(outbox)
    outbox.shown(message, 1, None)
    outbox.put(rejected("BTC"))
    assert take(outbox) is not message


def test_a_full_queue_keeps_the_oldest_ordinary_alerts() -> None:
    """What came first is nearest to the cause; what does not fit is counted."""
    outbox = make_outbox(capacity=2)
    for symbol in ("A", "B", "C", "D"):
        outbox.put(rejected(symbol))
    assert outbox.account.dropped == {FULL: 2}
    assert [post(outbox).first.envelope.key for _ in range(2)] == ["A", "B"]


def test_a_full_queue_still_takes_up_alerts_of_waiting_messages() -> None:
    """They need no room."""
    outbox = make_outbox(capacity=1)
    outbox.put(rejected("A"))
    outbox.put(rejected("A"))
    assert (outbox.pending, outbox.account.dropped.total()) == (2, 0)


def test_a_critical_alert_displaces_the_newest_ordinary_message() -> None:
    """With all the alerts that it holds."""
    outbox = make_outbox(capacity=2)
    for symbol in ("A", "B", "B"):
        outbox.put(rejected(symbol))
    outbox.put(halted())
    assert outbox.account.dropped == {DISPLACED: 2}
    assert [post(outbox).first.envelope.type for _ in range(2)] == [
        "sample.halted",
        "sample.rejected",
    ]


def test_critical_alerts_do_not_displace_each_other() -> None:
    """When nothing else is left to drop, the newest does not fit."""
    outbox = make_outbox(capacity=1)
    outbox.put(halted("first"))
    outbox.put(halted("second"))
    assert outbox.account.dropped == {FULL: 1}
    assert take(outbox).first.envelope.event == Halted(reason="first")


def test_new_messages_go_before_edits() -> None:
    """A number that grows can wait."""
    outbox = make_outbox()
    outbox.put(rejected("A"))
    first = post(outbox)
    outbox.put(rejected("A"))
    outbox.put(rejected("B"))
    assert take(outbox) is not first


def test_a_message_that_may_not_go_yet_does_not_hold_up_others() -> None:
    """And the least wait is told."""
    outbox = make_outbox()
    outbox.put(rejected("A"))
    outbox.put(halted())
    message, _ = outbox.choose(lambda one: 0 if one.critical else 5)
    assert message is not None
    assert message.critical
    outbox.take(message)
    outbox.shown(message, 1, "1")
    assert outbox.choose(lambda _: 5) == (None, 5)


def test_lost_events_are_in_the_books() -> None:
    """What the bus overwrote was matched, and is dropped."""
    outbox = make_outbox()
    outbox.miss(7)
    assert (outbox.account.matched, outbox.account.dropped) == (7, {LAGGED: 7})


def test_a_closed_outbox_drops_what_it_has_and_what_comes() -> None:
    """With the reason; also what is under way."""
    outbox = make_outbox()
    outbox.put(rejected("A"))
    take(outbox)
    outbox.put(rejected("A"))
    outbox.put(rejected("B"))
    outbox.close("over")
    assert not outbox.put(rejected("C"))
    assert (outbox.account.dropped, outbox.pending) == ({"over": 4}, 0)


def test_every_drop_is_told() -> None:
    """Whoever reports them is woken."""
    told: list[int] = []
    outbox = Outbox(1, lambda: told.append(1))
    for symbol in ("A", "B", "C"):
        outbox.put(rejected(symbol))
    assert len(told) == 2


def test_edits_do_not_pile_up() -> None:
    """Where only new messages get through, the oldest edits are given up, and counted."""
    outbox = make_outbox(capacity=2)
    for number in range(50):
        outbox.put(rejected(str(number)))
        message = take(outbox)
        outbox.shown(message, 1, str(number))
        outbox.put(rejected(str(number)))
    assert outbox.pending == 2
    assert outbox.account.dropped == {FULL: 48}


class Books(RuleBasedStateMachine):
    """Any sequence of what a bus, a courier and a host may do to an outbox."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = make_outbox(capacity=3)
        self.under_way: list[tuple[Message, int]] = []
        self.put_in = 0
        self.next_id = 0
        self.at = 0.0

    @step(symbol=st.sampled_from("ABCDEFG"), critical=st.booleans(), seconds=st.integers(0, 40))
    def put(self, symbol: str, critical: bool, seconds: int) -> None:
        """An alert comes some seconds later."""
        self.at += seconds
        by = CRITICAL if critical else ORDINARY
        self.outbox.put(alert(Rejected(symbol=symbol), by=by, at=self.at))
        self.put_in += 1

    @step(count=st.integers(1, 5))
    def miss(self, count: int) -> None:
        """The bus overwrote some."""
        self.outbox.miss(count)
        self.put_in += count

    @precondition(lambda self: not self.under_way)
    @step()
    def take(self) -> None:
        """The courier begins with the next message, if there is one."""
        message, _ = self.outbox.choose(lambda _: 0)
        if message is not None:
            self.outbox.take(message)
            self.under_way.append((message, message.unshown))

    @precondition(lambda self: self.under_way)
    @step(known=st.booleans())
    def shown(self, known: bool) -> None:
        """Discord takes it."""
        message, alerts = self.under_way.pop()
        self.next_id += 1
        self.outbox.shown(message, alerts, str(self.next_id) if known else None)

    @precondition(lambda self: self.under_way)
    @step(gone=st.booleans())
    def give_back(self, gone: bool) -> None:
        """It could not be sent, or what was to be edited has been deleted."""
        message, _ = self.under_way.pop()
        if gone:
            message.message_id = None
        self.outbox.give_back(message)

    @precondition(lambda self: self.under_way)
    @step()
    def discard(self) -> None:
        """Discord refuses it."""
        message, _ = self.under_way.pop()
        self.outbox.discard(message, "refused")

    @invariant()
    def every_alert_is_in_one_of_the_books(self) -> None:
        """Matched is the sum of where they went."""
        account = self.outbox.account
        gone = account.sent + account.coalesced + account.dropped.total()
        assert account.matched == self.put_in == gone + self.outbox.pending
        assert min(account.sent, account.coalesced, self.outbox.pending) >= 0

    @invariant()
    def it_is_bounded(self) -> None:
        """No more messages wait, or are remembered, than it may hold, but one given back."""
        assert len(self.outbox._posts) <= 5
        assert len(self.outbox._edits) <= 4
        assert len(self.outbox._groups) <= 3

    def teardown(self) -> None:
        """In the end nothing is pending."""
        self.outbox.close("over")
        assert self.outbox.pending == 0
        self.every_alert_is_in_one_of_the_books()


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
