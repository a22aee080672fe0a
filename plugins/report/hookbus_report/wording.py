"""How figures are written for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hookbus_report.glossary import Unit
from hookbus_report.metrics import Figure, Undefined

__all__ = ["size_text", "text"]

_FORMS: Final[Mapping[Unit, Callable[[float], str]]] = {
    "change": "{:+,.2%}".format,
    "share": "{:,.2%}".format,
    "ratio": "{:,.2f}".format,
    "money": "{:,.2f}".format,
    "days": "{:,.1f} days".format,
    "count": "{:,.0f}".format,
    "yearly": "{:,.2f} a year".format,
}


def text(value: Figure, unit: Unit) -> str:
    """A figure with its unit, or "n/a" and why."""
    if isinstance(value, Undefined):
        return f"n/a: {value}"
    written = _FORMS[unit](value)
    return written if any(digit in written for digit in "123456789") else written.lstrip("+-")


def size_text(size: int) -> str:
    """The size of a file, such as `412 kB`."""
    return f"{size / 1_000_000:,.1f} MB" if size >= 1_000_000 else f"{size / 1_000:,.0f} kB"
