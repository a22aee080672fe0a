"""Publishing from inside a plain handler, which may not wait."""

from hookbus import Bus, Event, WouldBlock

__all__ = ["tell"]


def tell(bus: Bus, event: Event) -> None:
    """Publish at once; the ring of a lossless subscriber that is full grows.

    Whoever feeds the bars waits for that subscriber before the next one, so the growth ends there.
    """
    try:
        bus.publish_nowait(event)
    except WouldBlock:
        bus.publish_forced(event)
