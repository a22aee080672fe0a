"""The rate limits are those of the headers, and a share of them is for critical alerts."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hookbus_discord.ratelimits import Pause, RateLimits

from tests.plugins.discord.samples import NOON, SECOND


def headers(
    remaining: int, limit: int = 5, after: float = 2.0, bucket: str = "b"
) -> dict[str, str]:
    """Headers as Discord sends them."""
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset-after": str(after),
        "x-ratelimit-bucket": bucket,
    }


def waits(limits: RateLimits, after: float = 0.0) -> tuple[float, float]:
    """Seconds that an ordinary and a critical message must wait, some seconds after noon."""
    now_ns = NOON + round(after * SECOND)
    ordinary = limits.wait_ns("post", critical=False, now_ns=now_ns)
    critical = limits.wait_ns("post", critical=True, now_ns=now_ns)
    return max(0, ordinary) / SECOND, max(0, critical) / SECOND


def test_nothing_is_assumed_before_discord_has_spoken() -> None:
    """The first request may go at once: there is no limit but Discord's."""
    assert waits(RateLimits(0.5, Pause())) == (0, 0)


@pytest.mark.parametrize(
    ("share", "limit", "remaining", "ordinary"),
    [
        (0.2, 5, 2, 0.0),
        (0.2, 5, 1, 2.0),
        (0.0, 5, 1, 0.0),
        (0.5, 5, 3, 2.0),
        (0.5, 5, 4, 0.0),
        (1.0, 5, 5, 0.0),
        (1.0, 5, 4, 2.0),
        (1.0, 1, 1, 0.0),
    ],
)
def test_a_share_of_the_bucket_is_kept_for_critical_alerts(
    share: float, limit: int, remaining: int, ordinary: float
) -> None:
    """Ordinary ones wait for the reset while only the reserve is left; one request is theirs."""
    limits = RateLimits(share, Pause())
    limits.note("post", headers(remaining, limit), NOON)
    assert waits(limits) == (ordinary, 0)


def test_an_empty_bucket_stops_everybody_until_its_reset() -> None:
    """Then it is full again, as far as anybody knows."""
    limits = RateLimits(0.2, Pause())
    limits.note("post", headers(0), NOON)
    assert waits(limits) == (2, 2)
    assert waits(limits, after=1.5) == (0.5, 0.5)
    assert waits(limits, after=2.0) == (0, 0)


def test_routes_share_a_limit_only_if_discord_says_so() -> None:
    """The bucket's name decides."""
    limits = RateLimits(0.0, Pause())
    limits.note("edit", headers(4, bucket="edits"), NOON)
    limits.note("post", headers(0, bucket="posts"), NOON)
    assert limits.wait_ns("edit", critical=False, now_ns=NOON) <= 0
    limits.note("edit", headers(0, bucket="posts"), NOON)
    assert limits.wait_ns("edit", critical=False, now_ns=NOON) == 2 * SECOND


def test_a_request_without_an_answer_counts() -> None:
    """A time-out may well have been counted at the other end."""
    limits = RateLimits(0.0, Pause())
    limits.note("post", headers(1), NOON)
    limits.spend("post")
    assert waits(limits) == (2, 2)


def test_a_reset_as_an_instant_is_read_by_the_server_s_clock() -> None:
    """A wrong clock here neither hammers Discord nor waits for hours."""
    wrong_ns = NOON - 3_600 * SECOND
    told = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON // SECOND + 3)}
    limits = RateLimits(0.0, Pause())
    limits.note("post", {**told, "date": formatdate(NOON // SECOND, usegmt=True)}, wrong_ns)
    assert limits.wait_ns("post", critical=True, now_ns=wrong_ns) == 3 * SECOND
    limits.note("post", told, NOON)
    assert limits.wait_ns("post", critical=True, now_ns=NOON) == 3 * SECOND


def test_a_global_limit_holds_for_every_webhook() -> None:
    """Critical alerts wait as well; a shorter pause does not end a longer one."""
    everywhere = Pause()
    one, other = RateLimits(0.0, everywhere), RateLimits(0.0, everywhere)
    one.pause("post", 3.0, NOON, everywhere=True)
    one.pause("post", 1.0, NOON, everywhere=True)
    assert waits(other) == (3, 3)
    assert waits(other, after=3.0) == (0, 0)


def test_a_limit_of_one_webhook_holds_for_it_alone() -> None:
    """Also where the answer names neither a limit nor a bucket."""
    everywhere = Pause()
    one, other = RateLimits(0.5, everywhere), RateLimits(0.5, everywhere)
    one.pause("post", 3.0, NOON, everywhere=False)
    assert waits(one) == (3, 3)
    assert waits(other) == (0, 0)


@pytest.mark.parametrize("broken", ["", "many", "-1", "nan"])
def test_broken_headers_change_nothing(broken: str) -> None:
    """What cannot be understood is no limit."""
    limits = RateLimits(0.5, Pause())
    limits.note("post", headers(0) | {"x-ratelimit-remaining": broken}, NOON)
    limits.note("post", headers(0) | {"x-ratelimit-reset-after": broken}, NOON)
    assert waits(limits) == (0, 0)
