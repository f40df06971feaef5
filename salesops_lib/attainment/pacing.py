"""Where the period will end: a range from what past periods still added after this business day.

Never a straight line: the share of a period's bookings that has come by a business day is taken from past
periods. Company and regions are projected by that share and by what past periods still added in units of
quota, weighed by their back-tested errors; teams and reps, lumpy and at times at nothing, by the second
alone. The range's coverage is back-tested on earlier periods with what was known before each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from salesops_lib.attainment.records import stacked
from salesops_lib.attainment.table import Attainment
from salesops_lib.core import stats
from salesops_lib.core.periods import FiscalCalendar, Period

LEVELS = ("company", "region", "team", "rep")
MIN_PERIODS = 4  # finished periods before a projection is given at all
_BOTH = {"company", "region"}
_FINISH = ("finish_low", "finish_mid", "finish_high")


@dataclass(frozen=True)
class Pace:
    """What pacing needs, per holder and period, at one point of the period.

    ``past``: finished periods before it that the data holds whole; ``holes``: those with hardly a booking.
    ``progress``: ``level``, ``holder_id``, ``period``, ``to_date``, ``final`` (so far, in the current
    period), ``quota`` (missing where undefined). ``curve``: the company's share by elapsed time.
    """

    progress: pd.DataFrame
    curve: pd.DataFrame
    past: list[str]
    holes: list[str]
    period: str
    elapsed: float
    finished: bool

    @property
    def broken(self) -> bool:
        """The period just before this one has hardly a booking: its pace cannot be projected from."""
        ended = sorted([*self.past, *self.holes])
        return bool(ended) and ended[-1] in self.holes


def pace(result: Attainment, calendar: FiscalCalendar, period: Period) -> Pace:
    """Bookings to the same business day of each period, by holder; money in the reporting currency, float."""
    start, end = calendar.bounds(period)
    finished = end <= result.as_of + timedelta(days=1)
    elapsed = 1.0 if finished else calendar.elapsed_share(period, result.as_of)
    lines = result.lines[result.lines["rep_id"].notna()]
    dated = stats.elapsed_at(lines["close_date"], calendar, result.kind)
    lines = lines.assign(elapsed_share=dated["elapsed_share"], amount=lines["cents"].astype("float64") / 100)
    progress = pd.concat([_progress(lines, level, elapsed) for level in LEVELS], ignore_index=True)
    company = result.table.loc[result.table["level"] == "company", ["period", "holder_id"]]
    named = progress["period"].map(dict(company.itertuples(index=False, name=None)))
    progress["holder_id"] = progress["holder_id"].where(progress["level"] != "company", named)
    quotas = _quotas(result.table)
    progress = progress.merge(quotas, on=["level", "holder_id", "period"], how="outer")
    progress[["to_date", "final"]] = progress[["to_date", "final"]].fillna(0.0)
    past, holes = stats.whole_periods(lines[~lines["overlay"]], calendar, start, result.kind)
    curve = _curve(lines[~lines["overlay"]], past, str(period), elapsed)
    return Pace(progress, curve, past, holes, str(period), elapsed, finished)


def project(pace: Pace, tested: pd.DataFrame, level_of_interval: float = 0.8) -> pd.DataFrame:
    """A finish for every holder of the period: range, middle and the chance to reach quota.

    ``tested``: from :func:`backtest`, whose errors weigh the two methods where a level has both.

    Returns
    -------
    DataFrame
        ``level``, ``holder_id``, ``to_date``, ``quota``, ``finish_low``, ``finish_mid``, ``finish_high``,
        ``p_quota`` (never 0 or 1), ``expected_share`` (median share of the final that past periods had by
        now), ``periods`` and ``n`` (past periods and values used), ``method`` (``share``, ``remaining``,
        ``both``, ``finished``, ``insufficient``: then the finish is missing).
    """
    now = pace.progress[pace.progress["period"] == pace.period].reset_index(drop=True)
    now["to_date"] = now["final"]
    if pace.finished:
        reached = (now["final"] >= now["quota"]).astype("float64").where(now["quota"] > 0)
        now = now.assign(**dict.fromkeys(_FINISH, now["final"]), p_quota=reached)
        now = now.assign(expected_share=1.0, periods=0, n=0, method="finished")
        return now.drop(columns=["final", "period"])
    past = pace.progress[pace.progress["period"].isin(pace.past)]
    made = _both(now, past.iloc[:0] if pace.broken else past, level_of_interval)
    return _combined(made, weights(tested)).drop(columns=["final", "period"])


def backtest(pace: Pace, level_of_interval: float = 0.8) -> pd.DataFrame:
    """Projections of past periods at the same business day, each from the periods before it only.

    Returns one row per level, holder, past period with :data:`MIN_PERIODS` before it, and method: the
    columns of :func:`project` and ``final``, the outcome. Empty where the past is too short.
    """
    parts = [_both(pace.progress.iloc[:0], pace.progress.iloc[:0], level_of_interval)]
    for position in range(MIN_PERIODS, len(pace.past)):
        before = pace.progress[pace.progress["period"].isin(pace.past[:position])]
        then = pace.progress[pace.progress["period"] == pace.past[position]]
        parts.append(_both(then, before, level_of_interval))
    return stacked(parts)


def weights(tested: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Weight of each (level, method): 1 ÷ the square of its mean pinball loss over the back-test."""
    rows = tested[tested["finish_low"].notna()]
    loss = sum(
        np.maximum(share * (rows["final"] - rows[name]), (share - 1) * (rows["final"] - rows[name]))
        for share, name in zip((0.1, 0.5, 0.9), _FINISH, strict=True)
    )
    mean = (
        (loss / 3).groupby([rows["level"], rows["method"]]).mean()
        if len(rows)
        else pd.Series(dtype="float64")
    )
    return {key: 1 / max(value, 1e-9) ** 2 for key, value in mean.items()}


