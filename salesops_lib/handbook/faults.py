"""One fault of a page: which check, where, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """A fault with its place; printed as one line. ``file`` is relative to the repository's root."""

    file: str
    line: int
    code: str  # PB020
    message: str
    fix: str

    def __str__(self) -> str:
        """``playbooks/index.md:12: PB020 link to 'x.md' finds no page; correct the path``."""
        return f"{self.file}:{self.line}: {self.code} {self.message}; {self.fix}"
