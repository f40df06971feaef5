"""Where the period will end: a range from what past periods still added after this business day.

Never a straight line: what past periods had booked by this business day, and what they still added, says what
is to come (:mod:`finish`). Company and regions are projected by three methods, weighed by their errors; teams
and reps, lumpy and at times at nothing, by what past periods still added. The range's coverage, and how often
a stated chance to reach quota came true, are back-tested on earlier periods with what was known before each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from salesops_lib.attainment.crediting.records import stacked
from salesops_lib.attainment.crediting.table import Attainment
from salesops_lib.attainment.outlook.calibration import correct
from salesops_lib.attainment.outlook.finish import FINAL, REMAINING, SHARE, Past, finish
from salesops_lib.core import stats
from salesops_lib.core.periods import FiscalCalendar, Period

LEVELS = ("company", "region", "team", "rep")
MIN_PERIODS = 4  # finished periods before a projection is given at all
_METHODS = {
    "company": (REMAINING, FINAL, SHARE),
    "region": (REMAINING, FINAL, SHARE),
    "team": (REMAINING,),
    "rep": (REMAINING,),
}
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

    ``tested``: from :func:`backtest`; a level with enough outcomes in it has its chances corrected by how
    often they came true (:mod:`calibration`).

    Returns
    -------
    DataFrame
        ``level``, ``holder_id``, ``to_date``, ``quota``, ``finish_low``, ``finish_mid``, ``finish_high``,
        ``p_quota`` (never 0 or 1), ``expected_share`` (median share of the final that past periods had by
        now), ``periods`` and ``n`` (past periods and values used), ``method`` (``remaining``, ``combined``,
        ``share`` where no quota says how much is much, ``finished``, ``insufficient``: then the finish is
        missing).
    """
    if pace.finished:
        return _as_booked(pace.progress[pace.progress["period"] == pace.period])
    known = [] if pace.broken else pace.past
    made = [
        _projected(track, len(known), level_of_interval) for track in _tracks(pace, [*known, pace.period])
    ]
    return correct(stacked(made), tested).drop(columns=["final", "period"])


def backtest(pace: Pace, level_of_interval: float = 0.8) -> pd.DataFrame:
    """Projections of past periods at the same business day, each from the periods before it only.

    Returns one row per level, holder and past period with :data:`MIN_PERIODS` before it: the columns of
    :func:`project`, ``period``, ``final``, the outcome, and ``p_stated``, the chance before any correction.
    Empty where the past is too short.
    """
    tracks = _tracks(pace, pace.past)
    made = [_projected(track, 0, level_of_interval).iloc[:0] for track in tracks]
    positions = range(MIN_PERIODS, len(pace.past))
    made += [_projected(track, position, level_of_interval) for position in positions for track in tracks]
    tested = stacked(made)
    parts = [tested.iloc[:0].assign(p_stated=np.nan)]
    for name in pace.past[MIN_PERIODS:]:
        parts.append(correct(tested[tested["period"] == name], stacked(parts)))
    return stacked(parts)


def coverage(tested: pd.DataFrame) -> pd.DataFrame:
    """How often the back-tested range held the outcome: per level ``n``, ``inside``, ``share``, its range."""
    rows = []
    for level in LEVELS:
        part = tested[(tested["level"] == level) & tested["finish_low"].notna()]
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


@dataclass(frozen=True)
class _Track:
    """One level: holders × periods, in order; NaN where a holder has no row."""

    level: str
    holders: np.ndarray
    periods: list[str]
    done: np.ndarray
    final: np.ndarray
    quota: np.ndarray


