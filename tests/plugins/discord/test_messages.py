"""What a message shows, and that Discord would take it, whatever the event holds."""

from __future__ import annotations

import json
from typing import Any

from hookbus_discord import messages
from hookbus_discord.messages import message
from hookbus_discord.text import length
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.plugins.discord.samples import NOON, Anything, Halted, Rejected, alert, rule

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6000),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=10,
)


def one(event: Any, **settings: Any) -> dict[str, Any]:
    """The payload of a single alert."""
    found = alert(event, by=rule(**settings))
    return message(found, found, 1, {found.envelope.type: 1})


def test_an_alert_shows_what_it_is_about() -> None:
    """Title with the key, the reason as text, the other fields beside one another."""
    body = one(Rejected(reason="risk of 3_000"), title="Order rejected", severity="error")
    assert body == {
        "embeds": [
            {
                "title": r"Order rejected\: BTC",
                "color": 0xE67E22,
                "timestamp": "2024-01-01T12:00:00+00:00",
                "description": r"risk of 3\_000",
                "fields": [
                    {"name": "symbol", "value": "BTC", "inline": True},
                    {"name": "quantity", "value": "1.50", "inline": True},
                ],
                "footer": {"text": "error · sample.rejected · from risk · run-1"},
            }
        ],
        "allowed_mentions": {"parse": []},
    }


def test_the_fields_that_matter_can_be_chosen() -> None:
    """In the order of the settings; what the event does not have is left out."""
    (embed,) = one(Rejected(), fields=["quantity", "nothing"])["embeds"]
    assert [field["name"] for field in embed["fields"]] == ["quantity"]
    (embed,) = one(Rejected(), fields=["reason"])["embeds"]
    assert [field["value"] for field in embed["fields"]] == ["too much risk"]


def test_each_severity_has_its_colour() -> None:
    """The four can be told apart at a glance."""
    colours = [
        one(Halted(), severity=severity)["embeds"][0]["color"]
        for severity in ("info", "warning", "error", "critical")
    ]
    assert colours == [0x3498DB, 0xF1C40F, 0xE67E22, 0xE74C3C]


def test_a_group_shows_its_first_and_its_latest_alert_and_how_many() -> None:
    """Nobody must read a hundred messages to know that it was a hundred."""
    first = alert(Rejected(reason="first"), 1)
    latest = alert(Halted(reason="latest"), 9, at=65)
    body = message(first, latest, 1200, {"sample.rejected": 1199, "sample.halted": 1})
    begin = NOON // 1_000_000_000
    assert [embed["description"] for embed in body["embeds"]] == ["first", "latest"]
    assert body["content"] == (
        f"**1,200 alerts** from <t:{begin}:T> to <t:{begin + 65}:T>: "
        "sample.rejected (1,199), sample.halted (1)"
    )


def test_secrets_in_events_stay_secret() -> None:
    """A field that is a secret is shown as stars."""
    text = json.dumps(one(Anything(password=SecretStr("swordfish"))))
    assert "swordfish" not in text


def test_an_event_that_cannot_be_shown_is_still_told() -> None:
    """A value that no JSON can hold does not lose the alert."""
    (embed,) = one(Anything(value=object(), reason="why"))["embeds"]
    assert embed["description"] == "why"
    assert embed["fields"][0]["value"] == "object that cannot be shown"


def test_what_does_not_fit_is_counted() -> None:
    """Whoever reads the message knows that there was more."""
    (embed,) = one(Anything(value="v" * 5000, other="o" * 5000, reason="r" * 9000))["embeds"]
    shown = [field["name"] for field in embed["fields"]]
    assert shown == ["value", "password"]
    assert embed["footer"]["text"].endswith("· fields left out: 1")
    assert embed["description"].endswith("…")


@settings(max_examples=200)
@given(VALUES, VALUES, st.text(max_size=6000), st.text(min_size=1, max_size=400), st.booleans())
def test_no_event_breaks_the_limits_of_an_embed(
    value: Any, other: Any, reason: str, title: str, grouped: bool
) -> None:
    """Discord refuses a message that is too long anywhere, so that the alert would be lost."""
    first = alert(Anything(value=value, other=other, reason=reason), by=rule(title=title))
    latest = alert(Anything(value=other, other=value, reason=reason), by=rule(title=title))
    body = message(first, latest, 5 if grouped else 1, {"sample.anything": 5})
    assert_fits(body)


def test_the_longest_group_fits() -> None:
    """Two embeds share the limit of one message."""
    long = alert(Anything(value="*" * 9000, other="_" * 9000, reason="#" * 9000))
    assert_fits(message(long, long, 10**9, {f"sample.kind-{n}": n for n in range(1, 999)}))


def test_many_fields_stay_within_the_limit() -> None:
    """At most twenty-five, and the rest is counted."""
    pairs = [(f"field{number}", "x") for number in range(40)]
    fields, left_out = messages._fit(pairs, 6000)
    assert (len(fields), left_out) == (25, 15)


def test_the_test_message_fits_too() -> None:
    """It obeys the limits and notifies nobody."""
    assert_fits(messages.probe("ops"))


def assert_fits(body: dict[str, Any]) -> None:
    """The limits in Discord's documentation, in UTF-16 units."""
    json.dumps(body, allow_nan=False).encode()
    assert body["allowed_mentions"] == {"parse": []}
    assert 1 <= len(body["embeds"]) <= 10
    assert length(body.get("content", "")) <= 2000
    total = 0
    for embed in body["embeds"]:
        fields = embed.get("fields", [])
        texts = {
            256: [embed["title"], *(field["name"] for field in fields)],
            1024: [field["value"] for field in fields],
            2048: [embed.get("footer", {}).get("text", "-")],
            4096: [embed.get("description", "-")],
        }
        for limit, found in texts.items():
            assert all(0 < length(text) <= limit and text.strip() for text in found)
        assert len(fields) <= 25
        total += sum(length(text) for found in texts.values() for text in found)
    assert total <= 6000
