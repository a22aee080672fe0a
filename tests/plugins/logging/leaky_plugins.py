"""Plugins that let out their secrets in every way that a plugin can by mistake."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hookbus import Event, Job, Plugin, PluginContext, Settings, Summary, hookimpl
from pydantic import Field, SecretStr


class Rang(Event, type="leaky.rang"):
    """What the handlers below fail on; carries a secret as one should."""

    number: int = Field(description="number of the ring")
    token: SecretStr = Field(description="a secret")
    note: str = Field("", description="text about the settings")


class Account(Settings):
    """A table in a table."""

    user: str = Field("trader", description="user")
    password: SecretStr = Field(description="password")


class LeakySettings(Settings):
    """Ten secrets, as plugins have them."""

    webhook: SecretStr = Field(description="URL that is a secret as a whole")
    api_key: SecretStr = Field(description="key")
    database: SecretStr = Field(description="URL with a password")
    exception_token: SecretStr = Field(description="what the exceptions quote")
    traceback_token: SecretStr = Field(description="what the causes of the exceptions quote")
    event_token: SecretStr = Field(description="what the events carry")
    accounts: dict[str, Account] = Field(description="tables by name")
    backups: tuple[Account, ...] = Field((), description="a list of tables")
    shown: SecretStr = Field(description="what a careless log shows with all settings")
    from_environment: SecretStr = Field(description="set by a variable of the environment")
    from_command: SecretStr = Field(description="set by --set")

    def plainly(self) -> str:
        """All secrets in plain text."""
        simple = (
            self.webhook, self.api_key, self.database, self.exception_token, self.traceback_token,
            self.event_token, self.shown, self.from_environment, self.from_command,
        )  # fmt: skip
        accounts = (*self.accounts.values(), *self.backups)
        secrets = [*simple, *(account.password for account in accounts)]
        return " ".join(secret.get_secret_value() for secret in secrets)


class LeakyError(Exception):
    """An exception that quotes everything, in itself, in a note and in its cause."""

    def __init__(self, text: str) -> None:
        super().__init__(f"refused: {text}")
        self.add_note(f"tried with {text}")


def fail(text: str) -> None:
    """Raise an exception with a cause, each of which quotes `text`."""
    try:
        raise KeyError(text)
    except KeyError as error:
        raise LeakyError(text) from error


class Leaky(Plugin):
    """Lets out its secrets while everything else works."""

    name = "leaky"
    Settings = LeakySettings

    settings: LeakySettings

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare the event."""
        return (Rang,)

    @hookimpl
    def hookbus_jobs(self) -> tuple[Job, ...]:
        """A job that fails."""
        return (Job("failing", self.fail, every=1),)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Subscribe in every mode."""
        self.context = context
        for mode in ("inline", "thread"):
            context.bus.subscribe(Rang, self.fail_plainly, mode=mode, name=mode)
        context.bus.subscribe(Rang, self.fail_async, name="async")
        context.bus.subscribe(Rang, self.fail_in_batches, batch=2, name="batches")
        context.bus.subscribe(Rang, self.spawn, name="spawn")
        context.bus.subscribe(Rang, print, where=self.fail_plainly, mode="inline", name="where")
        self.queue = context.queue("failing", str, self.fail_async)
        context.start_source(self.ring, "ring")

    async def ring(self, _: Any) -> None:
        """Publish events, log carelessly, and fail."""
        text, log = self.settings.plainly(), self.context.log
        log.info(f"posting to {text}", url=text, table={"key": text}, settings=self.settings)
        log.error("quoted", parts=[text, {"key": text}], quoted=repr(text), json=json.dumps(text))
        try:
            fail(text)
        except LeakyError:
            log.exception("failed")
        for number in range(3):
            token, note = self.settings.event_token, f"{self.settings!r}"
            await self.context.bus.publish(Rang(number=number, token=token, note=note))
            await self.queue.put(text)
            await self.context.clock.sleep(1)
        fail(text)

    def fail_plainly(self, _: object) -> bool:
        """Fail."""
        fail(self.settings.plainly())
        return True

    async def fail_async(self, _: object) -> None:
        """Fail."""
        fail(self.settings.plainly())

    async def fail_in_batches(self, _: list[Event]) -> None:
        """Fail."""
        fail(self.settings.plainly())

    async def spawn(self, _: object) -> None:
        """Leave failures to the event loop."""
        loop = asyncio.get_running_loop()
        loop.call_soon(fail, self.settings.plainly())
        self.stray = asyncio.create_task(self.fail_async(None))

    def fail(self) -> None:
        """Fail."""
        fail(self.settings.plainly())

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Fail."""
        fail(self.settings.plainly())

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Show everything."""
        return Summary(self.settings.plainly(), (("Secrets", self.settings.plainly()),))


class Doomed(Plugin):
    """Cannot start, and says why with all secrets."""

    name = "doomed"
    Settings = LeakySettings

    settings: LeakySettings

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Fail."""
        fail(self.settings.plainly())


class Forsaken(Plugin):
    """Fails by a task of its own."""

    name = "forsaken"
    Settings = LeakySettings

    settings: LeakySettings

    @hookimpl
    def hookbus_ready(self, context: PluginContext) -> None:
        """Start the task."""
        context.start_task(self.fail(), "failing")

    async def fail(self) -> None:
        """Fail."""
        fail(self.settings.plainly())


class Mistyped(Plugin):
    """Is given secrets under names that it does not know."""

    name = "mistyped"
    Settings = LeakySettings
