"""A sign of life: what the watchdog's file holds, for whoever writes it and whoever reads it."""

from __future__ import annotations

from typing import Annotated, Literal

from hookbus_trading.fields import HealthLevel, UtcTime
from pydantic import BaseModel, Field, NonNegativeInt

State = Literal["running", "stopping", "stopped"]


class Standing(BaseModel):
    """How one component stands."""

    status: HealthLevel = Field(description="How well it works.")
    reason: str = Field(description="Why, with the numbers, for people to read.")
    changes: NonNegativeInt = Field(description="How often its status has changed so far.")


class Sign(Standing):
    """How the whole system stands, and when that was; the status is the worst of all."""

    time: UtcTime = Field(description="When the sign was given.")
    interval: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="Seconds until the next sign."
    )
    pid: int = Field(description="The process that gave it.")
    state: State = Field(description="Whether the host runs, begins to stop, or has stopped.")
    components: dict[str, Standing] = Field(description="The components, by name.")
