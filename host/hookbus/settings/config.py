"""The configuration of one host: `hookbus.toml`, the environment, `--set`, and their mistakes.

Reading never stops at the first mistake. `load_config` raises only where there is nothing to go on
with, a file that is missing or no TOML; everything else is collected in `Config.problems`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, field_validator, model_validator

from hookbus.errors import ConfigurationError, Problem
from hookbus.settings.layers import (
    Layer,
    environment_layers,
    locate,
    merge,
    override_layers,
    read_file,
)
from hookbus.settings.mistakes import Mistake, MistakesFound, suggest
from hookbus.settings.secrets import secret_texts
from hookbus.settings.settings import Loose, Settings, build, settle

_Model = TypeVar("_Model", bound=BaseModel)


class HostSettings(Settings):
    """`[host]`: the process and its limits."""

    name: str = Field("hookbus", min_length=1, description="name of this host, in logs and ids")
    state: Path = Field(
        Path(".hookbus"), description="state folder, relative to the folder of the file"
    )
    start_timeout: float = Field(
        30.0, gt=0, description="seconds that a plugin's start, and its ready, may take"
    )
    stop_timeout: float = Field(10.0, gt=0, description="seconds that a plugin's stop may take")
    import_timeout: float = Field(
        10.0, gt=0, description="seconds that importing, and building, a plugin may take"
    )
    block_warning: float = Field(
        1.0, gt=0, description="seconds for which the event loop may stand still before it is told"
    )
    max_depth: int = Field(
        64, ge=1, description="length of a chain of events, each caused by the one before it"
    )


class ClockSettings(Settings):
    """`[clock]`: the time that the host and its plugins go by."""

    mode: Literal["system", "simulated"] = Field(
        "system", description="the computer's time, or simulated time that moves when all is done"
    )
    start: datetime | None = Field(
        None, description="begin of the simulated time, UTC unless it has an offset"
    )
    end: datetime | None = Field(
        None, description="end of the simulated time, UTC unless it has an offset"
    )
    pace: float | None = Field(
        None,
        gt=0,
        description="simulated seconds for each real second; as fast as possible if unset",
    )

    @field_validator("start", "end")
    @classmethod
    def _aware(cls, instant: datetime | None) -> datetime | None:
        if instant is None:
            return None
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)

    @model_validator(mode="after")
    def _in_order(self) -> ClockSettings:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("'end' must be later than 'start'")
        return self


class EventsSettings(Settings):
    """`[events]`: the switch for everything that is triggered by events."""

    enabled: bool = Field(True, description="false: jobs run by their timers only")


class BusSettings(Settings):
    """`[bus]`: the rings that hold recent events."""

    capacity: int = Field(1024, ge=1, description="events that a subscriber may fall behind")
    history: int = Field(256, ge=0, description="events of each type kept for those who join late")
    hold_limit: float = Field(
        30.0, gt=0, description="seconds that one handler may keep publishers waiting"
    )


class PluginsSettings(Settings):
    """`[plugins]`: which plugins are loaded."""

    autoload: bool = Field(
        True, description="false: load only plugins that have a table [plugins.NAME]"
    )


class PluginTable(Settings):
    """The keys of `[plugins.NAME]` that are the host's; all others are settings of the plugin."""

    enabled: bool = Field(True, description="false: do not load or even import the plugin")
    required: bool = Field(False, description="true: the host ends when the plugin fails")
    distribution: str | None = Field(
        None, description="the distribution to take it from, where several have one of that name"
    )
    path: str | None = Field(
        None, description="a file to load it from, file.py or file.py:ClassName"
    )


SECTIONS: Final[Mapping[str, type[Settings]]] = {
    "host": HostSettings,
    "clock": ClockSettings,
    "events": EventsSettings,
    "bus": BusSettings,
    "plugins": PluginsSettings,
}
"""The sections with fixed keys, by name; besides them there are `[jobs."NAME"]`."""

RESERVED_KEYS: Final = frozenset(PluginTable.model_fields)
"""Keys of `[plugins.NAME]` that no plugin can have among its settings."""


