"""Sales velocity and what moved it: deals × win rate × amount ÷ cycle, in parts that add up; win rates."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.core.survival import incidence_table

MIN_AT_RISK = 10  # deals still followed at an age; beyond it the curve of a cohort is not read
PROVISIONAL = (
    0.2  # share of a cohort that is open and younger than that age; above it the rate is provisional
)
FACTORS = ("deals", "win_rate", "amount_base", "cycle_days")


def velocity(deals: pd.DataFrame, start: date, end: date) -> dict[str, float]:
    """The four factors of a period, and the velocity they make.

    ``deals``: ``created_date``, ``close_date``, ``is_won``, ``is_closed``, ``amount_base``. Of the period
    ``[start, end)``: ``deals`` worked (created in it), ``win_rate`` (won ÷ decided), ``amount_base`` (mean
    of the won with an amount), ``cycle_days`` (mean from creation to winning), ``velocity`` (their product ÷
    cycle: money a day), ``won``, ``decided`` and ``log_variance`` (of the log of velocity by the delta
    method, the factors taken as independent, deals as a Poisson count). Missing where nothing was won.
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
    made["log_variance"] = np.nan
    if created.any() and len(wins) > 1 and wins["amount_base"].mean() > 0 and days[days >= 0].mean() > 0:
        rate = made["win_rate"]
        spread = [(v.std() / v.mean()) ** 2 / v.count() for v in (wins["amount_base"], days[days >= 0])]
        made["log_variance"] = 1 / made["deals"] + (1 - rate) / (rate * made["decided"]) + sum(spread)
    usable = made["cycle_days"] > 0
    made["velocity"] = (
        made["deals"] * made["win_rate"] * made["amount_base"] / made["cycle_days"] if usable else np.nan
    )
    return made


