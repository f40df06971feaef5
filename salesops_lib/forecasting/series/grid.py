"""Long frames of series checked, and laid on the regular steps of their calendar."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError, TableError

DAY = 86_400_000_000_000  # ns
GAPS = ("missing", "zero", "refuse")
# What one step is where a frame holds a single date per series: the season's length tells.
_LONE = {
    2: ("months", 6),
    4: ("months", 3),
    12: ("months", 1),
    52: ("elapsed", 7 * DAY),
    53: ("elapsed", 7 * DAY),
}
_LONE |= {5: ("weekdays", 1), 260: ("weekdays", 1), 261: ("weekdays", 1)}
_LONE |= {7: ("elapsed", DAY), 365: ("elapsed", DAY), 366: ("elapsed", DAY), 24: ("elapsed", DAY // 24)}


@dataclass(frozen=True)
class Steps:
    """The distance from one row of a series to the next, the same in all series of a frame.

    ``kind`` is ``integer``, ``months`` (of a fixed day, 31 for month ends), ``weekdays`` (Monday to Friday)
    or ``elapsed`` (nanoseconds); ``size`` counts in that unit.
    """

    kind: str
    size: int
    day: int = 0

    def between(self, first: np.ndarray, ds: np.ndarray) -> np.ndarray:
        """Whole steps from ``first`` to ``ds``, elementwise."""
        if self.kind == "months":
            return (_months(ds) - _months(first)) // self.size
        if self.kind == "weekdays":
            return np.busday_count(first.astype("M8[D]"), ds.astype("M8[D]")) // self.size
        return (ds - first).astype("int64") // self.size

    def after(self, first: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """The ``ds`` that many steps after ``first``, elementwise; the time of day is kept."""
        if self.kind == "integer":
            return first + steps * self.size
        if self.kind == "elapsed":
            return first + (steps * self.size).astype("m8[ns]")
        day = first.astype("M8[D]")
        if self.kind == "weekdays":
            ahead = np.busday_offset(day, steps * self.size, roll="forward")
        else:
            month = (first.astype("M8[M]").astype("int64") + steps * self.size).astype("M8[M]")
            length = ((month + 1).astype("M8[D]") - month.astype("M8[D]")).astype("int64")
            ahead = month.astype("M8[D]") + np.minimum(self.day, length) - 1
        return ahead.astype("M8[ns]") + (first - day.astype("M8[ns]"))


@dataclass(frozen=True)
class Series:
    """One checked series: ``y`` on every step from ``first`` on, NaN where nothing is known."""

    key: object
    first: object
    y: np.ndarray


def checked(series: pd.DataFrame) -> pd.DataFrame:
    """The columns ``unique_id``, ``ds``, ``y`` (float), sorted by series and time.

    Raises
    ------
    TableError
        Where a column is missing, an id or a date is empty, ``ds`` is neither date nor integer, ``y`` is text
        or infinite, or a series has two rows of one date. Names the first row.
    """
    missing = [c for c in ("unique_id", "ds", "y") if c not in series.columns]
    if missing:
        raise TableError(f"table 'series' has no column '{missing[0]}'; it needs unique_id, ds and y")
    table = series[["unique_id", "ds", "y"]].reset_index(drop=True)
    for column in ("unique_id", "ds"):
        if table[column].isna().any():
            row = int(table[column].isna().to_numpy().argmax())
            raise TableError(f"table 'series', row {row + 1}: {column} is empty; fill it or delete the row")
    table = table.assign(ds=_dates(table), y=_numbers(table))
    table = table.sort_values(["unique_id", "ds"], kind="stable", ignore_index=True)
    doubled = table.duplicated(["unique_id", "ds"])
    if doubled.any():
        raise TableError(f"{_where(table, doubled)}: stands twice; sum the rows or delete one")
    return table


def laid(table: pd.DataFrame, season_length: int, gaps: str) -> tuple[list[Series], Steps]:
    """Each series of a `checked` table on its steps, in the order of the table.

    Parameters
    ----------
    table, season_length
        As `checked` returns it; the season's length in steps, which tells the step of a lone date.
    gaps
        What a step without a row is: ``missing`` (unknown), ``zero`` (nothing was booked), ``refuse``.

    Raises
    ------
    TableError
        With ``gaps="refuse"``, naming the first step without a row.
    """
    if gaps not in GAPS:
        raise ParameterError(f"gaps is '{gaps}'; it takes: {', '.join(GAPS)}")
    ids, ds, y = table["unique_id"], table["ds"].to_numpy(), table["y"].to_numpy()
    starts = np.flatnonzero(~ids.duplicated().to_numpy())
    ends = np.r_[starts, len(table)][1:]
    steps = _steps(ds, starts, season_length)
    made = []
    for start, end in zip(starts, ends, strict=True):
        at = steps.between(np.full(end - start, ds[start]), ds[start:end])
        values = np.full(at[-1] + 1, 0.0 if gaps == "zero" else np.nan)
        values[at] = y[start:end]
        absent = len(values) - len(at)
        if absent and gaps == "refuse":
            before = start + int(np.flatnonzero(np.diff(at) > 1)[0])
            hole = _shown(steps.after(ds[before : before + 1], np.array([1]))[0])
            raise TableError(
                f"table 'series', unique_id '{ids.iloc[start]}': no row at {hole} ({absent} such steps); "
                "add it, or say what a gap is: gaps='zero' or gaps='missing'"
            )
        made.append(Series(ids.iloc[start], ds[start], values))
    return made, steps


def _steps(ds: np.ndarray, starts: np.ndarray, season_length: int) -> Steps:
    """The coarsest step on which all dates of all series fall."""
    if ds.dtype.kind in "iu":
        return Steps("integer", int(np.gcd.reduce(_within(ds, starts))) or 1)
    day = ds.astype("M8[D]")
    ends = (day + 1).astype("M8[M]") != day.astype("M8[M]")
    dom = (day - day.astype("M8[M]").astype("M8[D]")).astype("int64") + 1
    anchor = 31 if ends.all() else int(dom.max(initial=1))
    same_time = len(np.unique(ds - day.astype("M8[ns]"))) <= 1
    gap_ns = _within(ds.astype("int64"), starts)
    if not gap_ns.size:
        edge = bool(ends.all() or (dom == 1).all())
        kind, size = _LONE.get(season_length, ("months", 1) if edge else ("elapsed", DAY))
        return Steps(kind, size, anchor)
    month = day.astype("M8[M]")
    length = ((month + 1).astype("M8[D]") - month.astype("M8[D]")).astype("int64")
    if same_time and (dom == np.minimum(anchor, length)).all():
        return Steps("months", int(np.gcd.reduce(_within(_months(ds), starts))), anchor)
    size = int(np.gcd.reduce(gap_ns))
    weekday = (day.astype("int64") + 3) % 7
    if same_time and size == DAY and weekday.max() < 5 and len(np.unique(weekday)) == 5:
        return Steps("weekdays", int(np.gcd.reduce(_within(np.busday_count("1970-01-01", day), starts))))
    return Steps("elapsed", size)


def _within(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Differences between neighbours of the same series."""
    return np.delete(np.diff(values), starts[1:] - 1) if len(values) else values


