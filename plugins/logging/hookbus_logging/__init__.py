"""Every event of a host as structlog JSON or as coloured console lines."""

from hookbus_logging.plugin import LoggingPlugin
from hookbus_logging.settings import LoggingSettings

__all__ = ["LoggingPlugin", "LoggingSettings"]
