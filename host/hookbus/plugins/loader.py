"""Loading plugins one by one: whatever goes wrong in one is noted in its record, and only there."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from hookbus.containment.guard import Outcome, guarded, trace
from hookbus.errors import ConfigurationError, PluginError, Problem, in_words
from hookbus.hookspecs import HOOK_API_VERSION
from hookbus.plugins.discovery import NAME_PATTERN, Candidate
from hookbus.plugins.hooks import register
from hookbus.plugins.plugin import Plugin, PluginRecord, PluginState
from hookbus.settings.config import RESERVED_KEYS, Config
from hookbus.settings.secrets import secret_texts
from hookbus.settings.settings import Settings

if TYPE_CHECKING:
    import pluggy

SLOW_IMPORT: Final = 1.0
"""Seconds; a plugin that takes longer to import gets a warning in its record."""

_T = TypeVar("_T")


class _Failed(Exception):  # noqa: N818 - carries a failure to the record
    def __init__(self, phase: str, reason: str, mend: str, trace: str | None = None) -> None:
        super().__init__(reason)
        self.phase, self.reason, self.mend, self.trace = phase, reason, mend, trace


def create_records(candidates: Iterable[Candidate]) -> dict[str, PluginRecord]:
    """A record for each candidate: discovered, disabled, or failed without having been imported."""
    records = {}
    for candidate in candidates:
        record = PluginRecord(
            candidate.name,
            candidate=candidate,
            distribution=candidate.distribution,
            version=candidate.version,
            origin=candidate.origin,
            required=candidate.required,
        )
        if candidate.disabled is not None:
            record.state, record.reason = PluginState.DISABLED, candidate.disabled
        elif candidate.error is not None:
            error = candidate.error
            record.fail(error.phase, error.reason, error.mend)
        records[candidate.name] = record
    return records


def load_plugins(
    records: Mapping[str, PluginRecord], config: Config, manager: pluggy.PluginManager
) -> None:
    """Load every discovered plugin, in the order of their names; each ends as loaded or failed."""
    for name in sorted(records):
        load_plugin(records[name], config, manager)


def load_plugin(record: PluginRecord, config: Config, manager: pluggy.PluginManager) -> None:
    """Import, check, configure, build and register one plugin; what goes wrong is in its record.

    Does nothing unless the plugin is `discovered`. Never raises because of the plugin.
    """
    if record.state is not PluginState.DISCOVERED or record.candidate is None:
        return
    try:
        cls = _import(record, record.candidate, config.host.import_timeout)
        _adopt(record, cls)
        record.settings = _configure(record, cls, config)
        record.instance = _build(record, cls, config.host.import_timeout)
        register(manager, record.instance)
        record.state = PluginState.LOADED
    except _Failed as failure:
        record.fail(failure.phase, failure.reason, failure.mend, failure.trace)
    except PluginError as error:
        record.fail(error.phase, error.reason, error.mend)
    except Exception as error:  # noqa: BLE001 - a plugin's class may do anything when looked at
        record.fail("check", in_words(error), _go_on_without(record), trace(error))


def _import(record: PluginRecord, candidate: Candidate, limit: float) -> type[Plugin]:
    outcome = guarded(candidate.load, limit, f"hookbus-import-{record.name}")
    record.import_seconds = outcome.seconds
    cls = _result(outcome, record, "import", "importing", limit)
    if not (inspect.isclass(cls) and issubclass(cls, Plugin)):
        reason = f"{record.origin} is {_kind(cls)}, not a subclass of hookbus.Plugin"
        raise _Failed("import", reason, "Name the plugin's class in the entry point.")
    if outcome.seconds > SLOW_IMPORT:
        record.warnings.append(
            f"importing took {outcome.seconds:.1f} s; "
            "import what is heavy where it is used, in hookbus_start for example"
        )
    return cls


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if inspect.isclass(value) else f"a {type(value).__name__}"


def _result(outcome: Outcome[_T], record: PluginRecord, phase: str, doing: str, limit: float) -> _T:
    """The result of a guarded step; raises `_Failed` for one that failed or did not end."""
    if outcome.stands is not None:
        reason = f"{doing} took more than {limit:g} s and was given up"
        mend = "Move slow work into hookbus_start, or raise [host] import_timeout."
        raise _Failed(phase, reason, mend, f"It stood at:\n{outcome.stands}")
    if outcome.error is not None:
        error = outcome.error
        reason = f"{in_words(error)}{_where(error)}"
        raise _Failed(phase, reason, _advice(record, phase, error), trace(error))
    return cast("_T", outcome.result)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith("<") and _is_foreign(frame)]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def _is_foreign(frame: traceback.FrameSummary) -> bool:
    return "importlib" not in frame.filename and frame.filename not in _OWN_FILES


_OWN_FILES: Final = frozenset({__file__, guarded.__code__.co_filename})


def _advice(record: PluginRecord, phase: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        source = f", or reinstall {record.distribution}" if record.distribution else ""
        return f"Install the module {error.name!r} that it needs{source}."
    if isinstance(error, SystemExit):
        return "Remove the call that exits: a plugin must not end the host."
    if phase == "build" and isinstance(error, TypeError):
        return "Write def __init__(self, settings), or leave __init__ out."
    return _go_on_without(record)


def _go_on_without(record: PluginRecord) -> str:
    return f"Mend it, or go on without it: hookbus plugins disable {record.name}."


def _adopt(record: PluginRecord, cls: type[Plugin]) -> None:
    """Take over what the class declares; raises `_Failed` with everything that is wrong with it."""
    faults = [*_name_faults(record, cls), *_api_faults(cls), *_settings_faults(cls)]
    for attribute in ("requires", "after"):
        faults.extend(_names_faults(cls, attribute))
    if faults:
        reason = "; ".join(f"{cls.__name__} {reason}" for reason, _ in faults)
        raise _Failed("check", reason, " ".join(mend for _, mend in faults))
    record.plugin_class = cls
    record.description = (inspect.getdoc(cls) or "").partition("\n")[0] if cls.__doc__ else ""
    record.requires, record.after = tuple(cls.requires), tuple(cls.after)
    record.foundation = bool(cls.foundation)


_Faults = list[tuple[str, str]]


def _name_faults(record: PluginRecord, cls: type[Plugin]) -> _Faults:
    if cls.name == record.name:
        return []
    if not cls.name:
        return [("has no name", f'Write name = "{record.name}" in it.')]
    reason = f"is named {cls.name!r}, but was found as {record.name!r}"
    return [(reason, "Make its name and its entry point equal.")]


def _api_faults(cls: type[Plugin]) -> _Faults:
    if cls.hook_api == HOOK_API_VERSION:
        return []
    reason = f"is made for hook API {cls.hook_api}, but this hookbus has {HOOK_API_VERSION}"
    if isinstance(cls.hook_api, int) and cls.hook_api > HOOK_API_VERSION:
        return [(reason, "Upgrade hookbus: pip install --upgrade hookbus.")]
    return [(reason, f"Upgrade the plugin, or set hook_api = {HOOK_API_VERSION} in it.")]


def _settings_faults(cls: type[Plugin]) -> _Faults:
    if not (inspect.isclass(cls.Settings) and issubclass(cls.Settings, Settings)):
        return [("has Settings that are no subclass of hookbus.Settings", "Derive them from it.")]
    reserved = sorted(RESERVED_KEYS & set(cls.Settings.model_fields))
    if not reserved:
        return []
    reason = f"has settings whose names belong to the host: {', '.join(reserved)}"
    return [(reason, "Rename them.")]


def _names_faults(cls: type[Plugin], attribute: str) -> _Faults:
    names = getattr(cls, attribute)
    if isinstance(names, str):
        return [(f"has {attribute} = {names!r}", f'Write {attribute} = ("{names}",), a tuple.')]
    if not isinstance(names, tuple | list):
        return [(f"has {attribute} = {names!r}", f"Make {attribute} a tuple of names.")]
    wrong = [
        name for name in names if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name)
    ]
    reason = f"has {attribute} with what cannot be a plugin: {wrong!r}"
    return [(reason, "Write names of plugins, as strings.")] if wrong else []


def _configure(record: PluginRecord, cls: type[Plugin], config: Config) -> Settings:
    """Build the plugin's settings; validators are its own code, so this is guarded too."""
    keys = ("plugins", record.name)

    def read() -> Settings:
        # Unresolved annotations would hide from us which of the settings are secret.
        cls.Settings.model_rebuild()
        record.secrets = config.secrets(cls.Settings, *keys)
        settings = config.read(cls.Settings, *keys)
        record.secrets += secret_texts(cls.Settings, settings)
        return settings

    limit = config.host.import_timeout
    outcome = guarded(read, limit, f"hookbus-settings-{record.name}")
    if isinstance(outcome.error, ConfigurationError):
        record.problems = outcome.error.problems
        reason = "; ".join(_in_short(problem) for problem in record.problems)
        mends = dict.fromkeys(problem.mend for problem in record.problems)
        raise _Failed("settings", reason, " ".join(mends))
    return _result(outcome, record, "settings", "validating its settings", limit)


def _in_short(problem: Problem) -> str:
    value = "" if problem.value is None else f" = {problem.value!r}"
    return f"{problem.place}: {problem.key}{value} {problem.reason}"


def _build(record: PluginRecord, cls: type[Plugin], limit: float) -> Plugin:
    outcome = guarded(lambda: cls(record.settings), limit, f"hookbus-build-{record.name}")
    instance = _result(outcome, record, "build", "building it", limit)
    if not isinstance(instance, cls):
        raise _Failed("build", f"{cls.__name__} makes a {type(instance).__name__}", "Mend __new__.")
    return instance
