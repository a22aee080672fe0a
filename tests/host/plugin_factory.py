"""Installs small plugins into a folder, with real metadata, for tests that load them."""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import pluggy
from hookbus.plugins.discovery import Candidate, discover
from hookbus.plugins.hooks import create_manager
from hookbus.plugins.loader import create_records, load_plugins
from hookbus.plugins.plugin import PluginRecord
from hookbus.settings.config import Config, load_config

PRELUDE = """\
from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_validator

from hookbus.hookspecs import hookimpl
from hookbus.plugins.plugin import Plugin, Summary
from hookbus.settings.settings import Settings
"""

HEALTHY = '''
class ThePlugin(Plugin):
    """A healthy plugin."""

    name = "{name}"
    requires = {requires!r}
    after = {after!r}
'''

HANG = "from tests.host.plugin_factory import hang\nhang()\n"
"""Code that does not come back before the test is over."""

NEIGHBOURS = ("anchor", "middle", "zenith")
"""Three healthy plugins; their names sort before, between and after other names."""

_gates = [threading.Event()]


def hang() -> None:
    """Wait until the test is over."""
    _gates[-1].wait(60)


def release() -> None:
    """Let everything go that hangs."""
    _gates[-1].set()
    _gates.append(threading.Event())


class Site:
    """A folder on `sys.path` into which plugins are installed.

    They get an entry point `group` of their own, so that a test does not see what is installed
    beside it.
    """

    def __init__(self, folder: Path, group: str = "hookbus.site-plugins") -> None:
        self.folder = folder
        self.group = group

    def install(
        self,
        name: str,
        body: str,
        *,
        distribution: str | None = None,
        version: str = "1.0",
        requires: Iterable[str] = ("hookbus",),
        value: str | None = None,
    ) -> str:
        """Install a distribution whose plugin `name` has the source `body`; return its module."""
        distribution = distribution or f"hookbus-{name}"
        module = f"site_{distribution}_{name}".replace("-", "_").lower()
        source = PRELUDE + textwrap.dedent(body)
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        entry_point = f"{name} = {value or f'{module}:ThePlugin'}"
        self.write_metadata(distribution, version, requires, f"[{self.group}]\n{entry_point}\n")
        return module

    def write_metadata(
        self, distribution: str, version: str, requires: Iterable[str], entry_points: str
    ) -> Path:
        """Write the metadata folder of a distribution."""
        folder = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (folder / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text(entry_points, encoding="utf-8")
        return folder

    def install_healthy(
        self, name: str, requires: tuple[str, ...] = (), after: tuple[str, ...] = ()
    ) -> str:
        """Install a plugin that works."""
        return self.install(name, HEALTHY.format(name=name, requires=requires, after=after))

    def install_neighbours(self) -> None:
        """Install three plugins that work, to see that they go on."""
        for name in NEIGHBOURS:
            self.install_healthy(name)

    def configure(self, text: str = "", **options: object) -> Config:
        """Write `hookbus.toml` and load it, with quick limits unless it sets others."""
        path = self.folder / "hookbus.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load_config(path, **options)  # type: ignore[arg-type]

    def load(self, config: Config | None = None) -> Loaded:
        """Discover and load all plugins that are installed here."""
        return Loaded(config or self.configure(), group=self.group)

    def candidates(self, config: Config | None = None) -> dict[str, Candidate]:
        """What is found here, by name."""
        found = discover(config or self.configure(), group=self.group)
        return {candidate.name: candidate for candidate in found}

    def forget(self) -> None:
        """Remove the modules of this folder from the interpreter."""
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                del sys.modules[name]


class Loaded:
    """The records of a host that has loaded its plugins."""

    def __init__(
        self, config: Config, classes: Sequence[type] = (), group: str | None = None
    ) -> None:
        self.config = config
        self.manager: pluggy.PluginManager = create_manager()
        self.records = create_records(discover(config, classes, group))
        load_plugins(self.records, config, self.manager)

    def __getitem__(self, name: str) -> PluginRecord:
        return self.records[name]
