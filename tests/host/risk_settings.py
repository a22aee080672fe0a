"""A configuration with one plugin, `risk`, that has settings of all common kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hookbus.errors import ConfigurationError, Problem
from hookbus.settings.config import Config, make_config
from hookbus.settings.settings import Settings
from pydantic import Field, SecretStr


class Limits(Settings):
    """A table within settings."""

    lots: int = Field(1, ge=1, description="lots per order")


class Risk(Settings):
    """Settings of all common kinds."""

    maximum_position: float = Field(1.0, gt=0, description="largest position, in units")
    mode: Literal["soft", "hard"] = Field("soft", description="what happens at the limit")
    symbols: tuple[str, ...] = Field((), description="symbols that are checked")
    account: str = Field("", description="account number")
    token: SecretStr = Field(SecretStr(""), description="token of the broker")
    size: float | str = Field(1.0, description="a number or a word")
    limits: Limits = Field(Limits(), description="limits of an order")


def write(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "hookbus.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(config: Config, model: type[Settings] = Risk) -> tuple[Problem, ...]:
    """The problems of `[plugins.risk]`."""
    with pytest.raises(ConfigurationError) as caught:
        config.read(model, "plugins", "risk")
    assert [str(problem) for problem in caught.value.problems] == str(caught.value).split("\n")
    return tuple(caught.value.problems)


def mistake(config: Config, model: type[Settings] = Risk) -> Problem:
    """The only problem of `[plugins.risk]`."""
    (problem,) = mistakes(config, model)
    return problem


def risk(**values: Any) -> Config:
    """A configuration with these settings of `risk`."""
    return make_config({"plugins": {"risk": values}})
