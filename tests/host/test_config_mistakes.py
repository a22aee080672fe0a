"""All mistakes in the configuration at once, each with its place and mend, and no secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hookbus.errors import ConfigurationError, Problem
from hookbus.settings.config import (
    Config,
    configuration_problems,
    load_config,
    make_config,
)
from hookbus.settings.secrets import HIDDEN
from hookbus.settings.settings import Settings
from pydantic import Field, SecretStr, model_validator

from tests.host.risk_settings import Limits, Risk, mistake, risk, write


def test_five_mistakes_in_three_plugins_are_told_at_once(tmp_path: Path) -> None:
    """Whoever runs `check` sees everything with its place, and mends it in one go."""
    path = write(
        tmp_path,
        """\
[host]
nmae = "x"
[plugins.one]
maximum_position = -1
mode = "harder"
[plugins.two]
acount = "a"
[plugins.two.limits]
lots = 0
[plugins.three]
symbols = 3
""",
    )
    config = load_config(path)
    found: list[Problem] = []
    for name in ("one", "two", "three"):
        with pytest.raises(ConfigurationError) as caught:
            config.read(Risk, "plugins", name)
        found.extend(caught.value.problems)

    problems = configuration_problems(config, ["one", "two", "three"], found)

    assert [(problem.line, problem.key) for problem in problems] == [
        (2, "host.nmae"),
        (4, "plugins.one.maximum_position"),
        (5, "plugins.one.mode"),
        (9, "plugins.two.limits.lots"),
        (7, "plugins.two.acount"),
        (11, "plugins.three.symbols"),
    ]
    assert all(problem.file == str(path) and problem.mend for problem in problems)


def test_mistakes_of_plugins_alone_end_the_host_only_when_strict() -> None:
    """One plugin's settings are one plugin's failure, unless somebody wants to know it all."""
    problem = Problem("f", "plugins.risk.x", 1, "is wrong", "Mend it.")

    assert configuration_problems(load_config(), [], [problem]) == []
    assert configuration_problems(load_config(), [], [problem], strict=True) == [problem]


@pytest.mark.parametrize(
    ("values", "reason", "mend"),
    [
        ({"maximum_position": -1}, "must be greater than 0", "largest position, in units"),
        ({"maximum_position": "x"}, "must be a number", "largest position"),
        ({"mode": "hardd"}, "must be 'soft' or 'hard'", "Did you mean 'hard'?"),
        ({"mode": 3}, "must be 'soft' or 'hard'", "what happens at the limit"),
        ({"symbols": "A"}, "must be a list, in square brackets", "symbols"),
        ({"account": 3}, "must be text, in quotes", "account number"),
        ({"size": []}, "must be a number, or must be text, in quotes", "a number or a word"),
        ({"limits": 3}, "must be a table", "limits of an order"),
        ({"maximum_positon": 2}, "there is no such setting", "Did you mean 'maximum_position'?"),
        ({"maximum-position": 2}, "there is no such setting", "Did you mean 'maximum_position'?"),
        ({"enbled": False}, "there is no such setting", "Did you mean 'enabled'?"),
        ({"zzz": 2}, "there is no such setting", "Known here: account, distribution, enabled"),
        ({"limits": {"lot": 2}}, "there is no such setting", "Did you mean 'lots'?"),
    ],
)
def test_mistakes_are_told_in_plain_language(
    values: dict[str, Any], reason: str, mend: str
) -> None:
    """What is wrong is said without pydantic's words, and the mend says what is meant."""
    problem = mistake(risk(**values))

    assert problem.reason == reason
    assert mend in problem.mend


@pytest.mark.parametrize("inner", [{"limits": {"lot": 2}}, {"steps": [{"lots": 1}, {"lot": 2}]}])
def test_a_misspelt_key_of_an_optional_table_is_recognised(inner: dict[str, Any]) -> None:
    """The suggestion is a key of that table, not one of the table around it."""

    class Careful(Settings):
        limits: Limits | None = Field(None, description="limits of an order")
        steps: tuple[Limits, ...] = Field((), description="limits, step by step")

    assert mistake(risk(**inner), Careful).mend == "Did you mean 'lots'?"