def coverage(tested: pd.DataFrame) -> pd.DataFrame:
    """How often the back-tested range held the outcome: per level ``n``, ``inside``, ``share``, its range."""
    used = _combined(tested, weights(tested)) if len(tested) else tested
    rows = []
    for level in LEVELS:
        part = used[(used["level"] == level) & used["finish_low"].notna()]
        if len(part):
            found = stats.coverage(part["final"], part["finish_low"] - 0.005, part["finish_high"] + 0.005)
            rows.append({"level": level, "periods": part["period"].nunique(), **found})
    return pd.DataFrame(rows, columns=["level", "periods", "n", "inside", "share", "low", "high"])


def _progress(lines: pd.DataFrame, level: str, elapsed: float) -> pd.DataFrame:
    """Sums to date and in all, per holder of a level and period; overlay only in a rep's own figure."""
    holder = {"company": None, "region": "region", "team": "team", "rep": "rep_id"}[level]
    part = lines if level == "rep" else lines[~lines["overlay"]]
    part = part.assign(holder_id="company" if holder is None else part[holder])
    part = part[part["holder_id"].notna()]
    done = part["amount"].where(part["elapsed_share"] <= elapsed + 1e-9, 0.0)
    sums = part.assign(to_date=done, final=part["amount"]).groupby(["holder_id", "period"], as_index=False)
    return sums[["to_date", "final"]].sum().assign(level=level)


def _quotas(table: pd.DataFrame) -> pd.DataFrame:
    """Quotas as float, missing where not positive."""
    rows = table[["level", "holder_id", "period"]].copy()
    quota = pd.to_numeric(table["quota_base"], errors="coerce").astype("float64")
    return rows.assign(quota=quota.where(quota > 0))


def _curve(lines: pd.DataFrame, past: list[str], period: str, elapsed: float) -> pd.DataFrame:
    """Share of the final by elapsed time, each past period; the current one as plain sums."""
    grid = np.union1d(np.round(np.arange(0, 1.0001, 0.02), 2), [elapsed])
    rows = []
    for name in [*past, period]:
        part = lines[lines["period"] == name].sort_values("elapsed_share", kind="stable")
        sums = np.concatenate([[0.0], part["amount"].cumsum()])
        at = np.searchsorted(part["elapsed_share"].to_numpy(), grid + 1e-9, side="right")
        rows.append(pd.DataFrame({"period": name, "elapsed_share": grid, "to_date": sums[at]}))
        rows[-1]["share"] = rows[-1]["to_date"] / sums[-1] if name != period and sums[-1] > 0 else np.nan
    return pd.concat(rows, ignore_index=True)


