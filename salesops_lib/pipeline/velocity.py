"""Sales velocity and what moved it: deals in work × win rate × amount ÷ cycle, split so that the parts add
up."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval

FACTORS = ("deals", "win_rate", "amount_base", "cycle_days")


def velocity(deals: pd.DataFrame, start: date, end: date) -> dict[str, float]:
    """The four factors of a period, and the velocity they make.

    ``deals``: ``created_date``, ``close_date``, ``is_won``, ``is_closed``, ``amount_base``. Of the period
    ``[start, end)``: ``deals`` worked (created in it), ``win_rate`` (won ÷ decided), ``amount_base`` (mean
    of the
    won with an amount), ``cycle_days`` (mean from creation to winning), ``velocity`` (their product ÷ cycle:
    money a day) and ``won``, ``decided``. Missing where nothing was won.
    """
    low, high = pd.Timestamp(start), pd.Timestamp(end)
    created = deals["created_date"].ge(low) & deals["created_date"].lt(high)
    decided = (
        deals["is_closed"].fillna(False).astype(bool)
        & deals["close_date"].ge(low)
        & deals["close_date"].lt(high)
    )
    won = decided & deals["is_won"].fillna(False).astype(bool)
    wins = deals[won]
    days = (wins["close_date"] - wins["created_date"]).dt.days
    made = {
        "deals": float(created.sum()),
        "won": float(won.sum()),
        "decided": float(decided.sum()),
        "win_rate": float(won.sum() / decided.sum()) if decided.any() else np.nan,
        "amount_base": float(wins["amount_base"].mean()) if len(wins) else np.nan,
        "cycle_days": float(days[days >= 0].mean()) if len(wins) else np.nan,
    }
    usable = made["cycle_days"] > 0
    made["velocity"] = (
        made["deals"] * made["win_rate"] * made["amount_base"] / made["cycle_days"] if usable else np.nan
    )
    return made


def decompose_velocity(before: dict[str, float], after: dict[str, float]) -> pd.DataFrame:
    """Which factor moved velocity: ``factor``, ``before``, ``after``, ``log_change``, ``share`` of the
    whole change.

    Logs add up: Σ log_change is the log of velocity after ÷ before, exactly; a longer cycle counts against
    it.
    Missing where a factor is not positive on either side.
    """
    rows = []
    for name in FACTORS:
        a, b = before.get(name, np.nan), after.get(name, np.nan)
        known = a > 0 and b > 0
        change = float(np.log(b / a)) * (-1 if name == "cycle_days" else 1) if known else np.nan
        rows.append((name, a, b, change))
    made = pd.DataFrame(rows, columns=["factor", "before", "after", "log_change"])
    total = made["log_change"].sum(min_count=len(FACTORS))
    made["share"] = made["log_change"] / total if total and np.isfinite(total) else np.nan
    return made


def win_rates(deals: pd.DataFrame, start: date, end: date, level: float = 0.9) -> pd.DataFrame:
    """Three win rates of deals decided in ``[start, end)`` or created in it, with what each is a share of.

    Returns ``name`` (by count, by value, by created cohort), ``rate``, ``low``, ``high`` (Wilson; by value
    missing: amounts are no trials), ``won``, ``of``, ``unit``, ``open`` (of the cohort still open).
    """
    low, high = pd.Timestamp(start), pd.Timestamp(end)
    closed = deals["is_closed"].fillna(False).astype(bool)
    won = closed & deals["is_won"].fillna(False).astype(bool)
    decided = closed & deals["close_date"].ge(low) & deals["close_date"].lt(high)
    cohort = deals["created_date"].ge(low) & deals["created_date"].lt(high)
    value = deals["amount_base"].fillna(0.0)
    rows = []
    for name, part, money in (
        ("by count", decided, False),
        ("by value", decided, True),
        ("by created cohort", cohort, False),
    ):
        weight = value if money else pd.Series(1.0, index=deals.index)
        got, of = float(weight[part & won].sum()), float(weight[part & closed].sum())
        interval = proportion_interval(int(got), int(of), level) if not money else None
        rows.append(
            (
                name,
                got / of if of > 0 else np.nan,
                interval.low if interval else np.nan,
                interval.high if interval else np.nan,
                got,
                of,
                "money" if money else "deals",
                int((part & ~closed).sum()) if part is cohort else 0,
            )
        )
    return pd.DataFrame(rows, columns=["name", "rate", "low", "high", "won", "of", "unit", "open"])
