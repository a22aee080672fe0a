"""The plugin that declares the trading events, so that the host can decode and list them."""

from inspect import isclass

from hookbus import Event, Plugin, hookimpl

import hookbus_trading


class TradingPlugin(Plugin):
    """The shared vocabulary: from market data to orders, and what controls them."""

    name = "trading"
    hook_api = 1

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare every event type of the vocabulary."""
        exported = (getattr(hookbus_trading, name) for name in hookbus_trading.__all__)
        events = (one for one in exported if isclass(one) and issubclass(one, Event))
        return tuple(one for one in events if one.__event__ is not None)
