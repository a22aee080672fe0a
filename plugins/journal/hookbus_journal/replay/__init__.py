"""Replaying what a journal has recorded, and comparing what comes of it."""
