"""The kill switch: whether trading is halted, also over a restart."""

from hookbus import StateFile

__all__ = ["KillSwitch"]


class KillSwitch:
    """Remembers a halt until it is released.

    A file that is there and cannot be used counts as a halt: nobody knows what it said.
    """

    def __init__(self, file: StateFile) -> None:
        self._file = file
        data = file.load()
        self.halted: str | None = None if data is None else data.get("halted", "")
        if self.halted is not None and not (isinstance(self.halted, str) and self.halted):
            file.set_aside("it does not say whether trading is halted")
            self.halted = None
        if file.unusable is not None:
            self.pull(f"the file of the kill switch cannot be read: {file.unusable}")

    def pull(self, reason: str) -> None:
        """Halt; the first reason stays."""
        if self.halted is None:
            self.halted = reason
            self._file.save({"halted": reason})

    def release(self) -> None:
        """Go on."""
        if self.halted is not None:
            self.halted = None
            self._file.save({"halted": None})
