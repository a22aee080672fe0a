"""The settings of the fast path: `[plugins.fastpath]`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from hookbus import Settings
from hookbus_trading.fields import Name, Symbol
from pydantic import Field, field_validator, model_validator

__all__ = ["FastpathSettings", "Mode", "RunnerSettings"]

Mode = Literal["off", "shadow", "on"]
"""`off` does nothing, `shadow` counts what would be published, `on` publishes it."""

_RISING: tuple[Mode, ...] = ("off", "shadow", "on")


class RunnerSettings(Settings):
    """One consumer of ticks, and what it gets."""

    name: Name = Field(description="Name of the runner, as its ticks carry it.")
    symbols: tuple[Symbol, ...] = Field(
        min_length=1, description="Symbols that it gets ticks of, written as its trades write them."
    )
    mode: Mode = Field(
        "on",
        description="How far this runner goes: off, shadow or on, and never further than the mode "
        "of the plugin.",
    )

    @field_validator("symbols")
    @classmethod
    def _symbols_differ(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        twice = _first_repeated(symbols)
        if twice is not None:
            raise ValueError(f"symbols names {twice!r} twice. Name each symbol once")
        return symbols


class FastpathSettings(Settings):
    """Who gets ticks of which symbols, and whether they are published."""

    mode: Mode = Field(
        "off",
        description="off: consumers work from the trades, as without this plugin; shadow: what "
        "would be published is only counted; on: ticks are published.",
    )
    refresh: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        60.0,
        description="Seconds from the first trade that a runner's picture of a symbol lacks to the "
        "full refresh in the background; 0 for none.",
    )
    runners: tuple[RunnerSettings, ...] = Field(
        (), description="The consumers of ticks. Each has a work queue of its own."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.mode != "off" and not self.runners:
            raise ValueError(
                f"mode is {self.mode!r} and runners is empty, so that nobody would get a tick. "
                "Name a runner, or set mode to 'off'"
            )
        twice = _first_repeated(tuple(runner.name for runner in self.runners))
        if twice is not None:
            raise ValueError(
                f"runners has the name {twice!r} twice. Give each runner a name of its own"
            )
        return self

    def mode_of(self, runner: RunnerSettings) -> Mode:
        """How far a runner goes: the lesser of its own mode and the plugin's."""
        return min(self.mode, runner.mode, key=_RISING.index)


def _first_repeated(names: tuple[str, ...]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
