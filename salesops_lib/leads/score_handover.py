"""The score's tables for the report: audit, lift, open leads in the order to work them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.leads import outputs, scoring
from salesops_lib.leads.evaluation import capacity_threshold, lift_table
from salesops_lib.leads.handover import Leads
from salesops_lib.leads.owners import COUNTED

WEEKS = 13


def scored(leads: Leads, seed: int) -> scoring.Scores:
    """The audited score of all matured leads, in time order, or in that of the lead's number where no clock
    is."""
    when = leads.frame["created_at"] if leads.clock else None
    known = when + pd.Timedelta(days=leads.horizon) if when is not None else None
    ignore = (leads.outcome, *COUNTED)
    return scoring.fit_scores(leads.frame, leads.hit, when, known, ignore=ignore, seed=seed)


def audit_rows(found: scoring.Scores) -> pd.DataFrame:
    """Columns of ``outputs.AUDIT``, with the collinear columns among them."""
    made = found.audit.copy()
    twins = found.dropped.set_index("column")["same_as"].to_dict()
    for name, other in twins.items():
        mine = made["column"] == name
        made.loc[mine, ["verdict", "reason"]] = ["collinear", f"says the same as {other}"]
    return made.reindex(columns=outputs.AUDIT.column_names)


def lift_rows(found: scoring.Scores) -> pd.DataFrame:
    """Columns of ``outputs.LIFT`` over the tested windows."""
    if found.tested.empty:
        return pd.DataFrame(columns=outputs.LIFT.column_names)
    return lift_table(found.tested["recalibrated"].to_numpy(), found.tested["hit"].to_numpy())


def score_rows(leads: Leads, found: scoring.Scores, capacity: int) -> tuple[pd.DataFrame, str]:
    """Columns of ``outputs.SCORES`` for the leads still open, and how many can be worked in a week, in words
    with the score that they reach.

    ``capacity`` 0: what was first touched a week over the last 13; without touches a tenth of the open leads.
    """
    frame = leads.frame
    over = [frame[c].notna() for c in ("sql_at", "disqualified_at", "won_at", "lost_at") if c in frame]
    still = ~np.logical_or.reduce(over) if over and leads.clock else np.zeros(len(frame), dtype=bool)
    if leads.clock:
        still &= (frame["created_at"] >= leads.end - pd.Timedelta(days=leads.horizon)).to_numpy()
    else:
        still = leads.hit.isna().to_numpy()
    made = scoring.score_leads(found, frame[still])
    if not capacity:
        touched = frame.get("first_touch_at")
        since = leads.end - pd.Timedelta(weeks=WEEKS)
        weekly = round((touched >= since).sum() / WEEKS) if touched is not None and leads.clock else 0
        capacity = weekly or int(np.ceil(len(made) / 10))
    made["work_first"] = np.arange(len(made)) < capacity
    threshold = capacity_threshold(made["score"].to_numpy(), capacity)
    fit = f"{capacity:,} fit a week" + ("" if threshold is None else f", from {percent(threshold)} on")
    return made.reindex(columns=outputs.SCORES.column_names), fit


def recent_scores(leads: Leads, found: scoring.Scores) -> pd.Series:
    """Scores, by the model of the last window, of all leads that came in within the horizon, whatever became
    of them: who is left open is no fair sample of who came. Without a clock those without an outcome.

    The model has not learnt from them, nor from the window it was tested on: a model ranks leads it learnt
    from more boldly than others, and that would look like drift.
    """
    if leads.clock:
        mine = leads.frame[leads.frame["created_at"] >= leads.end - pd.Timedelta(days=leads.horizon)]
    else:
        mine = leads.frame[leads.hit.isna().to_numpy()]
    if found.last is None or mine.empty:
        return pd.Series(dtype="float64")
    return pd.Series(found.last.probability(mine.reindex(columns=list(found.features))), index=mine.index)
