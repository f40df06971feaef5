"""Steps back, stages skipped, stages visited twice, and whether deals that do so are won less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.pipeline.log import known_log

MIN_SIDE = 30


def steps_of_cases(log: pd.DataFrame, order: Sequence[str], ends: Sequence[str] = ()) -> pd.DataFrame:
    """What each case did against the order: one row per case.

    ``order``: open stages; ``ends``: activities that close a case (no step to or from them goes back or
    skips). A stage that is not in ``order``, such as a deleted one, is passed over: A, deleted, B is a step
    from A to B.

    Returns ``case_id``, ``back`` (steps to an earlier stage), ``skipped`` (stages jumped over, counted once),
    ``repeated`` (visits to a stage beyond the first), ``reopened`` (steps out of an end), ``unknown``
    (steps to an activity that is neither a stage nor an end), ``placed`` (steps to a stage of ``order``).
    """
    known = known_log(log)
    place = {name: k for k, name in enumerate(order)}
    at = known["activity"].map(place)
    same = known["case_id"].eq(known["case_id"].shift())
    ended = known["activity"].shift().isin(set(ends)) & same
    stay = (~same | ended).cumsum()  # from the start or a reopening up to the next
    before = at.groupby(stay).ffill().groupby(stay).shift()
    reached = at.groupby(known["case_id"]).cummax().groupby(known["case_id"]).ffill()
    top = reached.groupby(known["case_id"]).shift()
    jump = (at - (top.fillna(-1) + 1)).clip(lower=0).where(at > top.fillna(-1), 0.0).fillna(0.0)
    twice = known.duplicated(["case_id", "activity"]) & at.notna()
    strange = at.isna() & ~known["activity"].isin(set(ends))
    made = pd.DataFrame(
        {
            "case_id": known["case_id"],
            "back": (at < before).astype("int64"),
            "skipped": jump.astype("int64"),
            "repeated": twice.astype("int64"),
            "reopened": (ended & ~known["activity"].isin(set(ends))).astype("int64"),
            "unknown": strange.astype("int64"),
            "placed": at.notna().astype("int64"),
        }
    )
    return made.groupby("case_id", as_index=False).sum()


@dataclass(frozen=True)
class Effect:
    """Win rate of deals that deviated against the others: raw, and alike in what is known about them.

    ``odds``: adjusted odds ratio with ``low``, ``high``; missing with the reason in ``why``.
    """

    deviated: int
    others: int
    win_rate: float
    others_win_rate: float
    odds: float = np.nan
    low: float = np.nan
    high: float = np.nan
    why: str = ""


def deviation_effect(
    deviated: pd.Series, won: pd.Series, alike: pd.DataFrame, *, level: float = 0.9
) -> Effect:
    """Whether a deviation goes with fewer wins among deals that are alike.

    Parameters
    ----------
    deviated, won
        True or False per decided deal, same index.
    alike
        What deals should be alike in: texts become levels, numbers are standardised logs.

    Returns
    -------
    Effect
        An association: who deviates is not drawn by lot. Missing under 30 decided deals on either side.
    """
    from salesops_lib.core.logit import dummies, odds_ratio

    deviated, won = deviated.astype(bool), won.astype(bool)
    n, m = int(deviated.sum()), int((~deviated).sum())
    rates = [float(won[s].mean()) if s.any() else np.nan for s in (deviated, ~deviated)]
    if min(n, m) < MIN_SIDE:
        return Effect(
            n, m, *rates, why=f"{n} decided deals deviated and {m} did not; {MIN_SIDE} of each needed"
        )
    found = odds_ratio(dummies(alike), deviated, won, level)
    if found is None:
        return Effect(n, m, *rates, why="the adjusted model does not converge")
    return Effect(n, m, *rates, *found)
