"""Plugins are found by their metadata alone; nothing is imported, nothing silently chosen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hookbus.plugins.discovery import Installed, discover, host_range_error, installed
from hookbus.plugins.loader import create_records
from hookbus.plugins.plugin import Plugin, PluginState
from hookbus.settings.config import make_config

from tests.host.plugin_factory import NEIGHBOURS, Site


def test_finding_imports_nothing(site: Site) -> None:
    """A plugin's module stays untouched until it is its turn to be loaded."""
    module = site.install("noisy", "raise RuntimeError('imported')")

    found = site.candidates()

    assert list(found) == ["noisy"]
    assert module not in sys.modules


def test_a_candidate_says_where_it_comes_from(site: Site) -> None:
    """`plugins list` can name distribution and version without importing."""
    module = site.install_healthy("risk")

    candidate = site.candidates()["risk"]

    assert (candidate.distribution, candidate.version) == ("hookbus-risk", "1.0")
    assert candidate.origin == f"{module}:ThePlugin"
    assert candidate.error is None


def test_disabled_plugins_are_kept_but_never_imported(site: Site) -> None:
    """Of thirty installed plugins, the twenty-five disabled ones cost nothing but their names."""
    names = [f"plugin-{number}" for number in range(30)]
    modules = {name: site.install_healthy(name) for name in names}
    off = names[:25]
    loaded = site.load(site.configure("\n".join(f"[plugins.{n}]\nenabled = false" for n in off)))

    assert {record.name for record in loaded.records.values()} == set(names)
    assert all(loaded[name].state is PluginState.DISABLED for name in off)
    assert all(loaded[name].state is PluginState.LOADED for name in names[25:])
    assert {name for name in names if modules[name] in sys.modules} == set(names[25:])


def test_disabling_works_whatever_else_is_wrong(site: Site) -> None:
    """A broken, doubled or unsuitable plugin can be switched off, and then is no failure."""
    site.install("bad", "raise SystemExit", requires=["hookbus>=99"])
    site.install("bad", "raise SystemExit", distribution="other-bad")

    record = site.load(site.configure("[plugins.bad]\nenabled = false"))["bad"]

    assert record.state is PluginState.DISABLED
    assert record.reason == "enabled = false in the configuration"


def test_safe_mode_disables_everything(site: Site) -> None:
    """Safe mode loads no plugin at all, also none that was asked for by name."""
    site.install_neighbours()
    config = site.configure("[plugins.anchor]\nenabled = true")

    found = discover(config, group=site.group, safe_mode=True)

    assert [candidate.disabled for candidate in found] == ["safe mode"] * len(NEIGHBOURS)


def test_without_autoload_only_named_plugins_are_enabled(site: Site) -> None:
    """`autoload = false` leaves what has a table in the configuration."""
    site.install_neighbours()

    found = site.candidates(site.configure("[plugins]\nautoload = false\n[plugins.anchor]"))

    assert found["anchor"].disabled is None
    assert found["middle"].disabled == "autoload = false, and the configuration does not name it"


def test_one_name_in_two_distributions_fails_and_names_both(site: Site) -> None:
    """No plugin is silently preferred; the message shows how to choose."""
    site.install_neighbours()
    site.install_healthy("risk")
    site.install("risk", "", distribution="other-risk")

    loaded = site.load()
    record = loaded["risk"]

    assert (record.state, record.phase) == (PluginState.FAILED, "discovery")
    assert record.reason == "2 plugins claim the name 'risk': hookbus-risk, other-risk"
    assert '[plugins.risk] distribution = "hookbus-risk"' in str(record.mend)
    assert all(loaded[name].state is PluginState.LOADED for name in NEIGHBOURS)


def test_the_configuration_chooses_a_distribution(site: Site) -> None:
    """`distribution` settles which of two plugins of one name is meant."""
    site.install_healthy("risk")
    site.install("risk", "", distribution="Other.Risk")

    config = site.configure('[plugins.risk]\ndistribution = "other_risk"')

    assert site.candidates(config)["risk"].distribution == "other-risk"
    assert site.candidates(config)["risk"].error is None


