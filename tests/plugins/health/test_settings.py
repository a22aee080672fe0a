"""The settings of the health plugin: thresholds that contradict one another are refused."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hookbus.settings.config import make_config
from hookbus.testing import HostFactory
from hookbus_health import HealthPlugin, settings
from hookbus_health.settings import HealthSettings
from hookbus_trading.plugin import TradingPlugin
from pydantic import ValidationError

README = Path(__file__).parents[3] / "plugins" / "health" / "README.md"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"drawdown": {"degraded": 0.06}}, "degraded = 0.06 must be below critical = 0.05"),
        ({"drawdown": {"degraded": 0.05}}, "degraded = 0.05 must be below critical = 0.05"),
        (
            {"drawdown": {"degraded_leave": 0.04}},
            "degraded_leave = 0.04 must not be above degraded = 0.03",
        ),
        (
            {"errors": {"critical_leave": 31}},
            "critical_leave = 31 must not be above critical = 30",
        ),
        (
            {"disk": {"critical_leave": 0.5}},
            "degraded_leave = 0.81 must not be above critical_leave = 0.5",
        ),
        ({"heartbeat": {"degraded": 10}}, "degraded = 10 must be below critical = 10"),
        ({"heartbeat": {"hours": {"time_zone": "Mars/Base"}}}, "'Mars/Base' is no time zone"),
        ({"heartbeat": {"hours": {"opens": "09:00+02:00"}}}, "opens has an offset"),
        ({"heartbeat": {"hours": {"days": []}}}, "days"),
        ({"heartbeat": {"hours": {"days": ["someday"]}}}, "days"),
        ({"drawdown": {"degraded": -0.03}}, "degraded"),
        ({"drawdown": {"critical": 5}}, "critical"),
        ({"memory": {"critical": "nan"}}, "critical"),
        ({"errors": {"events": []}}, "events"),
        ({"checks": {"interval": 0}}, "interval"),
        ({"checks": {"worse_after": 0}}, "worse_after"),
        ({"drawdown": {"recovery": -1}}, "recovery"),
        ({"errors": {"degraded_leave": -1}}, "degraded_leave"),
        ({"heartbeat": {"worse_after": 2}}, "worse_after"),
        ({"queues": {"worse_after": 2}}, "worse_after"),
        ({"drawdowns": {}}, "drawdowns"),
    ],
)
def test_what_makes_no_sense_is_refused(table: dict[str, Any], message: str) -> None:
    """The sentence names both keys and their values, defaults among them."""
    with pytest.raises(ValidationError, match=re.escape(message)):
        HealthSettings.model_validate(table)


def test_a_level_is_left_at_90_percent_unless_set() -> None:
    """Whoever sets a threshold need not think of the other one."""
    drawdown = HealthSettings.model_validate({"drawdown": {"degraded": 0.02}}).drawdown
    assert drawdown.thresholds == pytest.approx((0.02, 0.018, 0.05, 0.045))


async def test_the_host_says_which_table_it_is(host_factory: HostFactory) -> None:
    """A person who reads the message finds the place."""
    wrong = {"health": {"drawdown": {"degraded": 0.06}}}
    async with host_factory(HealthPlugin, TradingPlugin, settings=wrong) as host:
        (problem,) = host.records["health"].problems
        assert problem.key == "plugins.health.drawdown"
        assert "degraded = 0.06 must be below critical = 0.05" in problem.reason


@pytest.mark.parametrize("name", settings.__all__)
def test_every_setting_says_what_it_means(name: str) -> None:
    """The configuration reference is made of the descriptions."""
    fields = getattr(settings, name).model_fields
    assert [key for key, field in fields.items() if not field.description] == []


def test_the_examples_of_the_readme_are_valid() -> None:
    """What the README shows can be pasted."""
    examples = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        data = tomllib.loads(example)
        assert make_config(data).problems == ()
        HealthSettings.model_validate(data["plugins"]["health"])


def test_the_table_of_the_readme_has_the_defaults() -> None:
    """A table that is written by hand must not go astray."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\S+) \| (\S+) \|$", README.read_text(), re.MULTILINE)
    defaults = HealthSettings()
    assert len(rows) == 7
    for table, degraded, critical in rows:
        rule = getattr(defaults, table)
        assert (float(degraded), float(critical)) == (rule.degraded, rule.critical)
