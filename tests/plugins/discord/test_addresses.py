"""Which addresses count as webhooks, and that none of them is ever shown."""

from __future__ import annotations

import pytest
from hookbus_discord.addresses import Address

from tests.plugins.discord.discord import TOKEN

PATH = f"/api/webhooks/42/{TOKEN}"


@pytest.mark.parametrize(
    "host",
    ["discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"],
)
def test_webhooks_of_discord_are_taken(host: str) -> None:
    """Every host that Discord shows in its settings is good; the API is always the tenth."""
    wanted = host.replace("discordapp", "discord")
    posting = Address(f"https://{host}{PATH}").for_posting()
    assert posting == f"https://{wanted}/api/v10/webhooks/42/{TOKEN}?wait=true"


@pytest.mark.parametrize(
    "text",
    [
        f"http://discord.com{PATH}",
        f"https://discord.com.evil.net{PATH}",
        f"https://evil.net{PATH}",
        f"https://discord.com@evil.net{PATH}",
        f"https://evil.net/https://discord.com{PATH}",
        f"https://notdiscord.com{PATH}",
        f"https://discord.com:8443{PATH}",
        f"https://discord.com/api/webhooks/x/{TOKEN}",
        f"https://discord.com/api/users/42/{TOKEN}",
        f"https://discord.com{PATH}/../../users",
        f"https://discord.com{PATH}?wait=false",
        f"https://discord.com{PATH}\n",
        f"ftp://discord.com{PATH}",
        TOKEN,
        "",
    ],
)
def test_anything_else_is_refused_without_being_quoted(text: str) -> None:
    """A message about a wrong address helps, and does not give the secret away."""
    with pytest.raises(ValueError, match="is no webhook of Discord; copy it there") as caught:
        Address(text)
    assert TOKEN not in str(caught.value)


def test_another_server_must_be_allowed() -> None:
    """Tests may use http on this machine, when the settings say so."""
    text = f"http://127.0.0.1:8080{PATH}"
    with pytest.raises(ValueError, match="allow_test_server = true"):
        Address(text)
    posting = Address(text, test_server=True).for_posting()
    assert posting == f"http://127.0.0.1:8080/api/v10/webhooks/42/{TOKEN}?wait=true"


def test_a_message_is_edited_where_it_was_posted() -> None:
    """The thread of a forum channel goes with every request."""
    address = Address(f"https://discord.com/api/v9/webhooks/42/{TOKEN}?thread_id=7")
    base = f"https://discord.com/api/v10/webhooks/42/{TOKEN}"
    assert address.for_posting() == f"{base}?wait=true&thread_id=7"
    assert address.for_editing("99") == f"{base}/messages/99?thread_id=7"


def test_an_address_shows_nothing_of_itself() -> None:
    """Printed in a log or a traceback it is a row of stars."""
    address = Address(f"https://discord.com{PATH}")
    for shown in (repr(address), str(address), f"{address}", f"{[address]}"):
        assert TOKEN not in shown
        assert "42" not in shown
