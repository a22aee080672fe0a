"""Secrets: which settings hold one, what its text is, and how to keep it out of messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar, get_args, get_origin
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

HIDDEN: Final = "**********"
"""What stands in the place of a secret; pydantic shows the same."""

_Model = TypeVar("_Model", bound=BaseModel)

_SECRET_TYPES: Final = (SecretStr, SecretBytes, Secret)
_SHORTEST: Final = 3


def holds_secret(annotation: Any, _seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a value of this type is a secret or contains one, at whatever depth."""
    annotation = getattr(annotation, "__value__", annotation)
    if annotation in _seen:
        return False
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, _SECRET_TYPES):
        return True
    seen = _seen | {annotation}
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return any(holds_secret(info.annotation, seen) for info in origin.model_fields.values())
    return any(holds_secret(part, seen) for part in get_args(annotation) if _is_type(part))


def _is_type(part: Any) -> bool:
    return isinstance(part, type) or get_origin(part) is not None or hasattr(part, "__value__")


def secret_texts(annotation: Any, data: Any) -> tuple[str, ...]:
    """The texts of all secrets in `data`, which may be raw or validated, longest first.

    Where the type leaves it open which part of a value is secret, all of the value is.
    """
    return tuple(sorted(set(_texts(annotation, data)), key=lambda text: (-len(text), text)))


def _texts(annotation: Any, data: Any) -> Iterator[str]:
    if not holds_secret(annotation):
        return
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _model_texts(annotation, data)
    else:
        yield from _leaves(data)


def _model_texts(model: type[BaseModel], data: Any) -> Iterator[str]:
    if isinstance(data, BaseModel):
        data = vars(data)
    if not isinstance(data, Mapping):
        yield from _leaves(data)
        return
    for name, info in model.model_fields.items():
        for key in {name, info.alias} & set(data):
            yield from _texts(info.annotation, data[key])


def _leaves(data: Any) -> Iterator[str]:
    if isinstance(data, _SECRET_TYPES):
        data = data.get_secret_value()
    if isinstance(data, BaseModel):
        data = vars(data)
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, Sequence | set | frozenset) and not isinstance(data, str | bytes):
        for item in data:
            yield from _leaves(item)
    elif data is not None and not isinstance(data, bool):
        yield from _forms_told(
            data.decode(errors="replace") if isinstance(data, bytes) else str(data)
        )


def _forms_told(text: str) -> Iterator[str]:
    """A secret, and where it is a URL the password in it, which messages quote without the rest."""
    yield text
    with suppress(ValueError):
        password = urlsplit(text).password if "://" in text else None
        if password:
            yield from (password, unquote(password))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with each of `secrets` hidden, also where it was quoted.

    One or two characters are no secret, and hiding them would make any text unreadable.
    """
    for secret in secrets:
        if len(secret) < _SHORTEST:
            continue
        for form in _written(secret):
            text = text.replace(form, HIDDEN)
    return text


def _written(secret: str) -> tuple[str, ...]:
    """A secret as it may stand in a text: plain, quoted by Python or JSON, or put into one line."""
    in_json = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    one_line = " ".join(secret.split()) or secret
    return tuple(dict.fromkeys((secret, repr(secret)[1:-1], *in_json, one_line)))


class Redactor:
    """Hides the secrets of all plugins of a host in what the host tells."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        known = {*self._secrets, *secrets}
        self._secrets = tuple(sorted(known, key=lambda text: (-len(text), text)))

    def __call__(self, text: str) -> str:
        """Return `text` with every secret hidden."""
        return redact(text, self._secrets)

    def in_model(self, model: _Model) -> _Model:
        """The same model, or a copy where one of its texts had a secret."""
        texts = {name: self(text) for name, text in model if isinstance(text, str)}
        hidden = {name: text for name, text in texts.items() if text != getattr(model, name)}
        return model.model_copy(update=hidden) if hidden else model


def hide_secrets(annotation: Any, data: Any) -> Any:
    """A copy of raw `data` for this type that can be shown: every secret is `HIDDEN`."""
    if not holds_secret(annotation):
        return data
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    if not is_model or not isinstance(data, Mapping):
        return HIDDEN
    fields = {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}
    return {key: hide_secrets(fields.get(key, SecretStr), value) for key, value in data.items()}
