"""What an operator says to the controller: keep this mode, and let go of it again."""

from __future__ import annotations

from hookbus import Event, Stops
from hookbus_trading.fields import Name, RiskMode, UtcTime
from pydantic import Field

__all__ = ["PolicyPinned", "PolicyUnpinned"]


class PolicyPinned(Event, type="msc.policy_pinned", version=1, critical=True):
    """A person fixed the risk mode, whatever the inputs say."""

    __stops__ = Stops(
        ("control.policy",),
        reason=("mode", "by", "reason"),
        until=("msc.policy_unpinned",),
        certain=False,
    )

    mode: RiskMode = Field(description="`aggressive`, `normal` or `defensive`.")
    reason: Name = Field(description="Why, for people to read.")
    by: Name = Field("operator", description="Who fixed it.")
    until: UtcTime | None = Field(
        None, description="Instant at which it ends by itself, UTC; none: until it is unpinned."
    )


class PolicyUnpinned(Event, type="msc.policy_unpinned", version=1, critical=True):
    """A person let go of the risk mode: the inputs decide again."""

    reason: Name = Field("no longer needed", description="Why, for people to read.")
    by: Name = Field("operator", description="Who let go of it.")