def test_a_wrong_value_in_an_optional_table_is_explained() -> None:
    """The meaning that is told is that of the setting, not that of its table."""

    class Careful(Settings):
        limits: Limits | None = Field(None, description="limits of an order")

    problem = mistake(risk(limits={"lots": 0}), Careful)
    assert (problem.value, problem.mend) == (0, "Change 'lots': lots per order.")


def test_a_misspelt_autoload_is_recognised() -> None:
    """It is no table of a plugin, however much it looks like one."""
    (problem,) = make_config({"plugins": {"autolaod": False}}).problems
    assert (problem.key, problem.mend) == ("plugins.autolaod", "Did you mean 'autoload'?")


def test_a_missing_setting_is_at_its_table(tmp_path: Path) -> None:
    """What is not there is reported where it would belong."""

    class Needy(Settings):
        url: str = Field(description="where to")

    config = load_config(write(tmp_path, "\n[plugins.risk]\n"))
    problem = mistake(config, Needy)

    assert (problem.key, problem.line, problem.reason) == ("plugins.risk.url", 2, "is missing")
    assert problem.mend == "Set 'url': where to."
    assert mistake(load_config(), Needy).place == "configuration"


def test_a_mistake_among_several_settings_is_at_their_table(tmp_path: Path) -> None:
    """A rule that concerns more than one setting names the table, and shows no values."""

    class Ordered(Settings):
        low: int = 1
        high: int = 2

        @model_validator(mode="after")
        def in_order(self) -> Ordered:
            if self.low > self.high:
                raise ValueError("low must not be above high.")
            return self

    config = load_config(write(tmp_path, "[plugins.risk]\nlow = 3\n"), ["plugins.risk.high=1"])
    problem = mistake(config, Ordered)

    assert (problem.key, problem.line, problem.value) == ("plugins.risk", 1, None)
    assert problem.reason == "low must not be above high"


@pytest.mark.parametrize(
    ("overrides", "env", "place"),
    [
        (["plugins.risk.mode=x"], {}, "--set plugins.risk.mode"),
        (
            [],
            {"HOOKBUS_PLUGINS__RISK__MODE": "x"},
            "environment variable HOOKBUS_PLUGINS__RISK__MODE",
        ),
    ],
)
def test_the_source_of_a_wrong_value_is_named(
    tmp_path: Path, overrides: list[str], env: dict[str, str], place: str
) -> None:
    """A value from outside the file is not blamed on the file."""
    path = write(tmp_path, "[plugins.risk]\nmode = 'soft'\n")

    assert mistake(load_config(path, overrides, env)).place == place


@pytest.mark.parametrize(
    "value", ["hunter2-hunter2", 123456789, ["hunter2-hunter2"], {"a": "hunter2"}]
)
def test_the_value_of_a_secret_is_never_told(value: Any) -> None:
    """A mistake in a secret is told without the secret, also where the rule quotes it."""

    class Secretive(Settings):
        url: SecretStr = Field(SecretStr(""), min_length=100, description="where to")

    with pytest.raises(ConfigurationError) as caught:
        risk(url=value).read(Secretive, "plugins", "risk")

    (problem,) = caught.value.problems
    assert problem.value == HIDDEN
    assert "hunter2" not in f"{problem!r}{caught.value!r}{caught.value}"
    assert "123456789" not in f"{problem!r}{caught.value}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_rule_that_quotes_a_secret_does_not_tell_it() -> None:
    """Validators that put the value into their message cannot leak it."""

    class Secretive(Settings):
        url: SecretStr = SecretStr("")

        @model_validator(mode="after")
        def check(self) -> Secretive:
            raise ValueError(f"{self.url.get_secret_value()} is no URL")

    problem = mistake(risk(url="hunter2"), Secretive)

    assert problem.reason == f"{HIDDEN} is no URL"


