"""From bars to signals: several strategies at once, each in its stage."""
