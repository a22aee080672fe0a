"""The outbox of one webhook: a bounded queue of messages, in which alerts of one group are one.

Every alert is in one of the books at any time: sent (a message was posted for it), coalesced (it is
shown by a message that was posted for another), dropped (with the reason), or pending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from hookbus_discord.alerts import Alert

FULL = "the queue was full"
DISPLACED = "displaced by a critical alert"
LAGGED = "more events than the buffer holds"


@dataclass(slots=True)
class Account:
    """What became of the alerts of a webhook, but for those that are pending."""

    matched: int = 0
    sent: int = 0
    coalesced: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Message:
    """A message that waits, is under way, or has been posted and may be edited.

    `count` alerts belong to it, of which `unshown` are not in Discord yet; `kinds` counts them by
    wire name. `ready_ns` is the earliest instant for the next edit.
    """

    __slots__ = ("count", "first", "group", "kinds", "latest", "message_id", "ready_ns", "unshown")

    def __init__(self, alert: Alert, group: Hashable | None) -> None:
        self.first = alert
        self.latest = alert
        self.group = group
        self.count = 1
        self.unshown = 1
        self.kinds = Counter({alert.envelope.type: 1})
        self.message_id: str | None = None
        self.ready_ns = 0

    @property
    def critical(self) -> bool:
        """Whether it goes before others."""
        return self.first.critical

    def add(self, alert: Alert) -> None:
        """Take up one more alert of its group."""
        self.latest = alert
        self.count += 1
        self.unshown += 1
        self.kinds[alert.envelope.type] += 1

    def takes(self, alert: Alert) -> bool:
        """Whether an alert of its group comes within the window of its first one."""
        age_ns = alert.envelope.time_ns - self.first.envelope.time_ns
        return age_ns <= self.first.rule.window_ns


class Outbox:
    """Holds at most `capacity` messages that wait to be posted, and remembers as many for edits.

    `on_drop` is called after alerts were dropped.
    """

    def __init__(self, capacity: int, on_drop: Callable[[], None]) -> None:
        self.account = Account()
        self._capacity = capacity
        self._on_drop = on_drop
        self._posts: dict[Message, None] = {}
        self._edits: dict[Message, None] = {}
        self._groups: dict[Hashable, Message] = {}
        self._under_way: Message | None = None
        self._closed: str | None = None

    @property
    def pending(self) -> int:
        """Alerts that are neither shown nor dropped."""
        under_way = self._under_way.unshown if self._under_way else 0
        return under_way + sum(one.unshown for one in chain(self._posts, self._edits))

    def put(self, alert: Alert) -> bool:
        """Take an alert; returns whether there is a message more to send."""
        self.account.matched += 1
        if self._closed is not None:
            self._drop(1, self._closed)
            return False
        group = alert.group()
        known = None if group is None else self._groups.get(group)
        if known is not None and known.takes(alert):
            known.add(alert)
            return self._enqueue(known)
        if not self._make_room(alert):
            self._drop(1, FULL)
            return False
        message = Message(alert, group)
        self._remember(message)
        return self._enqueue(message)

    def miss(self, count: int) -> None:
        """Note alerts that were lost before they could be put."""
        self.account.matched += count
        self._drop(count, LAGGED)

    def choose(self, wait_ns: Callable[[Message], int]) -> tuple[Message | None, int | None]:
        """The next message to send and 0; or None and the least wait; or twice None if it is empty.

        `wait_ns` says how long a message has to wait. Critical ones come first, then new messages
        before edits, then the older ones.
        """
        waits = []
        for message in self._in_order():
            wait = wait_ns(message)
            if wait <= 0:
                return message, 0
            waits.append(wait)
        return None, min(waits, default=None)

    def take(self, message: Message) -> None:
        """Take a chosen message out: it is under way until one of the next three is called."""
        self._posts.pop(message, None)
        self._edits.pop(message, None)
        self._under_way = message

    def shown(self, message: Message, alerts: int, message_id: str | None) -> None:
        """Discord shows the message with `alerts` that it did not show before."""
        self._under_way = None
        posted = int(message.message_id is None)
        self.account.sent += posted
        self.account.coalesced += alerts - posted
        message.unshown -= alerts
        message.message_id = message.message_id or message_id
        if message.message_id is None:
            self._forget(message)
        if message.unshown:
            self._enqueue(message)

    def give_back(self, message: Message) -> None:
        """Put a message that could not be sent back to the front."""
        self._under_way = None
        if message.message_id is None:
            self._posts = {message: None, **self._posts}
        else:
            self._edits = {message: None, **self._edits}

    def discard(self, message: Message, reason: str) -> None:
        """Drop what a message has not shown yet, and begin a new one for its group next time."""
        self._posts.pop(message, None)
        self._edits.pop(message, None)
        if message is self._under_way:
            self._under_way = None
        self._forget(message)
        self._drop(message.unshown, reason)
        message.unshown = 0

    def close(self, reason: str) -> None:
        """Drop everything that is left, and whatever will be put."""
        if self._closed is not None:
            return
        self._closed = reason
        under_way = [self._under_way] if self._under_way else []
        for message in [*under_way, *self._posts, *self._edits]:
            self.discard(message, reason)
        self._groups.clear()

    def _in_order(self) -> Iterator[Message]:
        for critical in (True, False):
            for message in chain(self._posts, self._edits):
                if message.critical is critical:
                    yield message

    def _enqueue(self, message: Message) -> bool:
        queue = self._posts if message.message_id is None else self._edits
        if message is self._under_way or message in queue:
            return False
        queue[message] = None
        if len(self._edits) > self._capacity:
            self.discard(next(iter(self._edits)), FULL)
        return True

    def _make_room(self, alert: Alert) -> bool:
        if len(self._posts) < self._capacity:
            return True
        ordinary = (one for one in reversed(self._posts) if not one.critical)
        victim = next(ordinary, None) if alert.critical else None
        if victim is None:
            return False
        self.discard(victim, DISPLACED)
        return True

    def _remember(self, message: Message) -> None:
        if message.group is None:
            return
        self._groups.pop(message.group, None)
        self._groups[message.group] = message
        if len(self._groups) > self._capacity:
            del self._groups[next(iter(self._groups))]

    def _forget(self, message: Message) -> None:
        if message.group is not None and self._groups.get(message.group) is message:
            del self._groups[message.group]

    def _drop(self, count: int, reason: str) -> None:
        self.account.dropped[reason] += count
        self._on_drop()
