"""Opportunity ranking: symbols scored by momentum, steadiness, liquidity and range."""
