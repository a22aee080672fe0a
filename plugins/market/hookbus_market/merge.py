"""Merge streams of bars by time."""

import heapq
from collections.abc import Sequence
from operator import attrgetter

from hookbus_market.rows import Bars

__all__ = ["merged"]


def merged(streams: Sequence[Bars]) -> Bars:
    """All bars of streams that are each in the order of time, in the order of time.

    At the same time the order is that of the streams. Holds one bar of each stream in memory, and
    closes all of them when it ends or is closed.
    """
    try:
        if len(streams) == 1:
            yield from streams[0]
        else:
            yield from heapq.merge(*streams, key=attrgetter("time"))
    finally:
        for stream in streams:
            stream.close()
