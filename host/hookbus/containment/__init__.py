"""Containment: code of plugins, which may raise anything, exit, or never return."""
