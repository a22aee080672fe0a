"""Writing a new plugin distribution from the template folder."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path

from hookbus import __version__
from hookbus.errors import UsageError
from hookbus.plugins.discovery import NAME_PATTERN, TAKEN_NAMES

TEMPLATE = Path(__file__).with_name("template")
"""The folder whose files are copied; the last suffix of each is dropped."""

_PLACEHOLDER = re.compile(r"__(NAME|MODULE|CLASS|TITLE|RANGE|YEAR)__")


def create(name: str, parent: Path) -> Path:
    """Write the distribution `hookbus-NAME` into `parent` and return its folder.

    Raises `UsageError` for a name that no plugin can have, and where the folder exists.
    """
    check_name(name)
    folder = parent / f"hookbus-{name}"
    if folder.exists():
        raise UsageError(f"{folder} exists already; choose another name or remove it")
    words = _words(name)
    for source in sorted(TEMPLATE.rglob("*.template")):
        place = _filled(str(source.relative_to(TEMPLATE).with_suffix("")), words)
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(source.read_text(encoding="utf-8"), words), encoding="utf-8")
    return folder


def check_name(name: str) -> None:
    """Raise `UsageError`, with a better name, for one that no new plugin should have."""
    good = suggested_name(name)
    if name == good:
        return
    rule = "a name has lower-case letters, digits and single dashes, and begins with a letter"
    advice = f"How about {good!r}?" if good else "How about 'my-strategy'?"
    raise UsageError(f"{name!r} is no good name for a plugin: {rule}. {advice}")


def suggested_name(name: str) -> str:
    """The nearest good name, which is `name` itself where that is good; empty if there is none."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", name).lower()
    good = re.sub(r"[^a-z0-9]+", "-", spaced).strip("-").lstrip("0123456789-")
    good = good.removeprefix("hookbus-")
    if good in TAKEN_NAMES or good == "hookbus":
        good = f"my-{good}"
    return good if NAME_PATTERN.fullmatch(good) else ""


def _words(name: str) -> Mapping[str, str]:
    major, minor = __version__.split(".")[:2]
    return {
        "NAME": name,
        "MODULE": name.replace("-", "_"),
        "CLASS": "".join(part.capitalize() for part in name.split("-")),
        "TITLE": name.replace("-", " ").capitalize(),
        "RANGE": f">={major}.{minor},<{_next_breaking(int(major), int(minor))}",
        "YEAR": str(datetime.datetime.now(datetime.UTC).year),
    }


def _next_breaking(major: int, minor: int) -> str:
    return str(major + 1) if major else f"0.{minor + 1}"


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: words[found.group(1)], text)
