"""Parquet: kept events as a table, for programs that analyse them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pyarrow  # type: ignore[import-untyped]
from hookbus import StoredEvent
from pyarrow import parquet

SCHEMA: Final = pyarrow.schema(
    [
        ("position", pyarrow.int64()),
        ("run", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
        ("sequence", pyarrow.int64()),
        ("type", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
        ("version", pyarrow.int32()),
        ("source", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
        ("time", pyarrow.timestamp("ns", tz="UTC")),
        ("key", pyarrow.string()),
        ("correlation_id", pyarrow.string()),
        ("causation_id", pyarrow.string()),
        ("depth", pyarrow.int32()),
        ("data", pyarrow.string()),
    ]
)
"""The columns: those of `hookbus.StoredEvent`, the fields of the event as JSON in `data`."""


def write_table(
    target: Path, pages: Iterable[list[StoredEvent]], done: Callable[[int], None]
) -> int:
    """Write events, a page at a time; returns how many."""
    written = 0
    with parquet.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for page in pages:
            writer.write_table(pyarrow.Table.from_pylist([_row(one) for one in page], SCHEMA))
            written += len(page)
            done(written)
    return written


def _row(event: StoredEvent) -> dict[str, object]:
    found = asdict(event)
    found["time"] = found.pop("time_ns")
    return found
