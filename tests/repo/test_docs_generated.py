"""The generated pages of the documentation are up to date."""

from __future__ import annotations

import subprocess
import sys

from tests.repo.tree import ROOT, plugins

GENERATE = ROOT / "docs" / "generate.py"


def test_docs_reference_is_up_to_date() -> None:
    """The pages of settings and events say what the models say."""
    done = subprocess.run(
        [sys.executable, str(GENERATE), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run: python docs/generate.py"


def test_docs_have_a_page_for_each_plugin_and_no_other() -> None:
    """A plugin that is added or removed takes its page with it."""
    found = {path.stem for path in (ROOT / "docs" / "plugins").glob("*.md")}
    assert found == {plugin.folder.name for plugin in plugins(ROOT)}
