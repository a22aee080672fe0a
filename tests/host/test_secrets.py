"""Secrets are recognised in any type, and leave no trace in what is shown."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from hookbus.settings.secrets import HIDDEN, hide_secrets, holds_secret, redact, secret_texts
from hookbus.settings.settings import Settings
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, Secret, SecretBytes, SecretStr


class Account(Settings):
    """A table with a secret and something public."""

    user: str = ""
    password: SecretStr | None = None


class Alerts(Settings):
    """Secrets at several depths."""

    url: SecretStr = SecretStr("")
    keys: tuple[SecretStr, ...] = ()
    accounts: dict[str, Account] = Field(default_factory=dict)
    main: Account = Account()
    retries: int = 3


class Node(BaseModel):
    """A model that contains itself."""

    children: tuple[Node, ...] = ()


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (SecretStr, True),
        (SecretBytes, True),
        (Secret[int], True),
        (SecretStr | None, True),
        (list[SecretStr], True),
        (dict[str, tuple[SecretStr, ...]], True),
        (Annotated[SecretStr, Field(min_length=3)], True),
        (Account, True),
        (list[Account] | None, True),
        (str, False),
        (dict[str, int], False),
        (Node, False),
    ],
)
def test_which_types_hold_a_secret(annotation: Any, expected: bool) -> None:
    """A secret is found wherever it hides in a type."""
    assert holds_secret(annotation) is expected


RAW = {
    "url": "https://hooks.example/abc",
    "keys": ["key-one", "key-two"],
    "accounts": {"a": {"user": "ann", "password": "ann-pass"}},
    "main": {"user": "bob", "password": "bob-pass"},
    "retries": 5,
}


def test_raw_and_validated_settings_have_the_same_secrets() -> None:
    """What must be hidden is known before the settings are valid, and afterwards."""
    texts = set(secret_texts(Alerts, RAW))

    assert {"https://hooks.example/abc", "key-one", "key-two", "ann-pass", "bob-pass"} <= texts
    assert "bob" not in texts
    assert set(secret_texts(Alerts, Alerts.model_validate(RAW))) <= texts


@pytest.mark.parametrize("raw", [{"url": 12345}, {"main": "12345"}, {"keys": "12345"}, "12345"])
def test_data_of_the_wrong_shape_is_secret_as_a_whole(raw: Any) -> None:
    """Somebody who writes a password in the wrong place has still written a password."""
    assert secret_texts(Alerts, raw) == ("12345",)


def test_a_copy_to_show_has_no_secret() -> None:
    """`config show` prints the structure, and what is public in it."""
    shown = hide_secrets(Alerts, RAW | {"ulr": "https://hooks.example/abc"})

    assert shown["main"] == {"user": "bob", "password": HIDDEN}
    assert (shown["url"], shown["keys"], shown["retries"]) == (HIDDEN, HIDDEN, 5)
    assert shown["ulr"] == HIDDEN


@given(st.text(min_size=3), st.text(), st.text())
def test_no_form_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    """A secret is hidden plainly, in the form of Python and in that of JSON."""
    for form in (secret, repr(secret), json.dumps(secret)):
        assert secret not in redact(f"{before}{form}{after}", [secret]).replace(HIDDEN, "")


def test_very_short_secrets_do_not_garble_the_text() -> None:
    """Hiding a single letter would hide the message instead."""
    assert redact("a message", ["a", ""]) == "a message"


def test_longer_secrets_are_hidden_first() -> None:
    """A secret that contains another leaves no remainder."""
    texts = secret_texts(list[SecretStr], ["token", "token-long"])

    assert redact("token-long", texts) == HIDDEN
