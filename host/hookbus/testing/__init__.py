"""What plugin authors test with; the fixtures load themselves where hookbus is installed.

- `host_factory` makes hosts without autoload, on simulated time, that record every event;
- `simulated_clock` and `simulated_loop` are the time that async tests run on;
- `recording_bus` is a bus without a host; `run_command` runs the `hookbus` command;
- `PluginConformance` is a suite of tests that a plugin inherits by subclassing it.

An `async def` test that asks for one of these fixtures runs on simulated time by itself; mark it
`@pytest.mark.real_time` where it talks to a server or a subprocess.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookbus.testing.commands import CommandResult, run_command
    from hookbus.testing.conformance import PluginConformance
    from hookbus.testing.hosts import HostFactory, RecordingHost
    from hookbus.testing.recording import Recording, RecordingBus, record

_HOMES = {
    "CommandResult": "commands",
    "HostFactory": "hosts",
    "PluginConformance": "conformance",
    "Recording": "recording",
    "RecordingBus": "recording",
    "RecordingHost": "hosts",
    "record": "recording",
    "run_command": "commands",
}

__all__ = [
    "CommandResult",
    "HostFactory",
    "PluginConformance",
    "Recording",
    "RecordingBus",
    "RecordingHost",
    "record",
    "run_command",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: pytest loads this package everywhere."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hookbus.testing' has no attribute {name!r}")
    return getattr(import_module(f"hookbus.testing.{_HOMES[name]}"), name)
