"""`hookbus journal` and `hookbus dead`: the groups of commands."""

from __future__ import annotations

import click

from hookbus_journal.commands.consumers import consumers
from hookbus_journal.commands.dead import discard, list_letters, retry, show
from hookbus_journal.commands.export import export
from hookbus_journal.commands.info import info
from hookbus_journal.commands.prune import prune
from hookbus_journal.commands.replay import replay
from hookbus_journal.commands.tail import tail
from hookbus_journal.commands.verify import verify


@click.group()
def journal() -> None:
    """Look at the journal, export it, replay it, prune it and verify it.

    The journal is that of the configuration: of the host, or of the last simulated run where the
    clock is simulated. --simulation and --file name another one.
    """


@click.group()
def dead() -> None:
    """List, show, retry and discard dead letters: events that a durable consumer gave up."""


for command in (info, tail, export, prune, replay, verify, consumers):
    journal.add_command(command)
for command in (list_letters, show, retry, discard):
    dead.add_command(command)
