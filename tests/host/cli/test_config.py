"""`hookbus config`: what is in force, where it comes from, and the schema."""

from __future__ import annotations

import pytest

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import SYSTEM, TICKER


@pytest.fixture
def ticking(shell: Shell) -> Shell:
    """A configuration with one plugin and a secret."""
    shell.write("ticker.py", TICKER)
    shell.configure(SYSTEM)
    return shell


def test_every_value_has_its_source(ticking: Shell) -> None:
    """File and line, the environment, --set, or the default."""
    done = ticking(
        "config", "show", "--json", "--set", "plugins.ticker.ticks=5", HOOKBUS_HOST__NAME="env"
    )
    found = {one["key"]: one for one in done.json}
    assert found["host.name"]["value"] == "env"
    assert found["host.name"]["source"] == "environment variable HOOKBUS_HOST__NAME"
    assert found["plugins.ticker.ticks"] == {
        "key": "plugins.ticker.ticks",
        "value": 5,
        "source": "--set plugins.ticker.ticks",
    }
    assert found["plugins.autoload"]["source"] == "hookbus.toml:3"
    assert found["bus.capacity"]["source"] == "default"


def test_secrets_are_hidden(ticking: Shell) -> None:
    """Neither form shows one, also where the plugin that knows it is a secret is not loaded."""
    for options in ((), ("--json",), ("--safe-mode",), ("--set", "plugins.ticker.ticks=wrong")):
        done = ticking("config", "show", *options)
        assert "plugins.ticker.hook" in done.stdout
        assert "hidden-place" not in done.stdout + done.stderr


def test_a_prefix_narrows_it_down(ticking: Shell) -> None:
    """Only the keys that were asked for."""
    found = ticking("config", "show", "plugins.ticker", "--json").json
    assert {one["key"].rpartition(".")[0] for one in found} == {"plugins.ticker"}


def test_mistakes_are_told_beside_the_values(ticking: Shell) -> None:
    """Exit code 4, but whoever looks for the mistake sees what is in force."""
    done = ticking("config", "show", "--set", "bus.capacity=none")
    assert done.exit_code == 4
    assert "bus.capacity" in done.stderr
    assert "bus.history" in done.stdout


def test_the_schema_describes_the_file(ticking: Shell) -> None:
    """Sections, jobs and the plugin's settings beside the host's keys for it."""
    schema = ticking("config", "schema").json
    sections = schema["properties"]
    assert set(sections) == {"host", "clock", "events", "bus", "plugins", "jobs"}
    ticker = sections["plugins"]["properties"]["ticker"]
    assert {"enabled", "required", "ticks", "hook"} <= set(ticker["properties"])
    assert ticker["properties"]["ticks"]["description"] == "how many ticks"
    assert ticker["additionalProperties"] is False
