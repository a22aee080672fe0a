"""The README's two commands, each of which is all that a fresh clone needs."""

from __future__ import annotations

from tests.repo.tree import ROOT

RUN = (
    "python3.11 -m venv .venv && .venv/bin/pip install -q . ./plugins/*/ && "
    ".venv/bin/hookbus run docs/examples/trading/hookbus.toml"
)
TESTS = "python3.11 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s tests"


def test_the_readme_runs_the_example_and_the_tests_in_one_line_each() -> None:
    """A stranger pastes one line to see a run and one to see the tests pass; CI runs the same."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3.11 -m venv ")]
    assert commands == [RUN, TESTS]


def test_ci_takes_the_commands_from_the_readme() -> None:
    """CI cannot drift from the README: it reads the commands there and repeats neither."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "grep '^python3\\.11 -m venv ' README.md" in script
    assert "hookbus run" not in script
    assert "-s tests" not in script
