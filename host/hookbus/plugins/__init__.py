"""Plugins: found, loaded, ordered, started, isolated and stopped."""
