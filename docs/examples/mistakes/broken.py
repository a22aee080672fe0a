from hookbus import Plugin, hookimpl


class Broken(Plugin):
    """Misspells a hook."""

    name = "broken"

    @hookimpl
    def hookbus_strat(self, context):
        pass
