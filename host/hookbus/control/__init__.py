"""The control socket of a running host: its server, its client, what can be asked."""
