"""Records of runs that never were, for the tests that read and compare records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CloudEvent = dict[str, Any]


def event(
    sequence: int,
    cause: int | None = None,
    *,
    run: str = "one",
    type: str = "test.tick",  # noqa: A002 - as in a CloudEvent
    **data: Any,
) -> CloudEvent:
    """One event as a recorder writes it."""
    made: CloudEvent = {
        "specversion": "1.0",
        "id": f"{run}-{sequence}",
        "source": "/hookbus/test",
        "type": type,
        "time": f"2024-01-01T00:00:{sequence % 60:02}Z",
        "datacontenttype": "application/json",
        "dataversion": 1,
        "sequence": sequence,
        "correlationid": f"{run}-{sequence}",
    }
    if cause is not None:
        made["causationid"] = f"{run}-{cause}"
    return made | {"data": data}


def write(path: Path, events: Iterable[CloudEvent], rest: str = "") -> Path:
    """A record of `events`, with `rest` after its last line."""
    lines = "".join(json.dumps(one) + "\n" for one in events)
    path.write_text(lines + rest, encoding="utf-8")
    return path


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc.", max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)
_data = st.dictionaries(st.sampled_from(("price", "size", "note")), _values)


@st.composite
def runs(draw: st.DrawFn, run: str = "one") -> list[CloudEvent]:
    """A run of some events, each with any data, some caused by earlier ones."""
    made: list[CloudEvent] = []
    for sequence, data in enumerate(draw(st.lists(_data, min_size=1, max_size=12)), 1):
        cause = draw(st.none() | st.integers(1, sequence - 1)) if sequence > 1 else None
        kind = draw(st.sampled_from(("test.tick", "test.order", "other.note")))
        made.append(event(sequence, cause, run=run, type=kind, **data))
    return made
