"""What a plugin is: the base class, its states, its record in the host, its summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from hookbus.errors import PluginError, Problem
from hookbus.settings.secrets import redact
from hookbus.settings.settings import Settings as _Settings

if TYPE_CHECKING:
    from hookbus.health import HealthCheck
    from hookbus.plugins.discovery import Candidate


class Plugin:
    """The base of every plugin; `hookbus.hookspecs` lists the hooks that it may implement.

    The first line of its docstring is what `hookbus plugins list` shows. Building a plugin must be
    cheap and without effects outside: the host does it in a thread of its own, also for commands
    that never start it. Whatever needs a file, a socket or the event loop begins in
    `hookbus_start`.
    """

    name: ClassVar[str] = ""
    """The plugin's name, equal to its entry point's: lower-case letters, digits and dashes."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Plugins that must be started before this one, and without which it fails."""

    after: ClassVar[tuple[str, ...]] = ()
    """Plugins that are started before this one if they are there at all."""

    foundation: ClassVar[bool] = False
    """Whether others rest on it: such plugins are started first and stopped last, like a journal.
    """

    outward: ClassVar[bool] = False
    """Whether it tells the world outside what happens: it sends, prints, or writes files that are
    meant for people. A replay of recorded events leaves such plugins out unless asked."""

    hook_api: ClassVar[int] = 1
    """The version of the hooks that the plugin was made for."""

    Settings: ClassVar[type[_Settings]] = _Settings
    """The model of `[plugins.NAME]`."""

    settings: Any

    def __init__(self, settings: Any) -> None:
        """Keep the validated settings, an instance of the plugin's `Settings`."""
        self.settings = settings


class PluginState(StrEnum):
    """Where a plugin stands in its life."""

    DISCOVERED = "discovered"
    DISABLED = "disabled"
    FAILED = "failed"
    LOADED = "loaded"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a plugin reports when a run ends: a title, and rows of a label and a value."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class PluginRecord:
    """All that the host knows of one plugin.

    `origin` says where it comes from: an entry point's value, a file, or a class. `phase` is the
    step that failed (`discovery`, `version`, `import`, `check`, `settings`, `build`, `hooks`,
    `order`, `task`, or a hook without its prefix, such as `start`), with `reason`, `mend` and
    `traceback`; for a disabled plugin `reason` says who disabled it. `problems` are the mistakes
    in its settings, `warnings` what the log should mention although it is no failure. Times are in
    seconds. `secrets` are the texts that `redact` hides.
    """

    name: str
    state: PluginState = PluginState.DISCOVERED
    candidate: Candidate | None = field(default=None, repr=False)
    distribution: str | None = None
    version: str | None = None
    origin: str = ""
    description: str = ""
    required: bool = False
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    foundation: bool = False
    phase: str | None = None
    reason: str | None = None
    mend: str | None = None
    traceback: str | None = field(default=None, repr=False)
    problems: tuple[Problem, ...] = ()
    warnings: list[str] = field(default_factory=list)
    import_seconds: float | None = None
    start_seconds: float | None = None
    plugin_class: type[Plugin] | None = None
    settings: _Settings | None = None
    instance: Plugin | None = field(default=None, repr=False)
    health_checks: tuple[HealthCheck, ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def failed(self) -> bool:
        """Whether the plugin has failed, at whatever step."""
        return self.state is PluginState.FAILED

    def redact(self, text: str) -> str:
        """Return `text` with every secret of the plugin's settings hidden."""
        return redact(text, self.secrets)

    def fail(self, phase: str, reason: str, mend: str = "", traceback: str | None = None) -> None:
        """Mark the plugin as failed; the first cause stays when it had failed before."""
        if self.failed:
            return
        self.state = PluginState.FAILED
        self.phase = phase
        self.reason = self.redact(reason)
        self.mend = self.redact(mend)
        self.traceback = None if traceback is None else self.redact(traceback)

    def error(self) -> PluginError:
        """The failure as an exception, for whoever must end because of it."""
        return PluginError(self.name, self.phase or "", self.reason or "", self.mend or "")
