"""Paper trading: strategy, risk, execution, portfolio and life cycle, which know only the bus."""
