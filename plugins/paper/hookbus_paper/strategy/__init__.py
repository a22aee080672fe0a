"""From bars to signals: a moving-average cross."""
