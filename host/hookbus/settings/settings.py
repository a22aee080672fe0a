"""Settings: frozen models, and how a model is built from what the layers say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hookbus.settings.mistakes import Mistake, MistakesFound, Place, explain

_Model = TypeVar("_Model", bound=BaseModel)


class Settings(BaseModel):
    """The base of every plugin's settings: immutable, and unknown keys are mistakes.

    Give each field a description with its unit, since the configuration reference and the error
    messages are made of them. Mark secrets, webhook URLs among them, as `SecretStr`. Tables within
    the settings are fields whose type is another subclass of `Settings`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )


@dataclass(frozen=True, slots=True)
class Loose:
    """A value from outside the file, where nobody can tell whether quotes were meant.

    `parsed` is its meaning as TOML, `text` the value as written. The first is tried first, the
    second where a setting does not accept the first: `--set plugins.x.account=007`.
    """

    text: str
    parsed: Any


def settle(data: Any, texts: frozenset[Place] = frozenset(), place: Place = ()) -> Any:
    """Return `data` without `Loose` values: those at the places in `texts` become their text."""
    if isinstance(data, Loose):
        return data.text if place in texts else data.parsed
    if isinstance(data, Mapping):
        return {key: settle(value, texts, (*place, key)) for key, value in data.items()}
    return data


def build(model: type[_Model], data: Mapping[str, Any], also: Iterable[str] = ()) -> _Model:
    """Validate `data`, whose values may be `Loose`, and return the model.

    `also` are keys that may stand beside those of the model, for suggestions.
    Raises `MistakesFound` with all that is wrong.
    """
    try:
        return model.model_validate(settle(data))
    except ValidationError as error:
        mistakes = explain(model, settle(data), error, also)
    texts = frozenset(mistake.place for mistake in mistakes if _is_loose(data, mistake.place))
    if not texts:
        raise MistakesFound(mistakes) from None
    second = settle(data, texts)
    try:
        return model.model_validate(second)
    except ValidationError as error:
        raise MistakesFound(_still_wrong(mistakes, explain(model, second, error, also))) from None


def _still_wrong(first: list[Mistake], second: list[Mistake]) -> list[Mistake]:
    as_parsed = {mistake.place: mistake for mistake in first}
    return [as_parsed.get(mistake.place, mistake) for mistake in second]


def _is_loose(data: Any, place: Place) -> bool:
    for key in place:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return isinstance(data, Loose)
