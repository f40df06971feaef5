"""Open deals due in their period, at this point of past periods, and what became of them.

No probability is the CRM's: all are what the company's own deals did from here on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.forecasting.deals.panel import landmarks
from salesops_lib.forecasting.deals.pipeline import Prepared
from salesops_lib.forecasting.deals.shocks import period_starts

_VALUES = ["due_base", "won_base", "value_rate"]
_PAST = ["stage", "amount", "became", "won", "deal", "state", "period_start", "mark"]


def past_due(prepared: Prepared, day: int) -> pd.DataFrame:
    """Open deals due in their period at past landmarks, and whether they were won in it.

    ``day`` counts from 1970. One row per deal and landmark (this point of each past period, ten days before
    and after it): ``stage``, ``amount``, ``became`` (its amount in the end), ``won``, ``period_start``,
    ``deal`` (its place in the log), ``state`` (that of its state then), ``mark`` (the landmark's day).
    An amount nobody knew then is missing: see :func:`valued`.
    """
    paths, log = prepared.paths, prepared.log
    rows = []
    for off in (0, 10, -10):
        for mark in landmarks(prepared.cells, day, off):
            starts = period_starts(log.calendar, log.kind, int(mark), 1)
            if starts is None or starts[1] > day + 1 or mark < paths.opens(day):
                continue
            state = paths.open_at(int(mark))
            state = state[(paths.close[state] >= starts[0]) & (paths.close[state] < starts[1])]
            known = paths.end_known[state] <= day
            ended = np.maximum(paths.end_day[state], mark + 1)
            won = known & paths.end_won[state] & (ended < starts[1])
            stage = np.array([*paths.stages, "(unknown)"], dtype="object")[paths.stage[state]]
            amount, became = paths.amount[state], paths.end_amount[state]
            made = {"stage": stage, "amount": amount, "became": became, "won": won, "deal": paths.deal[state]}
            made |= {"state": state, "period_start": int(starts[0]), "mark": int(mark)}
            rows.append(pd.DataFrame(made))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_PAST)


def valued(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`past_due` whose value counts: the amount was known then, and in the end if it was won.

    A deal won at 100 that was due at nobody knew what would be 100 won of 0 due.
    """
    return found[found["amount"].notna() & (found["became"].notna() | ~found["won"].astype(bool))]


def by_stage(found: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`pipeline_measures.stage_probabilities` from rows of :func:`past_due`."""
    if found.empty:
        return pd.DataFrame(columns=["stage", "n", "won", "probability", "low", "high", *_VALUES])
    every = pd.concat([found, found.assign(stage="(all)")], ignore_index=True)
    rows = []
    for stage, part in every.groupby("stage", sort=True):
        n, won = len(part), int(part["won"].sum())
        interval = proportion_interval(won, n)
        told = valued(part)
        due, got = float(told["amount"].sum()), float(told.loc[told["won"].astype(bool), "became"].sum())
        rows.append(
            {
                "stage": stage, "n": n, "won": won, "probability": won / n, "low": interval.low,
                "high": interval.high, "due_base": due, "won_base": got,
                "value_rate": got / due if due > 0 else np.nan,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
