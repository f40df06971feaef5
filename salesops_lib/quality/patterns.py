"""How many rows of a table have which codes at which place: every count of its faults comes from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from salesops_lib.quality.faults import Basis, Fault, blank

if TYPE_CHECKING:
    import ibis.expr.types as ir

DUE, FAULTY, FILLED = 1, 2, 3
"""Codes of a row for a fault: it can happen here; it did; it cannot, but the field is filled. 0: none."""


@dataclass(frozen=True)
class Patterns:
    """``codes``: pattern × fault. ``rows``: how many rows have each pattern. ``place``: number of the
    pattern's place in ``places``, -1 where it is not known."""

    codes: np.ndarray
    rows: np.ndarray
    place: np.ndarray
    places: tuple[Any, ...]

    @property
    def due(self) -> np.ndarray:
        """Rows in which each fault can happen."""
        return self.rows @ self._is_due

    @property
    def faulty(self) -> np.ndarray:
        """Rows in which each fault did happen."""
        return self.rows @ self._is_faulty

    @property
    def filled(self) -> np.ndarray:
        """Whether the field of each fault has a value in any row, due or not."""
        return ((self.codes == DUE) | (self.codes == FILLED)).any(axis=0)

    def in_any(self, faults: Sequence[int]) -> tuple[int, int]:
        """Rows due for any of the faults, and faulty in any, each row once."""
        held = list(faults)
        due, faulty = (marked[:, held].any(axis=1) for marked in (self._is_due, self._is_faulty))
        return int(self.rows @ due), int(self.rows @ faulty)

    def by_place(self) -> tuple[np.ndarray, np.ndarray]:
        """Place × fault: rows due, rows faulty; rows without a place are left out."""
        at = np.zeros((len(self.places), len(self.rows)), dtype="int64")
        known = np.flatnonzero(self.place >= 0)
        at[self.place[known], known] = self.rows[known]
        return at @ self._is_due, at @ self._is_faulty

    @property
    def _is_due(self) -> np.ndarray:
        return ((self.codes == DUE) | (self.codes == FAULTY)).astype("int64")

    @property
    def _is_faulty(self) -> np.ndarray:
        return (self.codes == FAULTY).astype("int64")


def coded(table: ir.Table, faults: Sequence[Fault], basis: Basis) -> ir.Table:
    """Every row's keys, its place, and one code per fault in ``code_0``, ``code_1``…"""
    import ibis

    kept = [c for c in ("opportunity_id", "account_id", "rep_id") if c in table.columns]
    codes = {}
    for i, fault in enumerate(faults):
        due = fault.due(table, basis).fill_null(False)
        branches = [(due & fault.faulty(table, basis).fill_null(False), FAULTY), (due, DUE)]
        if fault.dimension == "completeness":
            branches.append((~blank(table, fault.field), FILLED))
        codes[f"code_{i}"] = ibis.cases(*branches, else_=0).cast("int8")
    return table.select(*kept, place=table.place, **codes)


def patterns(rows: ir.Table, count: int) -> Patterns:
    """The patterns of :func:`coded` rows with ``count`` faults, in one pass over them."""
    names = [f"code_{i}" for i in range(count)]
    found = rows.group_by([*names, "place"]).aggregate(rows=rows.count()).to_pyarrow()
    place, places = pd.factorize(found.column("place").to_pandas(), sort=True)
    return Patterns(
        codes=np.column_stack([found.column(name).to_numpy() for name in names]),
        rows=found.column("rows").to_numpy(),
        place=place,
        places=tuple(places),
    )
