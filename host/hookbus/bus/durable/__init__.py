"""Durable delivery: events that a journal keeps, consumers that lose none of them."""
