"""Loading: whatever is wrong with one plugin, three healthy ones beside it are loaded."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from hookbus.plugins.plugin import Plugin, PluginRecord, PluginState
from hookbus.settings.secrets import HIDDEN

from tests.host.plugin_factory import HANG, NEIGHBOURS, Loaded, Site

QUICK = "[host]\nimport_timeout = 0.2\n"

SECRETIVE = """
class ThePlugin(Plugin):
    name = "secretive"

    class Settings(Settings):
        url: SecretStr = Field(SecretStr("https://default.example/hook"), description="where to")

    def __init__(self, settings):
        raise ValueError(f"cannot reach {settings.url.get_secret_value()}")
"""


def load_beside_neighbours(site: Site, configuration: str = "") -> Loaded:
    """Load everything; the neighbours must be loaded and registered whatever happens."""
    site.install_neighbours()
    loaded = site.load(site.configure(configuration))
    for name in NEIGHBOURS:
        assert loaded[name].state is PluginState.LOADED
        assert loaded.manager.has_plugin(name)
    return loaded


def failure(
    site: Site, body: str, configuration: str = "", value: str | None = None
) -> PluginRecord:
    """Load the plugin `bad` with this source beside healthy ones; return its failed record."""
    site.install("bad", body, value=value)
    loaded = load_beside_neighbours(site, configuration)
    assert loaded["bad"].state is PluginState.FAILED
    assert not loaded.manager.has_plugin("bad")
    return loaded["bad"]


def test_a_healthy_plugin_is_loaded(site: Site) -> None:
    """Everything that the host needs is in the record."""
    site.install(
        "good",
        '''
        class ThePlugin(Plugin):
            """Does good.

            And more.
            """

            name = "good"
            requires = ("anchor",)
            after = ("zenith",)

            class Settings(Settings):
                size: int = Field(1, description="how much")
        ''',
    )

    record = load_beside_neighbours(site, "[plugins.good]\nsize = 3")["good"]

    assert record.state is PluginState.LOADED
    assert record.description == "Does good."
    assert (record.requires, record.after) == (("anchor",), ("zenith",))
    assert isinstance(record.instance, Plugin)
    assert record.instance.settings.size == 3
    assert record.import_seconds is not None
    assert record.warnings == []


def test_an_import_error_names_the_missing_module(site: Site) -> None:
    """The usual broken installation is recognised, and the mend says what to install."""
    record = failure(site, "import a_module_that_is_missing")

    assert record.phase == "import"
    assert "No module named 'a_module_that_is_missing'" in str(record.reason)
    assert record.mend == (
        "Install the module 'a_module_that_is_missing' that it needs, or reinstall hookbus-bad."
    )
    assert "Traceback" in str(record.traceback)


@pytest.mark.parametrize(
    "error", ["ValueError('boom')", "KeyboardInterrupt()", "GeneratorExit()", "BaseException('x')"]
)
def test_whatever_an_import_raises_fails_the_plugin(site: Site, error: str) -> None:
    """Nothing that a plugin raises gets through, not even what is no `Exception`."""
    record = failure(site, f"raise {error}")

    assert record.phase == "import"
    assert error.partition("(")[0] in str(record.reason)
    assert "site_hookbus_bad_bad.py:" in str(record.reason)
    assert record.mend == "Mend it, or go on without it: hookbus plugins disable bad."


def test_a_system_exit_at_import_does_not_end_the_host(site: Site) -> None:
    """`sys.exit` at the top of a module is one plugin's failure."""
    record = failure(site, "import sys\nsys.exit('bye')")

    assert record.reason is not None
    assert record.reason.startswith("SystemExit: bye")
    assert "must not end the host" in str(record.mend)


def test_an_import_that_hangs_is_given_up(site: Site) -> None:
    """The host waits for `import_timeout` and goes on; the record shows where the import stood."""
    record = failure(site, HANG, QUICK)

    assert record.phase == "import"
    assert record.reason == "importing took more than 0.2 s and was given up"
    assert "in hang" in str(record.traceback)
    assert "import_timeout" in str(record.mend)


