"""Is there enough pipeline? Open value due against what is left, held against two win rates of one's own.

*Of decided*: won ÷ (won + lost) by value. It answers what is needed if every deal due were decided in time.
*Of due*: of the value that was open and due at this point of past periods, the share won in its period. What
was pushed to a later period is in its denominator, so it is the smaller rate and asks for more. It is the
forecast's figure: the notebook takes it from there, so that both reports say the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from salesops_lib.pipeline import outputs

LEVELS = ("company", "region", "team", "rep")
DECIDED, DUE = "of decided", "of due"
MIN_PERIODS = 3


def rate_rows(win_rates: pd.DataFrame, past: pd.DataFrame, level: float = 0.9) -> pd.DataFrame:
    """The two win rates by value: columns of ``outputs.RATES``.

    Parameters
    ----------
    win_rates
        ``outputs.WIN_RATES``.
    past
        What became of value due, one row per past period: ``n`` (deals, at three points of it each),
        ``due_base``, ``won_base`` (the forecast's table); empty where past periods are not known.
    """
    by = win_rates.set_index("name")
    row, n = by.loc["by value"], int(by.loc["by count", "of"])
    decided = {
        "name": DECIDED, "rate": row["rate"], "low": row["low"], "high": row["high"],
        "needed": _inverse(row["rate"]), "won_base": row["won"], "of_base": row["of"], "n": n,
        "of": "decided in the last 365 days, won or lost",
        "why": row["why"] if row["rate"] != row["rate"] and row["why"] else _nothing(row["rate"]),
    }  # fmt: skip
    known = bool(len(past)) and past["due_base"].sum() > 0
    rate, low, high = _by_period(past, level) if known else (np.nan,) * 3
    due = {
        "name": DUE, "rate": rate, "low": low, "high": high, "needed": _inverse(rate),
        "won_base": past["won_base"].sum() if known else np.nan,
        "of_base": past["due_base"].sum() if known else np.nan, "n": int(past["n"].sum()) if known else 0,
        "of": "open and due at this point of past periods: won in it, lost, or moved to a later one",
        "why": "" if rate > 0 else "no past period is known deal by deal: there is no history of dates",
    }  # fmt: skip
    return pd.DataFrame([decided, due], columns=outputs.RATES.column_names)


def coverage_rows(nodes: pd.DataFrame, rates: pd.DataFrame, period: str) -> pd.DataFrame:
    """Columns of ``outputs.COVERAGE``: nodes with a target, the company first.

    Parameters
    ----------
    nodes
        The forecast's coverage: ``level``, ``node_id``, ``target``, ``closed_base``, ``left_base``,
        ``open_base``, ``coverage``, ``n_open``.
    rates
        From :func:`rate_rows`: one for the whole company, since a team's own would rest on too few deals.
    """
    made = nodes[nodes["target"].notna() & nodes["level"].isin(LEVELS)]
    needed = rates.set_index("name")["needed"]
    made = made.assign(
        period=period, target_base=made["target"], needed_decided=needed[DECIDED], needed_due=needed[DUE]
    )
    asked = made["needed_due"].fillna(made["needed_decided"]) * made["left_base"].clip(lower=0)
    made["short_base"] = (asked - made["open_base"]).clip(lower=0).round(2)
    order = made["level"].map({name: k for k, name in enumerate(LEVELS)})
    made = made.assign(order=order).sort_values(["order", "node_id"], kind="stable")
    return made.reindex(columns=outputs.COVERAGE.column_names).reset_index(drop=True)


def company(rows: pd.DataFrame, rates: pd.DataFrame) -> Mapping[str, float] | None:
    """What the finding and the first screen say of the company; None without a target.

    ``due``, ``left``, ``coverage``, ``needed``, ``ratio`` (coverage × rate), ``low``, ``high`` (of the
    ratio), ``basis`` (:data:`DUE` where it is known, else :data:`DECIDED`), ``n``, ``short``,
    ``needed_decided``.
    """
    mine = rows[rows["level"] == "company"]
    if mine.empty:
        return None
    row = mine.iloc[0]
    by = rates.set_index("name")
    basis = DUE if pd.notna(by.loc[DUE, "rate"]) else DECIDED
    rate = by.loc[basis]
    return {
        "period": row["period"],
        "due": float(row["open_base"]),
        "left": float(row["left_base"]),
        "coverage": row["coverage"],
        "needed": rate["needed"],
        "ratio": row["coverage"] * rate["rate"],
        "low": row["coverage"] * rate["low"],
        "high": row["coverage"] * rate["high"],
        "basis": basis,
        "n": int(rate["n"]),
        "short": float(row["short_base"]) if pd.notna(row["short_base"]) else 0.0,
        "needed_decided": by.loc[DECIDED, "needed"],
    }


def _by_period(past: pd.DataFrame, level: float) -> tuple[float, float, float]:
    """Σ won ÷ Σ due with a range whose units are periods: deals of one rise and fall together, and come in
    three times. No range under three periods.

    Source: ratio estimator, Cochran (1977), *Sampling Techniques*, §6.4, Student's t for few periods.
    """
    due, won = past["due_base"].to_numpy("float64"), past["won_base"].to_numpy("float64")
    k, rate = len(past), float(won.sum() / due.sum())
    if k < MIN_PERIODS:
        return rate, np.nan, np.nan
    from scipy.special import stdtrit  # scipy.stats would cost a second to import

    error = np.sqrt(k / (k - 1) * ((won - rate * due) ** 2).sum()) / due.sum()
    half = float(stdtrit(k - 1, (1 + level) / 2)) * float(error)
    return rate, max(rate - half, 0.0), rate + half


def _nothing(rate: float) -> str:
    return "" if rate > 0 else "nothing with an amount was won in the last 365 days"


def _inverse(rate: float) -> float:
    return 1 / rate if rate > 0 else np.nan
