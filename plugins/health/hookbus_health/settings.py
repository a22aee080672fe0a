"""The settings of the health plugin: a table for each rule, and one for the watchdog."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hookbus import Settings
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from hookbus_health.hours import Hours, Sessions
from hookbus_health.levels import SECOND, Thresholds
from hookbus_health.status import Damping

__all__ = [
    "CheckSettings",
    "DiskSettings",
    "DrawdownSettings",
    "ErrorSettings",
    "FailureSettings",
    "HealthSettings",
    "HeartbeatSettings",
    "HoursSettings",
    "LagSettings",
    "MemorySettings",
    "QueueSettings",
    "WatchdogSettings",
]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Pattern = Annotated[str, StringConstraints(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone; write a name such as UTC or America/New_York"
        ) from None
    return name


class RuleSettings(Settings):
    """What every rule has: a switch, and how slow its components are to get better."""

    enabled: bool = Field(True, description="false: nothing is judged by this rule")
    recovery: NotNegative = Field(
        60.0, description="seconds for which it must have been better before the status is"
    )

    @property
    def damping(self) -> Damping:
        """How quick and how slow, as the board takes it."""
        return Damping(1, round(self.recovery * SECOND))


class RepeatedSettings(RuleSettings):
    """What a rule has besides that finds the same again and again while it lasts."""

    worse_after: int = Field(
        1, ge=1, description="findings in a row that must be worse before the status is"
    )

    @property
    def damping(self) -> Damping:
        """How quick and how slow, as the board takes it."""
        return Damping(self.worse_after, round(self.recovery * SECOND))


class ThresholdSettings(RuleSettings):
    """A rule over a value of which more is worse."""

    degraded: float = Field(description="above this a component is degraded")
    critical: float = Field(description="above this a component is critical")
    degraded_leave: NotNegative | None = Field(
        None, description="at or below this it is no longer degraded; default: 90 % of degraded"
    )
    critical_leave: NotNegative | None = Field(
        None, description="at or below this it is no longer critical; default: 90 % of critical"
    )

    @property
    def thresholds(self) -> Thresholds:
        """All four, with defaults in the place of those that are not set."""
        return Thresholds(
            degraded=self.degraded,
            degraded_leave=_or_default(self.degraded_leave, self.degraded),
            critical=self.critical,
            critical_leave=_or_default(self.critical_leave, self.critical),
        )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        values = self.thresholds._asdict()
        for low, high, rule in ORDER:
            if values[low] > values[high] or (rule == "be below" and values[low] == values[high]):
                raise ValueError(f"{low} = {values[low]:g} must {rule} {high} = {values[high]:g}")
        return self


ORDER = (
    ("degraded", "critical", "be below"),
    ("degraded_leave", "degraded", "not be above"),
    ("critical_leave", "critical", "not be above"),
    ("degraded_leave", "critical_leave", "not be above"),
)
"""Which threshold must stand in which relation to which other one."""

LEAVE = 0.9
"""Where a level is left, as a fraction of where it is entered."""


def _or_default(leave: float | None, enter: float) -> float:
    return LEAVE * enter if leave is None else leave


class DrawdownSettings(RepeatedSettings, ThresholdSettings):
    """What the account of one book has lost since the day began, in UTC."""

    book: Pattern = Field("main", description="the account that is watched")
    degraded: Share = Field(
        0.03, description="above this loss, as a fraction of the day's first equity, it is degraded"
    )
    critical: Share = Field(
        0.05, description="above this loss, as a fraction of the day's first equity, it is critical"
    )


class HoursSettings(Settings):
    """When something is expected at all; the time between is not counted as silence."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = Field(
        ("mon", "tue", "wed", "thu", "fri"), description="days on which a session opens"
    )
    opens: time = Field(time(0), description="when it opens, local time")
    closes: time = Field(
        time(0), description="when it closes, local time; on the next day unless later than opens"
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="time zone of these times (IANA name)"
    )

    def hours(self) -> Hours:
        """The times that count."""
        days = frozenset(get_args(Weekday).index(day) for day in self.days)
        return Sessions(days, self.opens, self.closes, ZoneInfo(self.time_zone))

    @model_validator(mode="after")
    def _times_are_local(self) -> Self:
        for key in ("opens", "closes"):
            if getattr(self, key).tzinfo is not None:
                raise ValueError(f"{key} has an offset; leave it out, time_zone says it")
        return self