def decompose_velocity(before: dict[str, float], after: dict[str, float]) -> pd.DataFrame:
    """Which factor moved velocity: ``factor``, ``before``, ``after``, ``log_change``, ``share`` of the
    change.

    Logs add up: Σ log_change is the log of velocity after ÷ before, exactly; a longer cycle counts against
    it. Missing where a factor is not positive on either side.
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


def velocity_change(before: dict[str, float], after: dict[str, float], level: float = 0.9):
    """Change of velocity as a share, with its range: value, low, high; NaN where either side is missing."""
    if not (before.get("velocity", np.nan) > 0 and after.get("velocity", np.nan) > 0):
        return np.nan, np.nan, np.nan
    from scipy.special import ndtri

    log = np.log(after["velocity"] / before["velocity"])
    half = float(ndtri((1 + level) / 2)) * np.sqrt(
        before.get("log_variance", np.nan) + after.get("log_variance", np.nan)
    )
    return tuple(float(np.expm1(log + s)) for s in (0.0, -half, half))


def win_rates(deals: pd.DataFrame, start: date, end: date, level: float = 0.9) -> pd.DataFrame:
    """Three win rates of deals decided in ``[start, end)`` or created in it, with what each is a share of.

    ``by count``, ``by value``: of deals decided in it, won ÷ (won + lost). ``by created cohort``: of deals
    created in it, won by the oldest age that ten are followed to, open ones censored (Aalen and Johansen):
    won ÷ decided of a young cohort counts the quick losses and not yet the wins.

    Returns ``name``, ``rate``, ``low``, ``high`` (Wilson; of money the linearised ratio, see
    :func:`value_rate`; of a cohort log-log), ``won``, ``of``, ``unit``, ``open`` (of the cohort still open),
    ``horizon_days`` (the cohort's age), ``provisional`` (over a fifth of the cohort is open and younger),
    ``why`` a rate is missing. By value it is where under four in five of the won or of the lost have an
    amount: without those of the lost everything would be won.
    """
    low, high = pd.Timestamp(start), pd.Timestamp(end)
    closed = deals["is_closed"].fillna(False).astype(bool)
    won = closed & deals["is_won"].fillna(False).astype(bool)
    decided = closed & deals["close_date"].ge(low) & deals["close_date"].lt(high)
    got, of = int((decided & won).sum()), int(decided.sum())
    interval = proportion_interval(got, of, level)
    ends = (interval.low, interval.high) if interval else (np.nan, np.nan)
    amount = deals["amount_base"].where(deals["amount_base"] > 0)
    why = _unpriced(amount[decided], won[decided])
    money = (np.nan,) * 3 if why else value_rate(amount[decided], won[decided], level)
    sums = amount[decided & won].sum(), amount[decided].sum()
    rows = [
        ("by count", got / of if of else np.nan, *ends, got, of, "deals", 0, np.nan, False, ""),
        ("by value", *money, *sums, "money", 0, np.nan, False, why),
        ("by created cohort", *_cohort(deals, (low, high), (closed, won), level), ""),
    ]
    columns = [
        "name", "rate", "low", "high", "won", "of", "unit", "open", "horizon_days", "provisional", "why",
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns)
    return made.astype({"won": "float64", "of": "float64"})


def value_rate(amount: pd.Series, won: pd.Series, level: float = 0.9) -> tuple[float, float, float]:
    """Won value ÷ decided value with its range, deals as the units: rate, low, high.

    A few large deals make a wide range. Missing without value; the range is missing under 30 deals.

    Source: ratio estimator, Cochran (1977), *Sampling Techniques*, §6.4.
    """
    known = amount.notna() & (amount > 0)
    value, hit = amount[known].to_numpy("float64"), won[known].to_numpy(bool)
    if not value.sum() > 0:
        return np.nan, np.nan, np.nan
    rate = float(value[hit].sum() / value.sum())
    n = len(value)
    if n < MIN_PRICED:
        return rate, np.nan, np.nan
    from scipy.special import ndtri

    error = np.sqrt(n / (n - 1) * (value**2 * (hit - rate) ** 2).sum()) / value.sum()
    half = float(ndtri((1 + level) / 2)) * float(error)
    return rate, max(rate - half, 0.0), min(rate + half, 1.0)


MIN_PRICED, PRICED_SHARE = 30, 0.8


def _unpriced(amount: pd.Series, won: pd.Series) -> str:
    """Why no rate by value can be told of decided deals; empty where it can."""
    for name, side in (("won", won), ("lost", ~won)):
        share = float(amount[side].notna().mean()) if side.any() else 1.0
        if share < PRICED_SHARE:
            return f"{share:.0%} of {name} deals have an amount"
    return ""


def _cohort(deals: pd.DataFrame, within: tuple, told: tuple, level: float) -> tuple:
    """Of deals created within: rate, low, high, won, of, unit, open, horizon_days, provisional."""
    closed, won = told
    mine = deals["created_date"].ge(within[0]) & deals["created_date"].lt(within[1])
    still = mine & ~closed
    end = deals["close_date"].where(closed, within[1] - pd.Timedelta(days=1))
    age = (end - deals["created_date"]).dt.days[mine]
    event = won.map({True: "won", False: "lost"}).where(closed)[mine]
    got, of, is_open = int((mine & won).sum()), int(mine.sum()), int(still.sum())
    curve = incidence_table(age.clip(lower=0) + 0.5, event, causes=("won", "lost"), level=level)
    read = curve[curve["at_risk"] >= MIN_AT_RISK]
    if got:
        read = read[read["cause"] == "won"]
    else:  # nobody is won: the ages are those of the lost
        interval = proportion_interval(0, of, level)
        read = read.assign(share=0.0, low=0.0, high=interval.high if interval else np.nan)
    if read.empty:
        return (*[np.nan] * 3, got, of, "deals", is_open, np.nan, is_open > 0)
    last = read.iloc[-1]
    young = float((still[mine] & (age < last["age"])).mean())
    horizon = np.floor(last["age"])
    return (
        last["share"], last["low"], last["high"], got, of, "deals", is_open, horizon, young > PROVISIONAL,
    )  # fmt: skip
