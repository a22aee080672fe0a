"""What the README promises can be pasted."""

import tomllib
from pathlib import Path

from hookbus.settings.settings import build

from tests.plugins.paper.running import PAPER

README = Path(__file__).parents[3] / "plugins" / "paper" / "README.md"


def test_the_settings_in_the_readme_are_valid() -> None:
    """The configuration shown there has a table for each plugin, and every key is known."""
    text = README.read_text(encoding="utf-8")
    shown = text.partition("```toml\n")[2].partition("```")[0]
    tables = tomllib.loads(shown)["plugins"]
    models = {plugin.name: plugin.Settings for plugin in PAPER}
    assert set(tables) == set(models)
    for name, table in tables.items():
        settings = build(models[name], table)
        assert settings.model_fields_set == set(table)
