"""The kill switch: whether trading is halted, also over a restart."""

from typing import Any

from hookbus_paper.statefile import StateFile

__all__ = ["KillSwitch"]


class KillSwitch:
    """Remembers a halt until it is released. Without a file it forgets with the run.

    A file that is there and cannot be used counts as a halt: nobody knows what it said.
    """

    def __init__(self, file: StateFile | None = None, *, there: bool = False) -> None:
        self._file = file
        self.halted: str | None = None
        if file is not None and there:
            self.halted = _reason(file.load())

    def pull(self, reason: str) -> None:
        """Halt; the first reason stays."""
        if self.halted is None:
            self.halted = reason
            self._save()

    def release(self) -> None:
        """Go on."""
        if self.halted is not None:
            self.halted = None
            self._save()

    def _save(self) -> None:
        if self._file is not None:
            self._file.save({"halted": self.halted})


def _reason(data: dict[str, Any] | None) -> str | None:
    halted = "" if data is None else data.get("halted", "")
    if halted is None or (isinstance(halted, str) and halted):
        return halted
    return "the file of the kill switch cannot be read"