def test_choosing_a_distribution_that_does_not_have_it_fails(site: Site) -> None:
    """A wrong choice is an error that says where the plugin is."""
    site.install_healthy("risk")

    candidate = site.candidates(site.configure('[plugins.risk]\ndistribution = "nope"'))["risk"]

    assert "it is in hookbus-risk" in str(candidate.error)


@pytest.mark.parametrize("name", ["Risk", "1risk", "risk_check", "autoload", "host"])
def test_names_that_cannot_be_used_fail(site: Site, name: str) -> None:
    """A name that could not be written in the configuration or the environment is refused."""
    site.install(name, "raise RuntimeError('imported')")

    record = site.load()[name]

    assert (record.state, record.phase) == (PluginState.FAILED, "discovery")
    assert "cannot be the name of a plugin" in str(record.reason)


@pytest.mark.parametrize(
    ("requirement", "fits"),
    [
        ("hookbus", True),
        ("hookbus>=1,<2", True),
        ("hookbus (>=1,<2)", True),
        ("hookbus>=2", False),
        ("hookbus<1.5", False),
        ("HookBus~=1.4", True),
        ("hookbus>=9; python_version < '3'", True),
        ("hookbus>=9; extra == 'future'", True),
        ("hookbus-trading>=9", True),
        ("hookbus >= banana", False),
        ("something @@ broken", True),
    ],
)
def test_the_host_range_is_checked(requirement: str, fits: bool) -> None:
    """Requirements on hookbus count where their markers hold; others are none of our business."""
    entry = Installed("risk", "m:C", "hookbus-risk", "1.0", (requirement,))

    assert (host_range_error(entry, "1.5.0") is None) == fits


def test_a_development_version_of_the_host_is_within_the_range() -> None:
    """Whoever works on the host itself can use its plugins."""
    entry = Installed("risk", "m:C", "hookbus-risk", "1.0", ("hookbus>=1,<2",))

    assert host_range_error(entry, "1.6.dev3") is None


def test_a_host_out_of_range_fails_before_the_import(site: Site) -> None:
    """The message has both versions and what to do; the plugin's code is not touched."""
    site.install_neighbours()
    module = site.install("old", "raise RuntimeError", version="3.1", requires=["hookbus>=99,<100"])

    loaded = site.load()
    record = loaded["old"]

    assert (record.state, record.phase) == (PluginState.FAILED, "version")
    assert "hookbus-old 3.1 needs hookbus<100,>=99, but this is hookbus" in str(record.reason)
    assert record.mend == "Try: pip install --upgrade hookbus hookbus-old."
    assert module not in sys.modules
    assert all(loaded[name].state is PluginState.LOADED for name in NEIGHBOURS)


@pytest.mark.parametrize("damage", ["no metadata", "no name", "malformed entry points"])
def test_damaged_metadata_fails_one_plugin_only(site: Site, damage: str) -> None:
    """A half-removed distribution is told by name and stops nobody else."""
    site.install_neighbours()
    points = f"[{site.group}]\nhurt = m:C\n" + ("nonsense\n" if "entry" in damage else "")
    folder = site.write_metadata("hookbus-hurt", "1.0", (), points)
    if damage == "no metadata":
        (folder / "METADATA").unlink()
    if damage == "no name":
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nVersion: 1\n")

    loaded = site.load()

    assert loaded["hurt"].state is PluginState.FAILED
    assert "the metadata of 'hookbus-hurt' is damaged" in str(loaded["hurt"].reason)
    assert all(loaded[name].state is PluginState.LOADED for name in NEIGHBOURS)


