"""The memory of a host: every event in order, durable ones before they are dispatched."""

from hookbus_journal.plugin import JournalPlugin
from hookbus_journal.settings import JournalSettings

__all__ = ["JournalPlugin", "JournalSettings"]