def _months(ds: np.ndarray) -> np.ndarray:
    return ds.astype("M8[M]").astype("int64")


def _dates(table: pd.DataFrame) -> pd.Series:
    ds = table["ds"]
    if pd.api.types.is_integer_dtype(ds):
        return ds.astype("int64")
    if isinstance(ds.dtype, pd.DatetimeTZDtype):
        raise TableError("table 'series': ds has a time zone, a period has none; give plain dates")
    odd = ~ds.map(lambda v: isinstance(v, datetime.date | np.datetime64)).astype(bool)
    if odd.any():
        where = _where(table, odd)
        raise TableError(f"{where}: ds is neither a date nor an integer; convert it with pd.to_datetime")
    return pd.to_datetime(ds).astype("datetime64[ns]")


def _numbers(table: pd.DataFrame) -> pd.Series:
    y = table["y"]
    odd = y.notna()
    if pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y):
        odd &= False
    elif y.dtype == object:
        odd &= ~y.map(lambda v: isinstance(v, Number) and not isinstance(v, bool)).astype(bool)
    if odd.any():
        where, shown = _where(table, odd), y[odd].iloc[0]
        raise TableError(f"{where}: y is '{shown}', no number; correct it or leave it empty")
    values = y.astype("Float64" if y.dtype != object else "object").astype("float64")
    if np.isinf(values).any():
        where = _where(table, np.isinf(values))
        raise TableError(f"{where}: y is infinite; correct it or leave it empty")
    return values


def _where(table: pd.DataFrame, odd: Sequence[bool] | pd.Series) -> str:
    row = table[np.asarray(odd, dtype=bool)].iloc[0]
    return f"table 'series', unique_id '{row['unique_id']}', ds {_shown(row['ds'])}"


def _shown(ds: object) -> str:
    if isinstance(ds, pd.Timestamp | np.datetime64):
        stamp = pd.Timestamp(ds)
        return stamp.date().isoformat() if stamp == stamp.normalize() else stamp.isoformat(" ")
    return str(ds)
