"""Finding plugins without importing any: installed distributions, files, classes at hand."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hookbus.errors import PluginError, in_words
from hookbus.plugins.single_file import default_name, find_plugin, split_argument

if TYPE_CHECKING:
    from hookbus.settings.config import Config, PluginTable

PLUGIN_GROUP: Final = "hookbus.plugins"
"""The entry point group of plugins."""

NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]*")
"""What the name of a plugin looks like."""

TAKEN_NAMES: Final = frozenset({"autoload", "host"})
"""Names that no plugin can have: they mean something else in the configuration or the log."""


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point of an installed distribution; `load` imports what it names.

    `requires` are the requirements of the distribution. `damage` says what is wrong with its
    metadata, in which case there may be no entry point to load.
    """

    name: str
    value: str
    distribution: str
    version: str | None = None
    requires: tuple[str, ...] = ()
    load: Callable[[], Any] | None = field(default=None, repr=False)
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found, before anything of it is imported.

    `origin` is the entry point's value, the file or the class; `load` imports it and returns what
    should be a subclass of `Plugin`. `disabled` says who does not want it, `error` why it cannot
    be used.
    """

    name: str
    origin: str
    load: Callable[[], Any] = field(repr=False)
    distribution: str | None = None
    version: str | None = None
    required: bool = False
    disabled: str | None = None
    error: PluginError | None = None
    asked_for: bool = False


def discover(
    config: Config,
    classes: Sequence[type[Any]] = (),
    group: str | None = PLUGIN_GROUP,
    safe_mode: bool = False,
) -> list[Candidate]:
    """Find every plugin, sorted by name, each name once; nothing is imported.

    Plugins come from the entry points of `group` (None: from none), `[plugins.NAME] path`,
    `--plugin` and `classes`. Those that are not wanted are `disabled`, in `safe_mode` all are. A
    name that several claim has one candidate with an `error`, unless the configuration chooses.
    """
    claims: dict[str, list[Candidate]] = {}
    for candidate in _all_candidates(config, classes, group):
        claims.setdefault(candidate.name, []).append(candidate)
    return [_settle(name, claims[name], config, safe_mode) for name in sorted(claims)]


def installed(group: str) -> list[Installed]:
    """All entry points of `group`, sorted by name and distribution; imports none of them.

    Of a distribution that is installed twice, the first one on `sys.path` counts, as for imports.
    """
    import importlib_metadata

    found: dict[str, list[Installed]] = {}
    for distribution in importlib_metadata.distributions():
        if f"[{group}]" not in _entry_points_text(distribution):
            continue
        entries = _entries(group, distribution)
        name = entries[0].distribution if entries else ""
        if name and name not in found and not _is_shadowed(name, distribution):
            found[name] = entries
    return sorted(
        (entry for entries in found.values() for entry in entries),
        key=lambda entry: (entry.name, entry.distribution),
    )


def _entry_points_text(distribution: Any) -> str:
    try:
        return distribution.read_text("entry_points.txt") or ""
    except (OSError, UnicodeDecodeError):
        return ""


def _entries(group: str, distribution: Any) -> list[Installed]:
    from packaging.utils import canonicalize_name

    folder = Path(str(getattr(distribution, "_path", "unknown"))).name
    fallback = canonicalize_name(folder.partition("-")[0].removesuffix(".egg-info"))
    try:
        name: str = canonicalize_name(distribution.metadata["Name"])
        version, requires = distribution.version, tuple(distribution.requires or ())
        points = sorted(distribution.entry_points.select(group=group), key=lambda point: point.name)
    except Exception as error:  # noqa: BLE001 - damaged metadata must not stop the others
        name = fallback.removeprefix("hookbus-")
        return [Installed(name, folder, fallback, damage=in_words(error))]
    return [
        Installed(point.name, point.value, name, version, requires, point.load) for point in points
    ]


def _is_shadowed(name: str, distribution: Any) -> bool:
    import importlib_metadata

    try:
        first = importlib_metadata.distribution(name)
    except importlib_metadata.PackageNotFoundError:
        return False
    return str(first.locate_file("")) != str(distribution.locate_file(""))


def _all_candidates(
    config: Config, classes: Iterable[type[Any]], group: str | None
) -> Iterator[Candidate]:
    for entry in installed(group) if group else ():
        yield _installed_candidate(entry)
    for name, table in config.plugins.items():
        if table.path is not None:
            yield _named_file_candidate(name, table.path, config.base)
    for argument in config.files:
        yield _file_candidate(argument, Path.cwd())
    for cls in classes:
        yield _class_candidate(cls)


def _installed_candidate(entry: Installed) -> Candidate:
    candidate = Candidate(
        name=entry.name,
        origin=entry.value,
        load=entry.load or _nothing,
        distribution=entry.distribution,
        version=entry.version,
    )
    if entry.damage is not None:
        reason = f"the metadata of {entry.distribution!r} is damaged: {entry.damage}"
        mend = f"Reinstall it: pip install --force-reinstall {entry.distribution}."
        return replace(candidate, error=PluginError(entry.name, "discovery", reason, mend))
    return replace(candidate, error=_name_error(entry.name) or host_range_error(entry))


def _nothing() -> None:
    """Stands where a candidate has an error and is never loaded."""


def _name_error(name: str) -> PluginError | None:
    if NAME_PATTERN.fullmatch(name) and name not in TAKEN_NAMES:
        return None
    reason = f"{name!r} cannot be the name of a plugin"
    mend = "Use lower-case letters, digits and dashes, beginning with a letter"
    return PluginError(name, "discovery", reason, f"{mend}, and not {_either(TAKEN_NAMES)}.")


def _either(words: Iterable[str]) -> str:
    return " or ".join(repr(word) for word in sorted(words))


def host_range_error(entry: Installed, host_version: str | None = None) -> PluginError | None:
    """The error of a distribution that does not want this version of hookbus, else None.

    Requirements behind a marker that does not hold here, or behind an extra, do not count.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    host_version = host_version or _host_version()
    for text in entry.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            if not text.lower().startswith("hookbus "):
                continue
            reason = f"{entry.distribution} requires {text!r}, which is no valid requirement"
            return PluginError(entry.name, "version", reason, f"Reinstall {entry.distribution}.")
        if canonicalize_name(requirement.name) != "hookbus" or host_version is None:
            continue
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and not requirement.specifier.contains(host_version, prereleases=True):
            wanted = f"{entry.distribution} {entry.version} needs hookbus{requirement.specifier}"
            reason = f"{wanted}, but this is hookbus {host_version}"
            mend = f"pip install --upgrade hookbus {entry.distribution}"
            return PluginError(entry.name, "version", reason, f"Try: {mend}.")
    return None


