"""`hookbus ledger`: the books of a running host."""

from __future__ import annotations

import json

import pytest

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import TICKER
from tests.host.cli.test_run import running

LISTENER = '''
from hookbus import Plugin, hookimpl


class Listener(Plugin):
    """Listens in three ways, and can lose an event."""

    name = "listener"
    requires = ("ticker",)

    @hookimpl
    def hookbus_start(self, context):
        self.ledger, self.bus = context.ledger, context.bus
        context.bus.subscribe("tick.*", self.hear, name="all")
        context.bus.subscribe("tick.ticked", self.hear, where="number > 0", name="some")
        context.answer("books", self.books)
        context.answer("lose", self.lose)

    async def hear(self, event):
        pass

    async def books(self):
        report = self.ledger()
        return [report.published, report.total("filtered"), list(report.discrepancies)]

    async def lose(self):
        """Do what a bug in the bus would do."""
        self.bus._bus.subscriptions[0].delivered -= 1
'''

LOSE = """
import click
from hookbus.commands import ask, configuration_options

@click.command()
@click.argument("what")
@configuration_options
def command(what, given):
    click.echo(ask(given, "listener", what))
"""

CONFIGURATION = """
[host]
name = "desk"
[plugins]
autoload = false
[plugins.ticker]
path = "ticker.py"
ticks = 1200
[plugins.listener]
path = "listener.py"
"""


@pytest.fixture
def live(shell: Shell) -> Shell:
    """What the tests below run."""
    from tests.host.cli.test_group import install_command

    shell.write("listener.py", LISTENER)
    shell.write("ticker.py", TICKER)
    install_command(shell, "listen", LOSE)
    shell.configure(CONFIGURATION, "desk.toml")
    return shell


def test_the_books_of_a_running_host(live: Shell) -> None:
    """Every subscription with what became of its events; a discrepancy comes first, and is told."""
    with running(live, "desk.toml"):
        live("events", "tail", "tick.ticked", "-n1", "--history", "1")
        done = live("ledger")
        assert done.exit_code == 0
        first, _, heads, *rows = done.stdout.splitlines()
        assert first.startswith("desk-")
        assert first.endswith("events published, every one accounted for")
        assert heads.split()[2:6] == ["Matched", "Delivered", "Filtered", "Coalesced"]
        (some,) = [row.split() for row in rows if row.startswith("listener  some")]
        assert some[2:5] == ["1,200", "1,199", "1"]

        live("listen", "lose")
        wrong = live("ledger")
        assert wrong.exit_code == 1
        assert wrong.stdout.startswith(
            "discrepancy: subscription 'all' of 'listener' does not balance: "
            "1,200 matched: 1,199 delivered\n"
        )
        assert "NOT all accounted for" in wrong.stdout
        assert wrong.stdout.splitlines()[4].split()[-1] == "1"
        books = live("ledger", "--json")
        assert books.exit_code == 1
        assert [one["name"] for one in books.json["accounts"] if one["unaccounted"]] == ["all"]
        found = live("events", "tail", "hookbus.ledger.*", "-n1", "--history", "9", "--json")
        assert "subscription 'all'" in json.loads(found.stdout)["data"]["detail"]
        assert "does not balance" in live("listen", "books").stdout


def test_without_a_host_there_are_no_books(live: Shell) -> None:
    """Exit code 1, and how to start one."""
    done = live("ledger")
    assert done.exit_code == 1
    assert "no host is running" in done.stderr
