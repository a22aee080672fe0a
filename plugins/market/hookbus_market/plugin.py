"""The plugin that publishes the bars of a feed, each at its time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hookbus import Plugin, PluginContext, Source, Summary, hookimpl
from hookbus_market.errors import BadRow, OnBadRow, SkippedRows, refuse
from hookbus_market.feed import Feed, open_feed
from hookbus_market.settings import MarketSettings
from hookbus_trading import Bar

_REPORT_EVERY = 256