def _tracks(pace: Pace, periods: list[str]) -> list[_Track]:
    """The progress of some periods by level. The last, if it is the running one, is booked to date in all."""
    rows = pace.progress[pace.progress["period"].isin(periods)]
    running = rows["period"] == pace.period
    rows = rows.assign(to_date=rows["to_date"].where(~running, rows["final"]))
    column = rows["period"].map({name: number for number, name in enumerate(periods)}).to_numpy()
    found = []
    for level in LEVELS:
        inside = (rows["level"] == level).to_numpy()
        code, holders = pd.factorize(rows.loc[inside, "holder_id"], sort=True)
        wide = np.full((3, len(holders), len(periods)), np.nan)
        wide[:, code, column[inside]] = rows.loc[inside, ["to_date", "final", "quota"]].to_numpy().T
        found.append(_Track(level, np.asarray(holders, dtype=object), periods, *wide))
    return found


def _projected(track: _Track, position: int, level_of_interval: float) -> pd.DataFrame:
    """The period at ``position`` projected from those before it: one row per holder that has a row in it."""
    at = [(1 - level_of_interval) / 2, 0.5, (1 + level_of_interval) / 2]
    here = np.isfinite(track.done[:, position])
    done, quota = track.done[here, position], track.quota[here, position]
    before = Past(*(m[:, :position] for m in (track.done, track.final, track.quota)))
    ends, chance = np.full((len(done), 3), np.nan), np.full(len(done), np.nan)
    method, used = np.full(len(done), "insufficient", dtype=object), np.zeros(len(done), dtype="int64")
    spans, able = np.full(len(done), _spanned(before.done)), np.isfinite(quota)
    if _spanned(before.quota) >= MIN_PERIODS and able.any():
        order = [*np.flatnonzero(here)[able], *np.flatnonzero(~here)]
        past = Past(*(m[order] for m in (before.done, before.final, before.quota)))
        found = finish(past, done[able], quota[able], _METHODS[track.level], at)
        ends[able], chance[able] = found.ends * quota[able, None], found.chance
        used[able], spans[able] = found.values, _spanned(before.quota)
        method[able] = REMAINING if _METHODS[track.level] == (REMAINING,) else "combined"
    if len(_METHODS[track.level]) > 1 and _spanned(before.done) >= MIN_PERIODS:
        rows = ~able & (done > 0)
        ends[rows], used[rows], method[rows] = _by_share(before, done[rows], at)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (before.done / np.where(before.final > 0, before.final, np.nan))[np.isfinite(before.done)]
    share = share[np.isfinite(share)]
    made = {
        "level": track.level, "holder_id": track.holders[here], "period": track.periods[position],
        "to_date": done, "final": track.final[here, position], "quota": quota,
        **dict(zip(_FINISH, ends.T, strict=True)), "p_quota": chance,
        "expected_share": np.median(share) if share.size else np.nan, "periods": spans, "n": used,
        "method": method,
    }  # fmt: skip
    return pd.DataFrame(made)


def _spanned(values: np.ndarray) -> int:
    """Periods in which any holder has a value."""
    return int(np.isfinite(values).any(axis=0).sum())


def _by_share(past: Past, done: np.ndarray, at: list[float]) -> tuple[np.ndarray, int, str]:
    """Without a quota: to date ÷ the share past periods had by now, on a logarithmic scale."""
    held = np.isfinite(past.done)
    before, final = past.done[held], past.final[held]
    if not ((before > 0) & (final > 0)).all():
        return np.full((len(done), len(at)), np.nan), 0, "insufficient"
    scores = np.log(final / before)
    return np.outer(done, np.exp(stats.prediction_quantiles(scores, at))), len(scores), SHARE


def _as_booked(now: pd.DataFrame) -> pd.DataFrame:
    """A finished period: nothing is projected."""
    reached = (now["final"] >= now["quota"]).astype("float64").where(now["quota"] > 0)
    now = now.assign(to_date=now["final"], **dict.fromkeys(_FINISH, now["final"]), p_quota=reached)
    now = now.assign(expected_share=1.0, periods=0, n=0, method="finished")
    return now.drop(columns=["final", "period"]).reset_index(drop=True)
