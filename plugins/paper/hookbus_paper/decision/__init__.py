"""Decisions as sagas: reserved, decided, executed, settled, and remembered in the journal."""
