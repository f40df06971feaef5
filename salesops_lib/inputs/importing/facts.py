"""What the cells of a file are like as a whole: every question about its columns answered in one scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb


@dataclass
class Facts:
    """Aggregates over a staged file. They are asked for first, so that one scan answers all of them.

    ``rehearsed``: nothing is scanned and every answer is None; it is how a compiler says what it will ask.
    """

    con: duckdb.DuckDBPyConnection
    table: str
    rehearsed: bool = False
    asked: dict[str, None] = field(default_factory=dict)
    _found: dict[str, Any] = field(default_factory=dict)

    def ask(self, *aggregates: str) -> None:
        """Let the next scan answer these aggregates (SQL) too."""
        self.asked |= dict.fromkeys(aggregates)

    def get(self, *aggregates: str) -> tuple[Any, ...]:
        """The answers, in order; whatever was asked and has none is answered by the same scan."""
        self.ask(*aggregates)
        if self.rehearsed:
            return (None,) * len(aggregates)
        if any(a not in self._found for a in aggregates):
            still = [a for a in self.asked if a not in self._found]
            row = self.con.execute(f'SELECT {", ".join(still)} FROM "{self.table}"').fetchone()
            self._found |= dict(zip(still, row, strict=True))
        return tuple(self._found[a] for a in aggregates)

    def forget(self) -> None:
        """The cells changed: what was answered is asked anew."""
        self._found.clear()