@functools.cache
def _host_version() -> str | None:
    import importlib_metadata

    try:
        return importlib_metadata.version("hookbus")
    except importlib_metadata.PackageNotFoundError:
        return None


def _named_file_candidate(name: str, argument: str, base: Path) -> Candidate:
    candidate = _file_candidate(argument, base)
    error = candidate.error
    if error is not None:
        error = PluginError(name, error.phase, error.reason, error.mend)
    elif candidate.name != name:
        reason = f"the plugin in {candidate.origin} is named {candidate.name!r}, not {name!r}"
        mend = f"Write [plugins.{candidate.name}], or name = {name!r} in the class."
        error = PluginError(name, "discovery", reason, mend)
    return replace(candidate, name=name, error=error)


def _file_candidate(argument: str, base: Path) -> Candidate:
    text, class_name = split_argument(argument)
    path = base / Path(text).expanduser()
    try:
        found = find_plugin(path, class_name)
    except PluginError as error:
        return Candidate(default_name(path), str(path), _nothing, error=error, asked_for=True)
    return Candidate(
        name=found.name,
        origin=f"{path}:{found.class_name}",
        load=found.load,
        error=_name_error(found.name),
        asked_for=True,
    )


def _class_candidate(cls: type[Any]) -> Candidate:
    name = getattr(cls, "name", None)
    name = name if isinstance(name, str) and name else getattr(cls, "__name__", str(cls)).lower()
    origin = f"{getattr(cls, '__module__', '')}:{getattr(cls, '__qualname__', cls)}"
    return Candidate(name, origin, lambda: cls, error=_name_error(name), asked_for=True)


def _settle(name: str, claims: list[Candidate], config: Config, safe_mode: bool) -> Candidate:
    table = config.plugins.get(name)
    chosen = _choose(name, claims, table)
    disabled = "safe mode" if safe_mode else _unwanted(chosen, table, config)
    required = table is not None and table.required
    return replace(chosen, required=required, disabled=disabled)


def _unwanted(candidate: Candidate, table: PluginTable | None, config: Config) -> str | None:
    if table is not None:
        return None if table.enabled else "enabled = false in the configuration"
    if config.autoload or candidate.asked_for:
        return None
    return "autoload = false, and the configuration does not name it"


def _choose(name: str, claims: list[Candidate], table: PluginTable | None) -> Candidate:
    """The one candidate that is meant, or one with an error that names them all."""
    if table is not None and table.path is not None:
        return next(claim for claim in claims if claim.asked_for)
    claims = _without_doubles(claims)
    if table is not None and table.distribution is not None:
        return _from_distribution(name, claims, table.distribution)
    if len(claims) == 1:
        return claims[0]
    places = [claim.distribution or claim.origin for claim in claims]
    reason = f"{len(claims)} plugins claim the name {name!r}: {', '.join(places)}"
    mend = "Uninstall all but one"
    if any(claim.distribution for claim in claims):
        pick = next(claim.distribution for claim in claims if claim.distribution)
        mend = f'{mend}, or choose: [plugins.{name}] distribution = "{pick}"'
    error = PluginError(name, "discovery", reason, f"{mend}.")
    return replace(claims[0], distribution=", ".join(places), version=None, error=error)


def _without_doubles(claims: list[Candidate]) -> list[Candidate]:
    """Drop an entry point whose very class was also given by hand."""
    by_hand = {claim.origin for claim in claims if claim.asked_for}
    return [claim for claim in claims if claim.asked_for or claim.origin not in by_hand]


def _from_distribution(name: str, claims: list[Candidate], distribution: str) -> Candidate:
    from packaging.utils import canonicalize_name

    wanted = canonicalize_name(distribution)
    for claim in claims:
        if claim.distribution == wanted:
            return claim
    places = ", ".join(claim.distribution or claim.origin for claim in claims)
    reason = f"{distribution!r} has no plugin {name!r}; it is in {places}"
    mend = f"Change or remove distribution in [plugins.{name}]."
    return replace(claims[0], error=PluginError(name, "discovery", reason, mend))
