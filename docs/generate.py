"""Writes the reference pages that follow from the code, and the tables of measurements.

    python docs/generate.py            # write them
    python docs/generate.py --check    # exit with 1, and say which, when a page is out of date

Every folder in `plugins/` gets a page of its own, so that adding a plugin edits no page of another.
"""

from __future__ import annotations

import inspect
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import measured
from hookbus import Event, Plugin
from hookbus.operational import own_events
from hookbus.plugins.assembly import Assembly
from hookbus.scheduler.jobs import JobSettings
from hookbus.settings.config import SECTIONS, PluginTable, make_config
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
NOTE = "<!-- Written by `python docs/generate.py` from the models in the code: do not edit. -->"
MEASURED = "<!-- measured: written by `python docs/generate.py` -->"
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}
WORDS = {
    "date-time": "date and time",
    "path": "path",
    "password": "secret",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "object": "table",
    "array": "list",
}

CONFIGURATION = """\
# Configuration

{note}

A host is described by one TOML file, `hookbus.toml` in the current folder unless another is named.
All of it is optional. Values are taken from four places; the later one wins:

1. the defaults below;
2. the file;
3. the environment: `HOOKBUS_` and the key in capitals, with two underscores for each dot, such as
   `HOOKBUS_PLUGINS__RISK__MAXIMUM_POSITION=2`;
4. the command line: `--set plugins.risk.maximum_position=2`.

An unknown key is a mistake, and the message suggests the nearest known one. All mistakes of all
plugins are told at once, each with file, line, key and reason. `hookbus config show` prints what
is in force, with secrets hidden; `hookbus config schema` prints what is on this page, and the
settings of the plugins that you have installed, as JSON Schema.

Paths are relative to the folder of the file. Times are UTC unless they have an offset. The settings
of the plugins in this repository are on [pages of their own](plugins).

{sections}
"""


def pages() -> dict[Path, str]:
    """Every generated page: its path and its text."""
    models = {f"[{name}]": model for name, model in SECTIONS.items()}
    models |= {"[plugins.NAME]": PluginTable, '[jobs."PLUGIN.JOB"]': JobSettings}
    sections = "\n".join(_section(title, model, "##") for title, model in models.items())
    text = CONFIGURATION.format(note=NOTE, sections=sections.rstrip())
    found = {ROOT / "docs" / "configuration.md": text}
    found[ROOT / "docs" / "events.md"] = _host_events()
    for folder in sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")):
        found[ROOT / "docs" / "plugins" / f"{folder.name}.md"] = _distribution(folder)
    return found | _measurements()


def _measurements() -> dict[Path, str]:
    """The page of measurements, and the README with its table, from docs/benchmarks.json."""
    data = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(MEASURED)
    after = rest.partition(MEASURED)[2]
    text = f"{before}{MEASURED}\n{measured.excerpt(data)}\n\n{MEASURED}{after}"
    return {ROOT / "docs" / "benchmarks.md": measured.page(data, NOTE), readme: text}


def _host_events() -> str:
    lines = [
        "# Events of the host",
        "",
        NOTE,
        "",
        "What the host itself publishes. All derive from `hookbus.OperationalEvent`: subscribe to",
        "that class, or to `hookbus.*`, to hear of all of them.",
        "The events of plugins are on [their pages](plugins).",
        "",
    ]
    for cls in sorted(own_events(), key=_wire_name):
        lines += _event(cls)
    return "\n".join(lines).rstrip() + "\n"


def _distribution(folder: Path) -> str:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]["hookbus.plugins"]
    classes = [_load(value) for _, value in sorted(points.items())]
    assembly = Assembly(make_config({}), plugins=_with_required(classes), group=None)
    lines = [
        f"# {project['name']}",
        "",
        NOTE,
        "",
        project["description"],
        f"What it does, and how: its [README](../../plugins/{folder.name}/README.md).",
        "",
    ]
    for cls in classes:
        lines += _plugin(cls, assembly)
    return "\n".join(lines).rstrip() + "\n"


def _load(value: str) -> type[Plugin]:
    module, _, name = value.partition(":")
    found: type[Plugin] = getattr(import_module(module), name)
    return found


def _with_required(classes: list[type[Plugin]]) -> list[type[Plugin]]:
    """The classes and, from the other folders, the plugins that they require."""
    available: dict[str, str] = {}
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        available |= project["entry-points"]["hookbus.plugins"]
    found = {cls.name: cls for cls in classes}
    waiting = [name for cls in classes for name in cls.requires]
    while waiting:
        name = waiting.pop()
        if name in available and name not in found:
            found[name] = _load(available[name])
            waiting += found[name].requires
    return list(found.values())


