"""The `hookbus` command. Nothing but click is imported until a command is called."""

from __future__ import annotations

import sys

from hookbus.cli.group import HookbusGroup, root


def main() -> None:
    """Run the command and exit: 0 ok, 1 runtime, 2 usage, 3 plugin, 4 configuration."""
    sys.exit(root(standalone_mode=True))


__all__ = ["HookbusGroup", "main", "root"]
