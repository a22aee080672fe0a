"""Sagas for hookbus: flows of several steps with compensation, remembered in the journal."""

from hookbus_saga.plugin import SagaPlugin

__all__ = ["SagaPlugin"]
