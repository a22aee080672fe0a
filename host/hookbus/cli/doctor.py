"""`hookbus doctor`: looks at everything that may be wrong here, and says how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from hookbus import __version__
from hookbus.cli.options import DEFAULT_FILE, Given, configuration_options, json_option
from hookbus.cli.output import print_json, print_table
from hookbus.errors import ConfigurationError, HookbusError

if TYPE_CHECKING:
    from hookbus.plugins.assembly import Assembly

LIBRARIES = ("click", "cronsim", "packaging", "pluggy", "pydantic", "rich", "structlog", "tomlkit")
OLDEST_PYTHON = (3, 11)
LEAST_SPACE = 100_000_000
"""Bytes that should be free on the disk of the state folder."""

STEP_LIMIT = 0.05
"""Seconds by which the clock and the timer may differ while nothing is done."""


class Finding(NamedTuple):
    """One line of the report."""

    what: str
    state: Literal["ok", "warning", "problem"]
    told: str
    mend: str = ""


@click.command()
@configuration_options
@json_option
def doctor(given: Given, as_json: bool) -> None:
    """Look for what may be wrong here. Exit code 1 if there is a problem, 0 for warnings."""
    findings = list(examine(given))
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        rows = [
            (one.state, one.what, " ".join(filter(None, (one.told, one.mend)))) for one in findings
        ]
        print_table(("State", "What", "Finding"), rows, keep=("State", "What"), style="State")
    problems = any(finding.state == "problem" for finding in findings)
    click.get_current_context().exit(1 if problems else 0)


def examine(given: Given) -> Iterator[Finding]:
    """Look at one thing after the other; what cannot be looked at is a finding too."""
    yield _python()
    yield _libraries()
    yield _terminal()
    yield _clock()
    try:
        assembly = given.assembly()
    except ConfigurationError as error:
        for problem in error.problems:
            yield Finding("configuration", "problem", str(problem))
        return
    yield from _configuration(given, assembly)
    yield from _plugins(assembly)
    for look in (_state_folder, _running_host):
        yield _guarded(look, assembly.config.state_dir)


def _python() -> Finding:
    told = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", "problem", told, "Use Python 3.11 or newer.")
    return Finding("python", "ok", told)


def _libraries() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    versions, missing = [f"hookbus {__version__}"], []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        told = f"{', '.join(missing)} is not installed"
        return Finding("libraries", "problem", told, "Run pip install --force-reinstall hookbus.")
    return Finding("libraries", "ok", ", ".join(versions))


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", "ok", "output goes to a file or a pipe: no colours, no bar")
    size, encoding = shutil.get_terminal_size(), sys.stdout.encoding
    told = f"{size.columns} columns, {os.environ.get('TERM', 'unknown')}, {encoding}"
    if "utf" not in encoding.lower():
        return Finding("terminal", "warning", told, "Set LANG to a UTF-8 locale, or PYTHONUTF8=1.")
    return Finding("terminal", "ok", told)


def _clock() -> Finding:
    import time

    began, counted = time.time(), time.perf_counter()
    while time.perf_counter() - counted < STEP_LIMIT:
        pass
    step = abs((time.time() - began) - (time.perf_counter() - counted))
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(began))
    if step > STEP_LIMIT:
        mend = "Let one service, such as chrony, set the clock."
        return Finding("clock", "warning", f"{moment} UTC; it jumped by {step:.3f} s", mend)
    if time.gmtime(began).tm_year < 2026:
        return Finding("clock", "problem", f"{moment} UTC is in the past", "Set the clock.")
    return Finding("clock", "ok", f"{moment} UTC, {'/'.join(time.tzname)}")


def _configuration(given: Given, assembly: Assembly) -> Iterator[Finding]:
    from hookbus.cli.check import job_problems

    problems = [*assembly.problems, *job_problems(assembly)]
    for problem in problems:
        yield Finding("configuration", "problem", str(problem))
    if given.file is None:
        mend = f"Write {DEFAULT_FILE}, or name a file with --config."
        yield Finding("configuration", "warning", f"there is no {DEFAULT_FILE} here", mend)
    elif not problems:
        mode = assembly.config.clock.mode
        yield Finding("configuration", "ok", f"{given.file}, {mode} clock")


def _plugins(assembly: Assembly) -> Iterator[Finding]:
    if not assembly.records:
        mend = "Install some, or write one: hookbus plugins new NAME."
        yield Finding("plugins", "warning", "none is installed", mend)
    for name, record in sorted(assembly.records.items()):
        what = f"plugin {name}"
        if record.failed:
            told = f"failed at {record.phase}: {record.reason}."
            yield Finding(what, "problem", told, record.mend or "")
        elif record.warnings:
            yield Finding(what, "warning", "; ".join(record.warnings))
        else:
            version = f" {record.version}" if record.version else ""
            reason = f", {record.reason}" if record.reason else ""
            yield Finding(what, "ok", f"{record.state.value}{version}{reason}")


def _guarded(look: Callable[[Path], Finding], folder: Path) -> Finding:
    try:
        return look(folder)
    except (OSError, HookbusError) as error:
        return Finding(look.__name__.strip("_").replace("_", " "), "problem", str(error))


def _state_folder(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    told = f"{folder}" if existing == folder else f"{folder}, to be made when it is needed"
    try:
        if not existing.is_dir():
            raise NotADirectoryError(f"{existing} is no folder")
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        mend = "Make it writable, or name another one in [host] state."
        return Finding("state folder", "problem", f"{told}: {error.strerror or error}.", mend)
    if free < LEAST_SPACE:
        return Finding("state folder", "warning", f"{told}: {free / 1e6:.0f} MB free", "Make room.")
    return Finding("state folder", "ok", f"{told}, {free / 1e9:.1f} GB free")


def _running_host(folder: Path) -> Finding:
    from hookbus.control.client import connect
    from hookbus.control.place import read_note

    client = connect(folder)
    if client is None:
        note = read_note(folder)
        if note is None:
            return Finding("running host", "ok", "none with this state folder")
        told = f"process {note.pid} was killed, or is stuck; the next host clears its socket away"
        return Finding("running host", "warning", told)
    with client:
        status = client.ask("status")
    told = f"{status['name']}, process {status['pid']}, hookbus {status['version']}"
    if status["failed"]:
        failed = ", ".join(status["failed"])
        return Finding("running host", "problem", f"{told}; failed there: {failed}.")
    if status["version"] != __version__:
        return Finding("running host", "warning", f"{told}: not {__version__}", "Restart it.")
    return Finding("running host", "ok", f"{told}, {status.get('published', 0):,} events")
