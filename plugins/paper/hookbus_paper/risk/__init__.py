"""From signals to orders: sizing and limits."""