def _plugin(cls: type[Plugin], assembly: Assembly) -> Iterator[str]:
    record = assembly.records[cls.name]
    if record.failed:
        raise SystemExit(f"plugin {cls.name!r} cannot be described: {record.reason}")
    yield from (f"## Plugin `{cls.name}`", "", record.description, "")
    for word, names in (("Requires", cls.requires), ("Starts after", cls.after)):
        if names:
            yield from (f"{word}: {', '.join(f'`{name}`' for name in names)}.", "")
    yield _section(f"[plugins.{cls.name}]", cls.Settings, "###")
    jobs = assembly.jobs.get(cls.name, ())
    if jobs:
        yield from ("### Jobs", "", "| job | when |", "|---|---|")
        yield from (f"| `{cls.name}.{job.name}` | {job.schedule} |" for job in jobs)
        yield ""
    for event in assembly.registry:
        if assembly.registry.owner(_wire_name(event)) == cls.name:
            yield from _event(event)


def _wire_name(cls: type[Event]) -> str:
    return cls.__event__.name if cls.__event__ else ""


def _event(cls: type[Event]) -> list[str]:
    declared = cls.__event__
    assert declared is not None
    facts = [f"version {declared.version}"]
    facts += [f"key `{declared.key}`"] if declared.key else []
    facts += ["high-frequency"] if declared.high_frequency else []
    facts += ["critical"] if declared.critical else []
    first = (inspect.getdoc(cls) or "").strip()
    lines = [f"### `{declared.name}`", "", f"`{cls.__name__}`, {', '.join(facts)}. {first}", ""]
    return [*lines, *_table("field", cls.model_json_schema()), ""]


def _section(title: str, model: type[BaseModel], mark: str) -> str:
    """A heading and a table for a model, and for each table within it."""
    schema = model.model_json_schema()
    return "\n".join(_tables(title, schema, schema.get("$defs", {}), mark))


def _tables(
    title: str, schema: Mapping[str, Any], models: Mapping[str, Any], mark: str
) -> Iterator[str]:
    yield from (f"{mark} `{title}`", "")
    about = " ".join(schema.get("description", "").partition("\n\n")[0].split())
    about = about.partition(": ")[2] if about.startswith("`[") else about
    if schema.get("properties") and about:
        yield from (about[:1].upper() + about[1:], "")
    if not schema.get("properties"):
        yield from ("No settings.", "")
        return
    yield from (*_table("key", schema), "")
    for key, field in schema["properties"].items():
        for name, many in _inner(field):
            inner = f"{title.strip('[]')}.{key}"
            shown = f"[[{inner}]]" if many else f"[{inner}]"
            yield from _tables(shown, models[name], models, mark)


def _inner(field: Mapping[str, Any], many: bool = False) -> Iterator[tuple[str, bool]]:
    """The models within a field, and whether there is a list of them."""
    if "$ref" in field:
        yield field["$ref"].rpartition("/")[2], many
    for choice in (*field.get("anyOf", ()), *field.get("allOf", ())):
        yield from _inner(choice, many)
    if isinstance(field.get("items"), dict):
        yield from _inner(field["items"], True)


def _table(first: str, schema: Mapping[str, Any]) -> Iterator[str]:
    if not schema.get("properties"):
        yield "No fields."
        return
    required = set(schema.get("required", ()))
    yield f"| {first} | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, field in schema["properties"].items():
        is_table = any(True for _ in _inner(field))
        default = "" if is_table else _shown(field.get("default"))
        default = "required" if key in required else default
        meaning = " ".join(field.get("description", "").split())
        cells = (f"`{key}`", _type(field), default, meaning)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"`{value}`" if isinstance(value, str) and value else f"`{json.dumps(value)}`"


def _type(field: Mapping[str, Any]) -> str:
    """The type of a field in words, with its limits."""
    if "enum" in field or "const" in field:
        return " or ".join(f"`{one}`" for one in field.get("enum", [field.get("const")]))
    if "$ref" in field:
        return "table"
    choices = [*field.get("anyOf", ()), *field.get("allOf", ())]
    if choices:
        words = [_type(choice) for choice in choices if choice.get("type") != "null"]
        if words[0].startswith("number"):  # how a Decimal appears: a number, or its text
            words = [word for word in words if word != "text"]
        return " or ".join(dict.fromkeys(words))
    word = WORDS.get(field.get("format", "")) or WORDS.get(field.get("type", ""), "any value")
    if isinstance(field.get("items"), dict):
        word = f"list of: {_type(field['items'])}"
    limits = [text.format(f"{field[key]:,g}") for key, text in LIMITS.items() if key in field]
    return " ".join([word, *limits[:1], *(f"and {limit}" for limit in limits[1:])])


def main() -> int:
    """Write the pages, or only check them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, text in pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{'out of date' if check else 'wrote'}: {name}\n" for name in stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
