"""Draws of what will be booked, one row a node and period: quantiles and chances are read off, never added.

Nodes add up within a draw, so that any sum of nodes has its own range from the same draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

QUANTILES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LONG = ("level", "node_id", "period", "engine", "quantile", "value_base")


@dataclass(frozen=True)
class Draws:
    """``nodes``: ``level``, ``node_id``, ``period``, one row per row of ``values`` (nodes × draws, reporting
    currency, booked in the period in all: closed to date, open deals, deals not created yet)."""

    nodes: pd.DataFrame
    values: np.ndarray
    engine: str = "pipeline"

    def long(self, quantiles: Iterable[float] = QUANTILES) -> pd.DataFrame:
        """Quantiles of every node and period: the columns of :data:`LONG`, sorted as ``nodes``."""
        shares = np.array(list(quantiles))
        values = np.quantile(self.values, shares, axis=1).T if len(self.nodes) else np.zeros((0, len(shares)))
        made = self.nodes.loc[self.nodes.index.repeat(len(shares))].reset_index(drop=True)
        made = made[["level", "node_id", "period"]].assign(
            engine=self.engine, quantile=np.tile(shares, len(self.nodes)), value_base=values.ravel()
        )
        return made[list(LONG)]

    def of(self, level: str, node_id: str, period: str) -> np.ndarray | None:
        """The draws of one node and period; None where there is no such node."""
        rows = self.nodes["level"].eq(level) & self.nodes["node_id"].eq(node_id)
        at = np.flatnonzero(rows & self.nodes["period"].eq(period))
        return self.values[at[0]] if at.size else None

    def reach(self, level: str, node_id: str, period: str, target: float) -> float:
        """Probability that the node books at least ``target`` in the period.

        Never 0 or 1: with n draws it stays ½ ÷ (n + 1) away from them. Missing without the node or a target.
        """
        values = self.of(level, node_id, period)
        if values is None or not np.isfinite(target):
            return float("nan")
        return float(((values >= target - 0.005).sum() + 0.5) / (values.size + 1))


def summed(atoms: pd.DataFrame, values: np.ndarray, periods: list[str], company: str) -> Draws:
    """Draws of every node from those of its smallest parts.

    Parameters
    ----------
    atoms
        One row a part: ``owner_id``, ``team``, ``region``, ``segment`` (missing: the part has none).
    values
        Parts × periods × draws.
    periods, company
        Names of the periods; the company's name, its node.

    Returns
    -------
    Draws
        Levels company, region, team, rep, segment; a level that knows nothing is left out. Children add up
        to their parent in every draw.
    """
    names, sums = [], []
    columns = {"company": None, "region": "region", "team": "team", "rep": "owner_id", "segment": "segment"}
    for level, column in columns.items():
        node = pd.Series(company, atoms.index) if column is None else atoms[column]
        known = node.notna().to_numpy()
        if not known.any() and column is not None:
            continue
        code, labels = pd.factorize(node[known], sort=True)
        labels = [company] if column is None else list(labels)
        member = np.zeros((len(labels), int(known.sum())))
        member[code, np.arange(len(code))] = 1.0
        flat = values[known].reshape(int(known.sum()), -1)
        sums.append((member @ flat).reshape(len(labels), len(periods), -1))
        names += [(level, label, period) for label in labels for period in periods]
    nodes = pd.DataFrame(names, columns=["level", "node_id", "period"])
    return Draws(nodes, np.concatenate([s.reshape(-1, s.shape[2]) for s in sums]))
