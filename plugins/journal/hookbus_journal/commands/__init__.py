"""Commands: `hookbus journal` and `hookbus dead`, for people who look after a journal."""