def test_a_misspelt_secret_is_not_told() -> None:
    """The value of an unknown key may be a secret whose key was mistyped."""
    problem = mistake(risk(tokn="hunter2"))

    assert (problem.value, problem.mend) == (None, "Did you mean 'token'?")


def test_secrets_are_known_from_every_layer() -> None:
    """What must be hidden is known before anything is valid, in whatever form it was written."""
    config = load_config(
        overrides=['plugins.risk.token="quoted"'], env={"HOOKBUS_PLUGINS__RISK__MODE": "x"}
    )

    assert "quoted" in config.secrets(Risk, "plugins", "risk")


@pytest.mark.parametrize(
    ("data", "key", "mend"),
    [
        ({"hosts": {}}, "hosts", "Did you mean 'host'?"),
        ({"zzzz": {}}, "zzzz", "Sections are bus, clock, events, host, jobs, plugins"),
        ({"host": {"nmae": 1}}, "host.nmae", "Did you mean 'name'?"),
        ({"host": 3}, "host", "Write [host] above its settings."),
        ({"plugins": {"risk": False}}, "plugins.risk", "Write [plugins.risk]"),
        ({"plugins": {"autoload": "often"}}, "plugins.autoload", "Change 'autoload'"),
        ({"plugins": {"risk": {"enabled": 3}}}, "plugins.risk.enabled", "Change 'enabled'"),
        ({"jobs": {"risk.check": 3}}, 'jobs."risk.check"', 'Write [jobs."risk.check"]'),
        ({"clock": {"mode": "simulate"}}, "clock.mode", "Did you mean 'simulated'?"),
        ({"clock": {"start": "soon"}}, "clock.start", "begin of the simulated time"),
    ],
)
def test_mistakes_of_the_host_are_collected(data: dict[str, Any], key: str, mend: str) -> None:
    """A wrong section does not end the reading; the defaults stand in its place."""
    config = make_config(data)

    (problem,) = config.problems
    assert problem.key == key
    assert mend in problem.mend
    assert config.host == Config().host
    assert configuration_problems(config, ["risk"], []) == [problem]


def test_what_is_right_in_a_wrong_section_is_kept() -> None:
    """One mistake does not reset the settings beside it."""
    config = make_config({"host": {"max_depth": 0, "name": "mine", "nmae": 1}})

    assert (config.host.name, config.host.max_depth) == ("mine", 64)
    assert len(config.problems) == 2


def test_a_clock_that_ends_before_it_starts_is_a_problem() -> None:
    """Such a run would have no events and no explanation."""
    (problem,) = make_config({"clock": {"start": "2024-01-02", "end": "2024-01-01"}}).problems

    assert problem.reason == "'end' must be later than 'start'"


def test_a_table_for_a_plugin_that_is_not_there_is_a_problem() -> None:
    """Settings that nobody reads are a mistake; those of a plugin that is off are not."""
    config = make_config({"plugins": {"rsk": {}, "gone": {"enabled": False}, "risk": {}}})

    (problem,) = config.unknown_plugins(["risk", "paper"])

    assert (problem.key, problem.mend) == ("plugins.rsk", "Did you mean 'risk'?")


def test_a_table_for_a_job_that_is_not_there_is_a_problem() -> None:
    """Dots in the name of a job need quotes, and forgetting them is recognised."""
    config = make_config({"jobs": {"risk.chekc": {}, "risk": {"check": {}}, "risk.check": {}}})

    problems = config.unknown_jobs(["risk.check"])

    assert [(problem.key, problem.mend) for problem in problems] == [
        ('jobs."risk.chekc"', "Did you mean 'risk.check'?"),
        ("jobs.risk", 'Write [jobs."risk.check"], in quotes.'),
    ]