def test_a_shadowed_distribution_does_not_count(
    site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one distribution in two folders of the path, the one that would be imported counts."""
    site.install_healthy("risk")
    nearer = Site(tmp_path_factory.mktemp("nearer"), site.group)
    nearer.install("risk", "", version="2.0")
    monkeypatch.syspath_prepend(str(nearer.folder))

    assert [(entry.name, entry.version) for entry in installed(site.group)] == [("risk", "2.0")]


def test_an_upgrade_without_the_entry_point_hides_the_old_one(
    site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nearer version that has no plugin any more hides the plugin of the one behind it."""
    site.install_healthy("risk")
    nearer = Site(tmp_path_factory.mktemp("nearer"), site.group)
    nearer.write_metadata("hookbus-risk", "2.0", (), "[other]\nx = y\n")
    monkeypatch.syspath_prepend(str(nearer.folder))

    assert installed(site.group) == []


def test_classes_at_hand_are_candidates() -> None:
    """A program or a test hands its plugin classes to the host, without any packaging."""

    class Mine(Plugin):
        name = "mine"

    (candidate,) = discover(make_config({"plugins": {"autoload": False}}), [Mine], group=None)

    assert (candidate.name, candidate.disabled, candidate.load()) == ("mine", None, Mine)


def test_a_class_at_hand_replaces_its_own_entry_point(site: Site) -> None:
    """Handing over a class that is also installed is no conflict, since it is the same class."""
    site.install_healthy("risk")
    cls = site.load()["risk"].plugin_class
    assert cls is not None

    found = discover(site.configure(), [cls], site.group)

    assert [(candidate.name, candidate.error) for candidate in found] == [("risk", None)]


def test_two_classes_of_one_name_fail() -> None:
    """A doubled name is an error wherever the plugins come from."""

    class One(Plugin):
        name = "same"

    class Two(Plugin):
        name = "same"

    (candidate,) = discover(make_config({}), [One, Two], group=None)

    assert "One" in str(candidate.error)
    assert "Two" in str(candidate.error)


def test_files_of_the_configuration_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same configuration means the same file from wherever the host is run."""
    (tmp_path / "mine.py").write_text("class A(Plugin):\n    name = 'mine'\n")
    monkeypatch.chdir(tmp_path.parent)
    config = make_config({"plugins": {"mine": {"path": "mine.py"}}}, base=tmp_path)

    (candidate,) = discover(config, group=None)

    assert candidate.origin == f"{tmp_path / 'mine.py'}:A"
    assert candidate.error is None


def test_files_of_the_command_line_are_relative_to_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--plugin my_strategy.py` means the file that the shell means."""
    (tmp_path / "my_strategy.py").write_text("class A(Plugin):\n    name = 'strategy'\n")
    monkeypatch.chdir(tmp_path)

    (candidate,) = discover(make_config({}, files=["my_strategy.py"]), group=None)

    assert (candidate.name, candidate.error) == ("strategy", None)


def test_a_file_in_the_wrong_table_fails(tmp_path: Path) -> None:
    """A table that names another plugin than its file has would configure the wrong one."""
    (tmp_path / "mine.py").write_text("class A(Plugin):\n    name = 'mine'\n")
    config = make_config({"plugins": {"other": {"path": "mine.py"}}}, base=tmp_path)

    (candidate,) = discover(config, group=None)

    assert candidate.name == "other"
    assert "is named 'mine', not 'other'" in str(candidate.error)


def test_required_reaches_the_record(site: Site) -> None:
    """`required = true` is known before the plugin is loaded, so that its failure can count."""
    site.install("bad", "raise RuntimeError")

    records = create_records(
        site.candidates(site.configure("[plugins.bad]\nrequired = true")).values()
    )

    assert records["bad"].required


def test_what_is_heavy_is_imported_where_it_is_used() -> None:
    """Reading the configuration and getting ready to look for plugins does not slow a start."""
    heavy = ("importlib_metadata", "packaging", "pluggy", "tomlkit")
    script = f"""
import sys
import hookbus.settings.config, hookbus.plugins.discovery
print([name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == "[]"
