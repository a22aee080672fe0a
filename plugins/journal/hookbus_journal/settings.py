"""The settings of the journal: `[plugins.journal]`."""

from __future__ import annotations

from typing import Annotated, Self

from hookbus import Settings
from pydantic import Field, StringConstraints, model_validator

Pattern = Annotated[str, StringConstraints(min_length=1)]

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class JournalSettings(Settings):
    """What is kept, how long, and how much of it is written at once."""

    durable: tuple[Pattern, ...] = Field(
        (),
        description="wire-name patterns of the events that are committed before they are "
        "dispatched, besides those that durable subscriptions want",
    )
    record: tuple[Pattern, ...] = Field(
        ("*",), description="wire-name patterns of the other events that are recorded, best effort"
    )
    exclude: tuple[Pattern, ...] = Field(
        (), description="wire-name patterns of events that are not recorded, whatever record says"
    )
    payload_limit: int = Field(
        256 * KIB,
        ge=1,
        description="bytes that the fields of one event may take as JSON; a durable event that is "
        "larger is refused, another one is recorded without its fields",
    )
    keep_days: float = Field(
        30.0, gt=0, allow_inf_nan=False, description="days for which events are kept"
    )
    keep_bytes: int = Field(
        2 * GIB,
        ge=4 * MIB,
        description="bytes that the database may hold before the oldest events are removed",
    )
    prune_every: float = Field(
        3600.0,
        ge=1,
        allow_inf_nan=False,
        description="seconds between two removals of what is too old or too much",
    )
    dead_letters: int = Field(
        10_000, ge=1, description="dead letters that are kept; a consumer waits where they are full"
    )
    reserve_bytes: int = Field(
        4 * MIB,
        ge=0,
        description="bytes set aside on the disk, so that consumers can store what they have "
        "finished when it is full",
    )
    commit_events: int = Field(
        256, ge=1, le=4096, description="most durable events that share one commit"
    )
    commit_wait: float = Field(
        0.005,
        ge=0,
        le=1,
        description="seconds after which a commit begins at the latest, however many more events "
        "keep coming",
    )
    backlog: int = Field(
        65_536,
        ge=1,
        description="best-effort events that may wait to be recorded; more are counted, not kept",
    )

    @model_validator(mode="after")
    def _reserve_is_smaller_than_what_is_kept(self) -> Self:
        if self.reserve_bytes >= self.keep_bytes:
            raise ValueError(
                f"reserve_bytes is {self.reserve_bytes} and keep_bytes is {self.keep_bytes}, but "
                "the reserve is only for what consumers have finished. Make reserve_bytes smaller"
            )
        return self