def test_an_import_that_hangs_does_not_keep_the_process(site: Site) -> None:
    """The abandoned thread dies with the process."""
    site.install("bad", "import threading\nthreading.Event().wait()")
    script = f"""
        from tests.host.plugin_factory import Site
        from pathlib import Path
        site = Site(Path({str(site.folder)!r}))
        print(site.load(site.configure({QUICK!r}))["bad"].state)
    """
    path = [str(site.folder), *(entry for entry in sys.path if entry)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{textwrap.dedent(script)}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.strip() == "failed"


def test_a_slow_import_is_mentioned(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An author learns that the plugin delays every start of the host."""
    monkeypatch.setattr("hookbus.plugins.loader.SLOW_IMPORT", -1.0)
    site.install_healthy("slow")

    (warning,) = site.load()["slow"].warnings

    assert warning.startswith("importing took ")


@pytest.mark.parametrize(
    ("body", "value", "reason"),
    [
        ("x = 1", None, "AttributeError"),
        ("ThePlugin = 1", None, "is a int, not a subclass of hookbus.Plugin"),
        ("class ThePlugin: ...", None, "is the class ThePlugin, not a subclass"),
        ("", "no-module!:X", "Error"),
    ],
)
def test_an_entry_point_must_name_a_plugin_class(
    site: Site, body: str, value: str | None, reason: str
) -> None:
    """An entry point that names nothing, or something else, is the plugin's failure."""
    record = failure(site, body, value=value)

    assert record.phase == "import"
    assert reason in str(record.reason)


@pytest.mark.parametrize(
    ("declaration", "reason", "mend"),
    [
        ("name = 'other'", "is named 'other', but was found as 'bad'", "equal"),
        ("", "has no name", 'Write name = "bad" in it.'),
        ("name = 'bad'; hook_api = 2", "hook API 2, but this hookbus has 1", "Upgrade hookbus"),
        ("name = 'bad'; hook_api = 0", "hook API 0, but this hookbus has 1", "Upgrade the plugin"),
        ("name = 'bad'; hook_api = None", "hook API None", "hook_api = 1"),
        ("name = 'bad'; requires = 'trading'", "has requires = 'trading'", '("trading",), a tuple'),
        ("name = 'bad'; after = 3", "has after = 3", "a tuple of names"),
        ("name = 'bad'; requires = (1,)", "has requires with what cannot be a plugin", "strings"),
        ("name = 'bad'; Settings = dict", "no subclass of hookbus.Settings", "Derive"),
        (
            "name = 'bad'\n    class Settings(Settings):\n        path: str = ''",
            "belong to the host: path",
            "Rename",
        ),
    ],
)
def test_what_the_class_declares_is_checked(
    site: Site, declaration: str, reason: str, mend: str
) -> None:
    """A plugin whose declarations make no sense is not built."""
    record = failure(site, f"class ThePlugin(Plugin):\n    {declaration or 'pass'}\n")

    assert record.phase == "check"
    assert reason in str(record.reason)
    assert mend in str(record.mend)


def test_invalid_settings_fail_with_every_place(site: Site) -> None:
    """All mistakes of a plugin are told at once, each with its line."""
    record = failure(
        site,
        """
        class ThePlugin(Plugin):
            name = "bad"

            class Settings(Settings):
                size: int = Field(1, gt=0, description="units")
                rate: float = Field(description="per second")
        """,
        "[plugins.bad]\nsize = -1\nsise = 2\n",
    )
    where = site.folder / "hookbus.toml"

    assert record.phase == "settings"
    assert [(problem.key, problem.line) for problem in record.problems] == [
        ("plugins.bad.size", 2),
        ("plugins.bad.rate", 1),
        ("plugins.bad.sise", 3),
    ]
    assert f"{where}:2: plugins.bad.size = -1 must be greater than 0" in str(record.reason)
    assert "Did you mean 'size'?" in str(record.mend)


def test_a_validator_that_raises_anything_fails_the_plugin(site: Site) -> None:
    """Validators are the plugin's code, so they too may do anything."""
    record = failure(
        site,
        """
        class ThePlugin(Plugin):
            name = "bad"

            class Settings(Settings):
                size: int = 1

                @field_validator("size")
                @classmethod
                def check(cls, size):
                    raise SystemExit("no")
        """,
    )

    assert record.phase == "settings"
    assert "SystemExit: no" in str(record.reason)


def test_a_model_that_is_not_complete_fails_the_plugin(site: Site) -> None:
    """Before all types are known, nothing is validated: it might be a secret."""
    record = failure(
        site,
        """
        class ThePlugin(Plugin):
            name = "bad"

            class Settings(Settings):
                token: "Unheard" = None
        """,
        '[plugins.bad]\ntoken = "sesame"',
    )

    assert record.phase == "settings"
    assert "Unheard" in str(record.reason)
    assert "sesame" not in str(record)


@pytest.mark.parametrize(
    ("init", "reason"),
    [
        ("def __init__(self, settings): raise RuntimeError('boom')", "RuntimeError: boom"),
        ("def __init__(self, settings): raise SystemExit(3)", "SystemExit: 3"),
        ("def __init__(self): pass", "TypeError"),
        ("def __new__(cls, settings): return 3", "makes a int"),
    ],
)
def test_a_class_that_cannot_be_built_fails(site: Site, init: str, reason: str) -> None:
    """The constructor is guarded like the import."""
    record = failure(site, f"class ThePlugin(Plugin):\n    name = 'bad'\n    {init}\n")

    assert record.phase == "build"
    assert reason in str(record.reason)


def test_a_class_that_hangs_when_built_is_given_up(site: Site) -> None:
    """A constructor that waits for something does not stop the host."""
    body = f"""
class ThePlugin(Plugin):
    name = "bad"

    def __init__(self, settings):
        {HANG.splitlines()[0]}
        hang()
"""

    record = failure(site, body, QUICK)

    assert (record.phase, record.instance) == ("build", None)
    assert "in __init__" in str(record.traceback)


def test_wrong_hooks_fail_the_plugin(site: Site) -> None:
    """A plugin whose hooks are wrong is not registered."""
    record = failure(
        site,
        """
        class ThePlugin(Plugin):
            name = "bad"

            @hookimpl
            def hookbus_strat(self, context): ...
        """,
    )

    assert (record.phase, record.mend) == ("hooks", "Did you mean 'hookbus_start'?")


def test_a_class_that_misbehaves_when_looked_at_fails(site: Site) -> None:
    """Even a class whose attributes raise is only its own problem."""
    record = failure(
        site,
        """
        class Meta(type):
            @property
            def requires(cls):
                raise RuntimeError("looked at")

        class ThePlugin(Plugin, metaclass=Meta):
            name = "bad"
        """,
    )

    assert record.phase == "check"
    assert "looked at" in str(record.reason)


@pytest.mark.parametrize("layer", ["file", "environment", "override", "default"])
def test_secrets_stay_out_of_reasons_and_tracebacks(site: Site, layer: str) -> None:
    """A webhook URL in an exception is hidden, wherever the URL was set."""
    url = "https://hooks.example/T0/secret-part"
    site.install("secretive", SECRETIVE)
    config = {
        "file": lambda: site.configure(f'[plugins.secretive]\nurl = "{url}"'),
        "environment": lambda: site.configure(env={"HOOKBUS_PLUGINS__SECRETIVE__URL": url}),
        "override": lambda: site.configure(overrides=[f"plugins.secretive.url={url}"]),
        "default": lambda: site.configure(),
    }[layer]()

    record = site.load(config)["secretive"]

    assert record.reason is not None
    assert record.reason.startswith(f"ValueError: cannot reach {HIDDEN}")
    assert HIDDEN in str(record.traceback)
    for secret in (url, "https://default.example/hook"):
        assert secret not in f"{record}{record.reason}{record.traceback}{record.error()}"


def test_the_first_cause_of_a_failure_stays() -> None:
    """What fails afterwards is a consequence and must not hide the cause."""
    record = PluginRecord("risk")
    record.fail("start", "no connection", "Check the network.")
    record.fail("stop", "was never started")

    assert (record.phase, record.reason) == ("start", "no connection")
    assert str(record.error()) == (
        "plugin 'risk' failed at start: no connection. Check the network."
    )
