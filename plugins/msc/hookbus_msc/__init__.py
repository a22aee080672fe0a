"""The meta strategy controller: how much may be risked, from drawdown, volatility and results."""
