"""A setting that asks for sagas says what it needs where they are not there."""

from __future__ import annotations

from hookbus.testing import HostFactory
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_trading.plugin import TradingPlugin


async def test_sagas_without_their_plugins_are_refused_by_the_setting(
    host_factory: HostFactory,
) -> None:
    """The risk check fails with the key, its value and what to install."""
    plugins = (TradingPlugin, RiskPlugin)
    async with host_factory(*plugins, settings={"risk": {"saga": True}}) as host:
        reason = host.records["risk"].reason or ""
        assert "[plugins.risk] saga = true needs the plugins journal and saga" in reason
        assert "hookbus-journal and hookbus-saga" in reason
