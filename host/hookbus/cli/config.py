"""`hookbus config`: what is in force and where it comes from, and the schema of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hookbus.cli.options import Given, configuration_options, json_option
from hookbus.cli.output import print_json, print_problems, print_table
from hookbus.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from hookbus.plugins.assembly import Assembly
    from hookbus.plugins.plugin import PluginRecord
    from hookbus.settings.config import PluginTable

DEFAULT = "default"


class Value(NamedTuple):
    """One value in force: its key, the value fit for JSON, and where it comes from."""

    key: str
    value: Any
    source: str


@click.group()
def config() -> None:
    """Show the configuration and its schema."""


@config.command("show", short_help="Show every value in force and its source.")
@click.argument("prefix", required=False)
@configuration_options
@json_option
def show(prefix: str | None, given: Given, as_json: bool) -> None:
    """Show every value in force, or those whose keys begin with PREFIX, and its source.

    Secrets are hidden; so are all settings of plugins that are not loaded, since nobody can tell
    which of them are secret.
    """
    assembly = given.assembly()
    values = [value for value in effective(assembly) if value.key.startswith(prefix or "")]
    if as_json:
        print_json([value._asdict() for value in values])
    else:
        rows = [(value.key, shown(value.value), value.source) for value in values]
        print_table(("Key", "Value", "Source"), rows, keep=("Key",))
    if assembly.problems:
        print_problems(assembly.problems)
        click.get_current_context().exit(ConfigurationError.exit_code)


def effective(assembly: Assembly) -> Iterator[Value]:
    """Every value in force, section by section."""
    from hookbus.settings.config import PluginTable

    given = assembly.config
    for section in ("host", "clock", "events", "bus"):
        yield from _model_values(assembly, (section,), getattr(given, section))
    yield _value(assembly, ("plugins", "autoload"), given.autoload)
    for name, record in sorted(assembly.records.items()):
        place = ("plugins", name)
        table = given.plugins.get(name, PluginTable())
        yield _enabled(assembly, record, table)
        yield from _model_values(assembly, place, table, only={"required", "distribution", "path"})
        if record.settings is not None:
            yield from _model_values(assembly, place, record.settings)
        else:
            yield from _hidden(assembly, place, given.raw(*place))
    for name, settings in sorted(assembly.job_settings.items()):
        yield from _model_values(
            assembly, ("jobs", name), settings, only=set(type(settings).model_fields)
        )


def _enabled(assembly: Assembly, record: PluginRecord, table: PluginTable) -> Value:
    """Whether a plugin is wanted; where that is not what its table says, the reason is told."""
    value = _value(assembly, ("plugins", record.name, "enabled"), table.enabled)
    if record.state == "disabled" and table.enabled:
        return value._replace(value=False, source=record.reason or "")
    return value


def _model_values(
    assembly: Assembly, place: tuple[str, ...], model: BaseModel, *, only: set[str] | None = None
) -> Iterator[Value]:
    """The values of a model; of the fields in `only`, no others, those that are set."""
    from pydantic import BaseModel

    data = model.model_dump(mode="json", include=only, exclude_unset=only is not None)
    for name, field in type(model).model_fields.items():
        if name not in data:
            continue
        inner, key = getattr(model, name), field.alias or name
        if isinstance(inner, BaseModel):
            yield from _model_values(assembly, (*place, key), inner)
        else:
            yield _value(assembly, (*place, key), data[name])


def _hidden(assembly: Assembly, place: tuple[str, ...], raw: Mapping[str, Any]) -> Iterator[Value]:
    from hookbus.settings.secrets import HIDDEN

    for key in raw:
        yield _value(assembly, (*place, key), HIDDEN)


def _value(assembly: Assembly, place: tuple[str, ...], value: Any) -> Value:
    from hookbus.settings.layers import locate

    layers = assembly.config.layers
    problem = assembly.config.problem(place, "", "")
    is_set = any(layer.has(place) for layer in layers)
    file, line, source = locate(layers, place) if is_set else (None, None, DEFAULT)
    where = source or (f"{file}:{line}" if line else str(file))
    return Value(problem.key, value, where)


def shown(value: Any) -> str | None:
    """A value as one would write it into the file; None for none."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


@config.command("schema", short_help="Print the JSON Schema of hookbus.toml.")
@configuration_options
@click.option("--json", is_flag=True, expose_value=False, help="Print JSON, as it does anyway.")
def schema(given: Given) -> None:
    """Print the JSON Schema of hookbus.toml, with the settings of all loaded plugins."""
    print_json(make_schema(given.assembly()))


def make_schema(assembly: Assembly) -> dict[str, Any]:
    """The JSON Schema of the whole file: the host's sections, jobs, and each plugin's settings."""
    from pydantic.json_schema import models_json_schema

    from hookbus.scheduler.jobs import JobSettings
    from hookbus.settings.config import SECTIONS, PluginTable

    loaded = {
        name: type(record.settings)
        for name, record in sorted(assembly.records.items())
        if record.settings is not None
    }
    wanted: list[type[BaseModel]] = [*SECTIONS.values(), JobSettings, PluginTable]
    models = list(dict.fromkeys([*wanted, *loaded.values()]))
    places, definitions = models_json_schema([(model, "validation") for model in models])
    found = {model: _resolved(places[model, "validation"], definitions) for model in models}
    sections = {name: found[model] for name, model in SECTIONS.items()}
    tables = {name: _joined(found[model], found[PluginTable]) for name, model in loaded.items()}
    sections["plugins"] = {
        **sections["plugins"],
        "properties": {**sections["plugins"]["properties"], **tables},
        "additionalProperties": {**found[PluginTable], "additionalProperties": True},
    }
    sections["jobs"] = {"type": "object", "additionalProperties": found[JobSettings]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hookbus.toml",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "$defs": definitions.get("$defs", {}),
    }


def _resolved(place: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    name = str(place["$ref"]).rpartition("/")[2] if "$ref" in place else None
    return dict(definitions["$defs"][name] if name else place)


def _joined(settings: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of `[plugins.NAME]`: the plugin's settings and the host's keys beside them."""
    properties = {**table["properties"], **settings.get("properties", {})}
    return {**settings, "properties": properties}
