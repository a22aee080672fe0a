"""The bus: publishing, rings, subscriptions, delivery, streams and the ledger."""
