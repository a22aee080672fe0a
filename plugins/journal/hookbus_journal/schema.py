"""The tables of the journal. Their names and columns are fixed: other programs read them."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x686B6A6C
"""Says that a SQLite file is a journal of hookbus."""

VERSION: Final = 1
"""The version of these tables."""

TABLES: Final = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, started_ns INTEGER NOT NULL,
    ended_ns INTEGER, clean INTEGER NOT NULL DEFAULT 0, simulated INTEGER NOT NULL,
    host_version TEXT NOT NULL
);
CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE events (
    position INTEGER PRIMARY KEY, run INTEGER NOT NULL, sequence INTEGER NOT NULL,
    type INTEGER NOT NULL, version INTEGER NOT NULL, source INTEGER NOT NULL,
    time_ns INTEGER NOT NULL, key TEXT, correlation_run INTEGER NOT NULL,
    correlation INTEGER NOT NULL, causation_run INTEGER, causation INTEGER,
    depth INTEGER NOT NULL, durable INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX events_id ON events (run, sequence);
CREATE INDEX events_correlation ON events (correlation_run, correlation);
CREATE INDEX events_time ON events (time_ns);
CREATE INDEX events_type ON events (type);
CREATE TABLE consumers (
    name TEXT PRIMARY KEY, types TEXT NOT NULL, "offset" INTEGER NOT NULL,
    created_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL
);
CREATE TABLE finished (
    consumer TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (consumer, position)
) WITHOUT ROWID;
CREATE TABLE attempts (
    consumer TEXT NOT NULL, position INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0, begun INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, position)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, consumer TEXT NOT NULL,
    position INTEGER NOT NULL, type TEXT NOT NULL, key TEXT, envelope TEXT NOT NULL,
    error TEXT NOT NULL, traceback TEXT NOT NULL,
    failures INTEGER NOT NULL, crashes INTEGER NOT NULL, time_ns INTEGER NOT NULL,
    retrying INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE accounts (
    time_ns INTEGER NOT NULL, run INTEGER NOT NULL, plugin TEXT NOT NULL, name TEXT NOT NULL,
    filter TEXT NOT NULL, condition TEXT, delivery TEXT NOT NULL, matched INTEGER NOT NULL,
    delivered INTEGER NOT NULL, filtered INTEGER NOT NULL, coalesced INTEGER NOT NULL,
    lagged INTEGER NOT NULL, dead_lettered INTEGER NOT NULL, pending INTEGER NOT NULL,
    abandoned INTEGER NOT NULL, failures INTEGER NOT NULL, retries INTEGER NOT NULL
);
CREATE TABLE explanations (
    type TEXT PRIMARY KEY, bases TEXT NOT NULL, stops TEXT NOT NULL, reason TEXT NOT NULL,
    until TEXT NOT NULL, certain INTEGER NOT NULL
);
CREATE TABLE gaps (
    run INTEGER NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL, time_ns INTEGER NOT NULL
);
CREATE TABLE meta (name TEXT PRIMARY KEY, value);
"""

OWN_NAMES: Final = frozenset(
    (
        *(
            "accounts",
            "attempts",
            "consumers",
            "dead_letters",
            "events",
            "explanations",
            "finished",
        ),
        *("gaps", "meta", "runs", "sources", "sqlite_sequence", "types"),
        *("events_correlation", "events_id", "events_time", "events_type"),
    )
)
"""The names that belong to the journal; plugins choose others for their tables."""
