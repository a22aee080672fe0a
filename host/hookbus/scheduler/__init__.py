"""The scheduler: jobs, what triggers them, and the account of every due run."""
