"""Settings of the sagas."""

from __future__ import annotations

from typing import Self

from hookbus import Breaker, Retry, Settings
from pydantic import Field, model_validator

__all__ = ["SagaSettings"]


class SagaSettings(Settings):
    """How often, how long and how fast steps are tried; a step may have its own."""

    attempts: int = Field(
        5,
        ge=1,
        description="How often a step is tried, the first time included, before its saga "
        "turns back.",
    )
    compensation_attempts: int = Field(
        10,
        ge=1,
        description="How often the compensation of a step is tried before its saga is parked.",
    )
    delay: float = Field(
        0.5, ge=0, allow_inf_nan=False, description="Wait before the second try, in seconds."
    )
    factor: float = Field(
        2.0, ge=1, allow_inf_nan=False, description="How much longer each further wait is, no unit."
    )
    maximum_delay: float = Field(
        60.0, ge=0, allow_inf_nan=False, description="Longest wait between two tries, in seconds."
    )
    timeout: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest time that a call of a step may take, in seconds; then it is "
        "cancelled, and the step is asked what came of it.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        description="Compensations of a step that fail in a row, whichever saga they belong to, "
        "after which none is tried for a while.",
    )
    breaker_reset: float = Field(
        30.0, gt=0, allow_inf_nan=False, description="How long none is tried then, in seconds."
    )
    keep_days: float | None = Field(
        90.0,
        gt=0,
        description="How long sagas that have ended are remembered, in days; none: for ever. One "
        "that is forgotten can be begun again with the same id.",
    )

    @model_validator(mode="after")
    def _delays_agree(self) -> Self:
        if self.maximum_delay < self.delay:
            raise ValueError(
                f"maximum_delay {self.maximum_delay} is below delay {self.delay}; raise it, or "
                "lower the delay"
            )
        return self

    def retry(self) -> Retry:
        """How a step is tried again that has no rule of its own."""
        return Retry(self.attempts, self.delay, self.factor, self.maximum_delay)

    def compensation(self) -> Retry:
        """How a compensation is tried again."""
        return Retry(self.compensation_attempts, self.delay, self.factor, self.maximum_delay)

    def breaker(self) -> Breaker:
        """When compensations of a step are left alone for a while."""
        return Breaker(self.breaker_failures, self.breaker_reset)
