"""From orders to fills: paper execution."""
