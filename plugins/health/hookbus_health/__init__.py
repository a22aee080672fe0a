"""How well a host works: rules with hysteresis, health checks of plugins, and a watchdog."""

from hookbus_health.plugin import HealthPlugin
from hookbus_health.settings import HealthSettings

__all__ = ["HealthPlugin", "HealthSettings"]