@dataclass(frozen=True)
class Config:
    """What the configuration says, with defaults in the place of everything that is wrong.

    `plugins` holds the host's part of `[plugins.NAME]`, `jobs` the raw tables `[jobs."NAME"]`,
    `files` the arguments of `--plugin`. `base` is the folder that relative paths start from.
    `problems` are the mistakes found so far; those in the settings of plugins and jobs are found
    by `read`, once their models are known.
    """

    path: Path | None = None
    base: Path = field(default_factory=Path.cwd)
    host: HostSettings = field(default_factory=HostSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)
    events: EventsSettings = field(default_factory=EventsSettings)
    bus: BusSettings = field(default_factory=BusSettings)
    autoload: bool = True
    plugins: Mapping[str, PluginTable] = field(default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    layers: tuple[Layer, ...] = field(default=(), repr=False)

    @property
    def state_dir(self) -> Path:
        """The state folder; it need not exist yet."""
        return self.base / self.host.state.expanduser()

    def raw(self, *keys: str) -> Mapping[str, Any]:
        """The merged values of a table, those of a plugin without the reserved keys."""
        data: Any = merge(self.layers)
        for key in keys:
            data = data.get(key, {}) if isinstance(data, Mapping) else {}
        if not isinstance(data, Mapping):
            return {}
        reserved = RESERVED_KEYS if len(keys) == 2 and keys[0] == "plugins" else frozenset()
        return {key: value for key, value in data.items() if key not in reserved}

    def read(self, model: type[_Model], *keys: str) -> _Model:
        """Build `model` from the table at `keys`: `config.read(cls.Settings, "plugins", "risk")`.

        Raises `ConfigurationError` with every mistake in that table.
        """
        also = RESERVED_KEYS if keys[0] == "plugins" else frozenset[str]()
        try:
            return build(model, self.raw(*keys), also)
        except MistakesFound as found:
            problems = [_problem(self.layers, keys, mistake) for mistake in found.mistakes]
        raise ConfigurationError(problems)

    def secrets(self, model: type[BaseModel], *keys: str) -> tuple[str, ...]:
        """The texts of the secrets in the table at `keys`, whether or not it fits `model`."""
        raw = self.raw(*keys)
        parsed = secret_texts(model, settle(raw))
        return tuple(dict.fromkeys((*parsed, *secret_texts(model, _as_text(raw)))))

    def unknown_plugins(self, known: Iterable[str]) -> list[Problem]:
        """A problem for each enabled `[plugins.NAME]` whose plugin is not among `known`."""
        names = set(known)
        return [
            self.problem(
                ("plugins", name),
                "no such plugin is installed",
                suggest(name, names, "Install it, or name its file in path there."),
            )
            for name, table in self.plugins.items()
            if name not in names and table.enabled
        ]

    def unknown_jobs(self, known: Iterable[str]) -> list[Problem]:
        """A problem for each `[jobs."NAME"]` that is not among `known`, full names of jobs."""
        names = set(known)
        return [
            self.problem(("jobs", name), "there is no such job", _job_advice(name, table, names))
            for name, table in self.jobs.items()
            if name not in names
        ]

    def problem(self, place: tuple[str | int, ...], reason: str, mend: str) -> Problem:
        """A problem at `place`, with its file and line or its other source filled in."""
        return _problem(self.layers, place, Mistake((), None, reason, mend))


def load_config(
    path: Path | str | None = None,
    overrides: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Sequence[str] = (),
) -> Config:
    """Read the configuration: the file at `path`, then `env`, then `overrides` of `--set`.

    `files` are the arguments of `--plugin`. Nothing is taken from `os.environ` unless it is given.
    Raises `ConfigurationError` when the file is missing, unreadable or no TOML; other mistakes are
    in `problems` of the result.
    """
    path = None if path is None else Path(path)
    first = [] if path is None else [read_file(path)]
    set_layers, problems = override_layers(overrides)
    layers = [*first, *environment_layers(env or {}), *set_layers]
    base = Path.cwd() if path is None else path.resolve().parent
    return _assemble(layers, problems, path=path, base=base, files=tuple(files))


def make_config(
    data: Mapping[str, Any], base: Path | None = None, files: Sequence[str] = ()
) -> Config:
    """Make a configuration from values at hand, for tests and for hosts within other programs."""
    layer = Layer(data, source="configuration")
    return _assemble([layer], [], path=None, base=base or Path.cwd(), files=tuple(files))


def configuration_problems(
    config: Config, known: Iterable[str], plugin_problems: Iterable[Problem], strict: bool = False
) -> list[Problem]:
    """Everything that must end the host with exit code 4, empty if it may go on.

    Mistakes in the settings of plugins fail only these plugins, so by themselves they count only
    when `strict`; but where the host must end anyway, they are told as well.
    """
    problems = [*config.problems, *config.unknown_plugins(known)]
    if problems or strict:
        problems.extend(plugin_problems)
    return problems


def _assemble(
    layers: list[Layer],
    problems: list[Problem],
    path: Path | None,
    base: Path,
    files: tuple[str, ...],
) -> Config:
    reader = _Reader(layers, problems)
    autoload, tables = reader.plugins()
    return Config(
        path=path,
        base=base,
        host=reader.section("host", HostSettings),
        clock=reader.section("clock", ClockSettings),
        events=reader.section("events", EventsSettings),
        bus=reader.section("bus", BusSettings),
        autoload=autoload,
        plugins=tables,
        jobs=dict(reader.tables("jobs", reader.table("jobs"))),
        files=files,
        problems=tuple(reader.unknown_sections() + reader.problems),
        layers=tuple(layers),
    )


class _Reader:
    """Reads sections, and collects problems on the way."""

    def __init__(self, layers: list[Layer], problems: list[Problem]) -> None:
        self.layers = layers
        self.data = merge(layers)
        self.problems = list(problems)

    def unknown_sections(self) -> list[Problem]:
        """A problem for each section that the host does not have."""
        known = {*SECTIONS, "jobs"}
        listed = f"Sections are {', '.join(sorted(known))}; plugins have theirs in [plugins.NAME]."
        return [
            _problem(
                self.layers,
                (name,),
                Mistake((), None, "there is no such section", suggest(name, known, listed)),
            )
            for name in self.data
            if name not in known
        ]

    def table(self, name: str) -> Mapping[str, Any]:
        """The section `name`, empty when it is missing or wrong."""
        return dict(self.tables("", {name: self.data.get(name, {})})).get(name, {})

    def tables(
        self, section: str, data: Mapping[str, Any]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The values of `data` that are tables; a problem is noted for each of the others."""
        for name, value in data.items():
            if isinstance(value, Mapping):
                yield name, value
                continue
            place = (section, name) if section else (name,)
            otherwise = f"Write [{'.'.join(map(_quoted, place))}] above its settings."
            mend = suggest(name, ["autoload"] if section == "plugins" else [], otherwise)
            mistake = Mistake((), None, "must be a table", mend)
            self.problems.append(_problem(self.layers, place, mistake))

    def section(self, name: str, model: type[_Model]) -> _Model:
        """Build a section, with defaults in the place of what is wrong."""
        return self.build(model, self.table(name), (name,))

    def build(self, model: type[_Model], data: Mapping[str, Any], keys: tuple[str, ...]) -> _Model:
        """Build `model`, note its problems, and leave out what is wrong."""
        try:
            return build(model, data)
        except MistakesFound as found:
            mistakes = found.mistakes
        self.problems += [_problem(self.layers, keys, mistake) for mistake in mistakes]
        wrong = {mistake.place[0] for mistake in mistakes if mistake.place}
        if not wrong & set(data):
            return model()
        rest = {key: value for key, value in data.items() if key not in wrong}
        return self.build(model, rest, keys)

    def plugins(self) -> tuple[bool, dict[str, PluginTable]]:
        """Whether plugins are loaded unasked, and the host's part of each `[plugins.NAME]`."""
        section = dict(self.table("plugins"))
        own = {key: section.pop(key) for key in PluginsSettings.model_fields if key in section}
        autoload = self.build(PluginsSettings, own, ("plugins",)).autoload
        tables = {}
        for name, table in self.tables("plugins", section):
            reserved = {key: value for key, value in table.items() if key in RESERVED_KEYS}
            tables[name] = self.build(PluginTable, reserved, ("plugins", name))
        return autoload, tables


def _problem(layers: Sequence[Layer], keys: Sequence[str | int], mistake: Mistake) -> Problem:
    place = (*keys, *mistake.place)
    file, line, source = locate(layers, place)
    key = ".".join(_quoted(part) for part in place)
    return Problem(file, key, mistake.value, mistake.reason, mistake.mend, line, source)


def _job_advice(name: str, table: Mapping[str, Any], known: set[str]) -> str:
    for key in table:
        if f"{name}.{key}" in known:
            return f'Write [jobs."{name}.{key}"], in quotes.'
    return suggest(name, known, "`hookbus jobs list` shows the jobs.")


def _quoted(key: str | int) -> str:
    text = str(key)
    plain = text.replace("-", "").replace("_", "").isalnum() and text.isascii()
    return text if plain else f'"{text}"'


def _as_text(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _as_text(value) for key, value in data.items()}
    return data.text if isinstance(data, Loose) else data
