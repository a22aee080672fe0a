"""The events that the journal publishes about itself."""

from __future__ import annotations

from hookbus.operational import OperationalEvent
from pydantic import Field


class JournalFailed(OperationalEvent, type="journal.failed", critical=True):
    """Nothing can be stored at the moment; durable events are refused until it has recovered."""

    file: str = Field(description="the database")
    reason: str = Field(description="what went wrong, and what to do about it")


class JournalRecovered(OperationalEvent, type="journal.recovered", critical=True):
    """Events are stored again."""

    file: str = Field(description="the database")
    missed: int = Field(description="best-effort events that were not recorded meanwhile")


class RecordingFellBehind(OperationalEvent, type="journal.recording.fell-behind"):
    """Best-effort events were not recorded: more were published than could be written."""

    count: int = Field(description="events that are missing in the journal")


OWN_EVENTS = (JournalFailed, JournalRecovered, RecordingFellBehind)
"""What the journal publishes; never durable, since it tells of a journal that does not work."""
