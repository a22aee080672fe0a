"""What Discord's answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from hookbus_discord.replies import (
    Accepted,
    Limited,
    MessageGone,
    Refused,
    Reply,
    Unavailable,
    Unreachable,
    Verdict,
    WebhookGone,
    judge,
    number,
)

from tests.plugins.discord.discord import GONE, NO_MESSAGE, WRONG_TOKEN

WEBHOOK = WebhookGone("HTTP 404, code 10015 (unknown webhook)")


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, body={"id": "99"}), Accepted("99")),
        (Reply(200, body={"id": "../../users"}), Accepted(None)),
        (Reply(200, body="ok"), Accepted(None)),
        (Reply(204), Accepted(None)),
        (GONE, WEBHOOK),
        (Reply(404), WebhookGone("HTTP 404")),
        (WRONG_TOKEN, WebhookGone("HTTP 401, code 50027 (invalid webhook token)")),
        (Reply(403, body={"code": 50013}), WebhookGone("HTTP 403, code 50013")),
        (Reply(403, body="<html>"), Unavailable("HTTP 403")),
        (Reply(500), Unavailable("HTTP 500")),
        (Reply(503, {"retry-after": "7"}), Unavailable("HTTP 503", 7.0)),
        (Reply(400, body={"code": 50035}), Refused("HTTP 400, code 50035 (invalid form body)")),
        (Reply(302, {"location": "https://evil.net"}), Refused("HTTP 302")),
        (Unreachable("no answer in time"), Unavailable("no answer in time")),
    ],
)
def test_an_answer_to_a_new_message(reply: Reply | Unreachable, verdict: Verdict) -> None:
    """Each says whether to go on, to wait, to give up the message or the webhook."""
    assert judge(reply, editing=False) == verdict


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (NO_MESSAGE, MessageGone()),
        (Reply(404), MessageGone()),
        (GONE, WEBHOOK),
        (WRONG_TOKEN, WebhookGone("HTTP 401, code 50027 (invalid webhook token)")),
    ],
)
def test_an_answer_to_an_edit(reply: Reply, verdict: Verdict) -> None:
    """A message that somebody deleted does not stop the webhook; an unknown webhook does."""
    assert judge(reply, editing=True) == verdict


@pytest.mark.parametrize(
    ("headers", "body", "verdict"),
    [
        ({"retry-after": "2"}, None, Limited(2.0, False)),
        ({}, {"retry_after": 0.25, "global": False}, Limited(0.25, False)),
        ({"x-ratelimit-reset-after": "0.5"}, None, Limited(0.5, False)),
        ({"retry-after": "1", "x-ratelimit-reset-after": "0.4"}, None, Limited(0.4, False)),
        ({"retry-after": "1"}, {"retry_after": 0.3}, Limited(0.3, False)),
        ({"retry-after": "1"}, {"retry_after": "soon"}, Limited(1.0, False)),
        ({}, {"retry_after": 3, "global": True}, Limited(3.0, True)),
        ({"retry-after": "3", "x-ratelimit-global": "true"}, None, Limited(3.0, True)),
        ({"retry-after": "3", "x-ratelimit-scope": "global"}, None, Limited(3.0, True)),
        ({"retry-after": "3", "x-ratelimit-scope": "shared"}, None, Limited(3.0, False)),
        ({}, None, Unavailable("HTTP 429")),
        ({"retry-after": "nan"}, {"retry_after": -1}, Unavailable("HTTP 429")),
    ],
)
def test_too_many_requests_says_how_long_in_several_ways(
    headers: dict[str, str], body: Any, verdict: Verdict
) -> None:
    """The exact figure counts before the rounded one; where there is none, the back-off decides."""
    assert judge(Reply(429, headers, body), editing=False) == verdict


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", None, True, [1], float("inf")])
def test_what_is_no_duration_is_ignored(value: Any) -> None:
    """A broken header never makes the plugin sleep for ever or fail."""
    assert number(value) is None
