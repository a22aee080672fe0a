"""Settings: the configuration in layers, its models, and its mistakes in plain words."""
