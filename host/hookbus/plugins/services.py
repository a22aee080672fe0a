"""Services: objects that one plugin provides and others ask for by contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from hookbus.errors import ServiceMissing, UsageError
from hookbus.events import describe

T = TypeVar("T")

Contract = Callable[..., T]
"""A class or a Protocol; type checkers refuse a Protocol where `type[T]` is asked for."""

Changed = Callable[[Callable[..., Any], Any], None]


class Services:
    """The services of one host, by contract: a Protocol, or any class.

    `changed(contract, service)` is told what is provided, and None for what is taken back.
    """

    def __init__(self, changed: Changed = lambda contract, service: None) -> None:
        self._changed = changed
        self._services: dict[Callable[..., Any], tuple[str, Any]] = {}

    def provide(self, contract: Contract[Any], service: object, plugin: str) -> None:
        """Offer `service` under `contract`.

        Raises `UsageError` when another plugin provides that contract already, or when a
        runtime-checkable contract is not fulfilled.
        """
        holder = self._services.get(contract)
        if holder is not None:
            raise UsageError(
                f"plugins {holder[0]!r} and {plugin!r} both provide {describe(contract)}; "
                "disable one of them"
            )
        if not _fulfils(service, contract):
            raise UsageError(
                f"{type(service).__qualname__} of plugin {plugin!r} does not fulfil "
                f"{describe(contract)}; it lacks methods of that contract"
            )
        self._services[contract] = (plugin, service)
        self._changed(contract, service)

    def get(self, contract: Contract[T], plugin: str) -> T:
        """The service for a contract; raises `ServiceMissing` naming what is provided."""
        if contract not in self._services:
            offered = ", ".join(f"{describe(one)} by {who}" for one, (who, _) in self.offers())
            raise ServiceMissing(
                f"plugin {plugin!r} needs {describe(contract)}, which no started plugin provides; "
                f"install or enable one that does, and name it in requires=. "
                f"Provided: {offered or 'nothing'}"
            )
        return cast(T, self._services[contract][1])

    def offers(self) -> list[tuple[Callable[..., Any], tuple[str, Any]]]:
        """What is provided, by contract name."""
        return sorted(self._services.items(), key=lambda item: describe(item[0]))

    def withdraw(self, plugin: str) -> None:
        """Take back everything that a plugin provides."""
        for contract in [one for one, (who, _) in self._services.items() if who == plugin]:
            del self._services[contract]
            self._changed(contract, None)


def _fulfils(service: object, contract: Any) -> bool:
    try:
        return isinstance(service, contract)
    except TypeError:
        return True
