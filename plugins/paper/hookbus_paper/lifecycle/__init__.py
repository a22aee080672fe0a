"""From trades to promotions: which stage a strategy deserves."""