class HeartbeatSettings(RuleSettings):
    """For how many of its intervals a feed has brought nothing."""

    degraded: Positive = Field(
        3.0, description="silence, in intervals of the feed, above which it is degraded"
    )
    critical: Positive = Field(
        10.0, description="silence, in intervals of the feed, above which it is critical"
    )
    interval: Positive | None = Field(
        None,
        description="seconds between two arrivals; default: as the bars say, else the median of "
        "the last 20 gaps",
    )
    shortest: NotNegative = Field(
        5.0, description="seconds that an interval is taken to be at least"
    )
    hours: HoursSettings | None = Field(
        None, description="when something is expected; default: always"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.degraded >= self.critical:
            raise ValueError(
                f"degraded = {self.degraded:g} must be below critical = {self.critical:g}"
            )
        return self


class ErrorSettings(RepeatedSettings, ThresholdSettings):
    """How many events about failures there are in a minute."""

    events: tuple[Pattern, ...] = Field(
        ("*.failed", "hookbus.handler.abandoned"),
        min_length=1,
        description="wire-name patterns of the events that count as failures",
    )
    window: int = Field(60, ge=1, description="seconds that the rate is taken over")
    degraded: NotNegative = Field(5.0, description="above so many failures a minute it is degraded")
    critical: NotNegative = Field(
        30.0, description="above so many failures a minute it is critical"
    )


class QueueSettings(ThresholdSettings):
    """How full a queue or a lossless subscription was when it warned of backpressure."""

    degraded: Share = Field(
        0.75, description="above this fill, as a fraction of the capacity, it is degraded"
    )
    critical: Share = Field(
        0.95, description="above this fill, as a fraction of the capacity, it is critical"
    )
    quiet: Positive = Field(
        60.0, description="seconds without another warning after which it counts as empty"
    )


class LagSettings(RepeatedSettings, ThresholdSettings):
    """By how much the event loop is late; not under the simulated clock."""

    interval: Positive = Field(1.0, description="seconds between two measurements")
    degraded: NotNegative = Field(0.25, description="above this lag, in seconds, it is degraded")
    critical: NotNegative = Field(2.0, description="above this lag, in seconds, it is critical")


class MemorySettings(RepeatedSettings, ThresholdSettings):
    """How much memory the process holds; not under the simulated clock."""

    limit: Annotated[int, Field(ge=1)] | None = Field(
        None, description="what counts as all of the memory, in MiB; default: the machine's"
    )
    degraded: NotNegative = Field(
        0.5, description="above this resident memory, as a fraction of the limit, it is degraded"
    )
    critical: NotNegative = Field(
        0.8, description="above this resident memory, as a fraction of the limit, it is critical"
    )


class DiskSettings(RepeatedSettings, ThresholdSettings):
    """How full a file system is; not under the simulated clock."""

    path: Path | None = Field(
        None,
        description="a path on it, relative to the configuration file; default: the state folder",
    )
    degraded: Share = Field(
        0.9, description="above this share of the disk in use, as a fraction, it is degraded"
    )
    critical: Share = Field(
        0.97, description="above this share of the disk in use, as a fraction, it is critical"
    )


class FailureSettings(Settings):
    """Plugins that have failed; each is critical, and stays so."""

    enabled: bool = Field(True, description="false: nothing is judged by this rule")
    ignore: tuple[Pattern, ...] = Field(
        (), description="names of plugins whose failure does not count"
    )


class CheckSettings(RepeatedSettings):
    """The health checks of plugins, and the memory and the disk; not under the simulated clock."""

    interval: Positive = Field(30.0, description="seconds between two rounds of asking")


class WatchdogSettings(Settings):
    """The sign of life for whoever watches the process; not under the simulated clock."""

    enabled: bool = Field(True, description="false: no sign of life is given")
    file: Path | None = Field(
        None,
        description="the file that is written, relative to the configuration file; default: "
        "watchdog.json in the plugin's state folder",
    )
    interval: Positive = Field(5.0, description="seconds between two signs of life")
    recovery: NotNegative = Field(
        60.0,
        description="seconds for which every sign must have got through before the component "
        "watchdog gets better",
    )
    systemd: bool = Field(
        True, description="whether systemd is told as well, where NOTIFY_SOCKET is set"
    )


class HealthSettings(Settings):
    """What is watched, from where on it is degraded or critical, and who is told."""

    drawdown: DrawdownSettings = Field(DrawdownSettings(), description="loss of the day")
    heartbeat: HeartbeatSettings = Field(HeartbeatSettings(), description="silent feeds")
    errors: ErrorSettings = Field(ErrorSettings(), description="failures per minute")
    queues: QueueSettings = Field(QueueSettings(), description="full queues")
    event_loop: LagSettings = Field(LagSettings(), description="lag of the event loop")
    memory: MemorySettings = Field(MemorySettings(), description="memory of the process")
    disk: DiskSettings = Field(DiskSettings(), description="room on the disk")
    plugins: FailureSettings = Field(FailureSettings(), description="plugins that have failed")
    checks: CheckSettings = Field(CheckSettings(), description="health checks of plugins")
    watchdog: WatchdogSettings = Field(WatchdogSettings(), description="the sign of life")