def _both(now: pd.DataFrame, past: pd.DataFrame, level_of_interval: float) -> pd.DataFrame:
    """The projection of each row of ``now`` by each method its level uses, one row per method."""
    ends = [(1 - level_of_interval) / 2, 0.5, (1 + level_of_interval) / 2]
    parts = []
    for level in LEVELS:
        rows, earlier = now[now["level"] == level], past[past["level"] == level]
        methods = (_by_share, _by_remaining) if level in _BOTH else (_by_remaining,)
        parts += [_projected(method, rows, earlier, ends) for method in methods]
    return stacked(parts)


def _projected(method, now: pd.DataFrame, past: pd.DataFrame, ends: list[float]) -> pd.DataFrame:
    share = past["to_date"] / past["final"].where(past["final"] > 0)
    periods = past["period"].nunique()
    unknown = dict.fromkeys([*_FINISH, "p_quota"], np.nan) | {"method": "insufficient"}
    made = now.assign(**unknown, expected_share=share.median(), periods=periods, n=0)
    if periods < MIN_PERIODS or made.empty:
        return made
    rows, scores, spread, limits = method(now, past, ends)
    if not rows.any() or len(scores) < MIN_PERIODS:
        return made
    given = rows.to_numpy()
    found = np.full((len(now), 4), np.nan)
    found[given] = np.column_stack([spread, stats.prediction_exceeds(scores, limits)])
    named = np.where(given, method.__name__.removeprefix("_by_"), "insufficient").astype("object")
    return made.assign(**dict(zip([*_FINISH, "p_quota"], found.T, strict=True)), method=named, n=len(scores))


def _by_share(now: pd.DataFrame, past: pd.DataFrame, ends: list[float]):
    """To date ÷ the share past periods had by now, on a logarithmic scale."""
    usable = (past["to_date"] > 0) & (past["final"] > 0)
    scores = np.log((past["final"] / past["to_date"])[usable].to_numpy()) if usable.all() else np.array([])
    rows = now["to_date"] > 0
    done = now.loc[rows, "to_date"].to_numpy()
    spread = np.outer(done, np.exp(stats.prediction_quantiles(scores, ends)))
    return rows, scores, spread, np.log(now.loc[rows, "quota"].to_numpy() / done)


def _by_remaining(now: pd.DataFrame, past: pd.DataFrame, ends: list[float]):
    """To date + what holders of this level still added after this business day, in units of quota."""
    known = past["quota"].notna()
    scores = ((past["final"] - past["to_date"]) / past["quota"])[known].to_numpy()
    rows = now["quota"].notna()
    done, quota = now.loc[rows, "to_date"].to_numpy(), now.loc[rows, "quota"].to_numpy()
    spread = done[:, None] + np.outer(quota, stats.prediction_quantiles(scores, ends))
    return rows, scores, spread, 1 - done / quota


def _combined(made: pd.DataFrame, weight: dict[tuple[str, str], float]) -> pd.DataFrame:
    """One row per holder and period: the weighted mean of the quantiles of the methods that gave one."""
    key = ["level", "holder_id", "period"]
    given = made["finish_low"].notna()
    mass = pd.Series(
        [weight.get(pair, 1.0) for pair in zip(made["level"], made["method"], strict=True)], index=made.index
    ).where(given, 0.0)
    whole = mass.groupby([made[k] for k in key]).transform("sum")
    part = mass / whole.where(whole > 0)
    summed = [*_FINISH, "p_quota"]
    weighted = made[summed].mul(part, axis=0).assign(**{k: made[k] for k in key})
    sums = weighted.groupby(key)[summed].sum(min_count=1)
    count = given.groupby([made[k] for k in key]).sum()
    best = made.assign(given=given).sort_values("given", ascending=False, kind="stable")
    first = best.drop_duplicates(key).drop(columns=[*summed, "given"]).set_index(key)
    first.loc[count.reindex(first.index) > 1, "method"] = "both"
    return first.join(sums).reset_index()
