"""The settings of the logging plugin: `[plugins.logging]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from hookbus import Settings
from pydantic import Field, StringConstraints, model_validator

from hookbus_logging.levels import Level
from hookbus_logging.rotation import Every

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
    rotate_bytes: int | None = Field(
        None,
        ge=1,
        description="for output = 'file': a new file is begun before this one exceeds so many "
        "bytes",
    )
    rotate_every: Every | None = Field(
        None,
        description="for output = 'file': a new file is begun every hour, day or week (from Monday "
        "on), in UTC, by the time of the events",
    )
    keep: int | None = Field(
        None, ge=1, description="old files that are kept, the newest ones; default: all"
    )
    compress: bool = Field(False, description="whether old files are packed with gzip")

    @model_validator(mode="after")
    def _rotation_makes_sense(self) -> Self:
        rotated = [key for key in ("rotate_bytes", "rotate_every") if getattr(self, key)]
        for key in rotated:
            if self.output != "file":
                raise ValueError(
                    f"{key} is {getattr(self, key)!r} and output is {self.output!r}, but only a "
                    f"file can be rotated. Set output to 'file', or leave {key} out"
                )
        for key in ("keep", "compress"):
            if getattr(self, key) and not rotated:
                raise ValueError(
                    f"{key} is {getattr(self, key)!r} and neither rotate_bytes nor rotate_every is "
                    f"set, so that there are no old files. Set one of them, or leave {key} out"
                )
        return self
