"""The `hookbus` command. Nothing but click is imported until a command is called."""

from __future__ import annotations

from hookbus.cli.group import HookbusGroup, root
from hookbus.cli.leave import leave


def main() -> None:
    """Run the command and exit: 0 ok, 1 runtime, 2 usage, 3 plugin, 4 configuration."""
    try:
        root(prog_name="hookbus")
    except SystemExit as end:
        leave(end.code)


__all__ = ["HookbusGroup", "main", "root"]
