"""Plugins that the tests of the commands run."""

from __future__ import annotations

TICKER = '''
from hookbus import Event, Job, Plugin, PluginContext, Settings, Summary, hookimpl
from pydantic import Field, SecretStr


class Ticked(Event, type="tick.ticked", version=2, key="symbol"):
    """A clock has ticked."""

    symbol: str
    number: int = 0


class Ticker(Plugin):
    """Ticks a few times."""

    name = "ticker"

    class Settings(Settings):
        ticks: int = Field(3, ge=0, description="how many ticks")
        hook: SecretStr = Field(SecretStr("nothing-to-see"), description="where to tell")

    @hookimpl
    def hookbus_events(self):
        return (Ticked,)

    @hookimpl
    def hookbus_jobs(self):
        return (
            Job("daily", self.tick, cron="30 2 * * *", timezone="Europe/Berlin"),
            Job("fails", self.fail, cron="0 0 1 1 *"),
            Job("heard", self.tick, on="tick.never"),
        )

    @hookimpl
    def hookbus_start(self, context: PluginContext):
        self.bus = context.bus
        context.start_source(self.feed, "feed")

    async def feed(self, source):
        for number in range(self.settings.ticks):
            await self.bus.publish(Ticked(symbol="AAA", number=number))
            source.progress(number + 1, self.settings.ticks)

    async def tick(self):
        await self.bus.publish(Ticked(symbol="JOB"))

    async def fail(self):
        raise ValueError("no luck today")

    @hookimpl
    def hookbus_summary(self):
        return Summary("Ticks", (("Ticks", str(self.settings.ticks)),))
'''

SIMULATED = """
[clock]
mode = "simulated"
start = 2026-01-01T00:00:00Z
[plugins]
autoload = false
[plugins.ticker]
path = "ticker.py"
"""

SYSTEM = """
[plugins]
autoload = false
[plugins.ticker]
path = "ticker.py"
hook = "https://example.com/hidden-place"
"""

SIZED = """
class ThePlugin(Plugin):
    "Has a size and a colour."
    name = "{name}"
    class Settings(Settings):
        size: float = Field(1.0, gt=0, description="metres")
        colour: str = Field("red", description="of the line")
"""

FIVE_MISTAKES = """\
[plugins]
autoload = false

[plugins.one]
size = -1
color = "blue"

[plugins.two]
size = "large"

[plugins.three]
size = 0
colour = 7
"""

PLACES = {
    5: ("plugins.one.size", "must be greater than 0"),
    6: ("plugins.one.color", "Did you mean 'colour'?"),
    9: ("plugins.two.size", "must be a number"),
    12: ("plugins.three.size", "must be greater than 0"),
    13: ("plugins.three.colour", "must be text"),
}
"""The line, the key and a part of the message of each of the five."""
