"""From fills and bars to money: cash, positions, profit, drawdown."""
