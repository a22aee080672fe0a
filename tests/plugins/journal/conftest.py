"""Journals on both clocks: with threads under the system's, without any under a simulated one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hookbus import Clock
from hookbus_journal.session import Session

from tests.plugins.journal.samples import opened

Journals = Callable[..., AbstractAsyncContextManager[Session]]


@pytest.fixture(params=["simulated", pytest.param("system", marks=pytest.mark.real_time)])
def journals(request: Any, simulated_clock: Clock, tmp_path: Path) -> Journals:
    """Opens journals in the test's folder: `async with journals(settings={...}) as session`."""
    return partial(opened, tmp_path, clock=simulated_clock)
