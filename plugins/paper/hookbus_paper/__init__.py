"""Paper trading in four plugins that know only the bus: strategy, risk, execution, portfolio."""
