"""The settings of the logging plugin: `[plugins.logging]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from hookbus import Settings
from pydantic import Field, StringConstraints

from hookbus_logging.levels import Level

Pattern = Annotated[str, StringConstraints(min_length=1)]


class LoggingSettings(Settings):
    """What is logged, how it looks, and where it goes."""

    format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="json: one JSON object per line; console: lines for people; auto: console "
        "when the output is a terminal, else json",
    )
    output: Literal["stderr", "stdout", "file"] = Field(
        "stderr", description="where the lines go; a file is appended to"
    )
    file: Path | None = Field(
        None,
        description="the file for output = 'file', relative to the configuration file; "
        "default: events.log in the plugin's state folder",
    )
    colour: Literal["auto", "always", "never"] = Field(
        "auto",
        description="colours in console lines; auto: on a terminal, unless NO_COLOR is set",
    )
    level: Level = Field("info", description="the least level that is logged")
    levels: dict[Pattern, Level] = Field(
        default_factory=dict,
        description="levels by wire-name pattern, such as 'hookbus.job.*' = 'debug'; the longest "
        "pattern that matches decides",
    )
    include: tuple[Pattern, ...] = Field(
        ("*",), min_length=1, description="wire-name patterns of the events that are logged"
    )
    exclude: tuple[Pattern, ...] = Field(
        (), description="wire-name patterns of events that are not logged, whatever include says"
    )
    buffer: int = Field(
        8192,
        ge=1,
        description="events that wait while the output is slow; more are counted, not logged",
    )
    stop_wait: float = Field(
        2.0, ge=0, description="seconds that the last lines may take when the host stops"
    )
