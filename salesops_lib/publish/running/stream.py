"""A kernel's stdout and stderr: flushed only where something was written."""

from __future__ import annotations

from ipykernel.iostream import OutStream


class Stream(OutStream):
    """As its base, which wakes a thread and waits for it at every flush, six a cell, even to send nothing."""

    _unsent = False

    def write(self, string: str) -> int | None:
        """As its base, remembered."""
        written = super().write(string)
        self._unsent = True  # after it is there: a flush between the two sends it now, and once more nothing
        return written

    def flush(self) -> None:
        """As its base, if anything was written since."""
        if self._unsent:
            self._unsent = False
            super().flush()
