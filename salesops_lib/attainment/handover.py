"""Results in the form of the report's output tables (``outputs.py``)."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment import outputs
from salesops_lib.attainment.crediting.plan_rates import by_currency
from salesops_lib.attainment.crediting.segments import rep_segments
from salesops_lib.attainment.crediting.table import Attainment
from salesops_lib.attainment.outlook.calibration import calibration
from salesops_lib.attainment.outlook.pacing import LEVELS, Pace, coverage
from salesops_lib.attainment.spread.distribution import judged_reps
from salesops_lib.core.money import from_cents
from salesops_lib.core.periods import FiscalCalendar

TENURE_BANDS = ((365, "under 1 year"), (730, "1 to 2 years"))


def attainment_rows(result: Attainment, period: str, calendar: FiscalCalendar) -> pd.DataFrame:
    """The period's rows of every level, columns of ``outputs.ATTAINMENT`` and no more."""
    rows = result.table[result.table["period"] == period].reset_index(drop=True)
    end = pd.Timestamp(calendar.bounds(period)[1])
    rows = rows.assign(tenure_days=(end - pd.to_datetime(rows["first_spell"])).dt.days)
    return rows.reindex(columns=outputs.ATTAINMENT.column_names)


def spell_rows(result: Attainment, period: str) -> pd.DataFrame:
    """The period's pieces, columns of ``outputs.BY_SPELL``."""
    rows = result.by_spell[result.by_spell["period"] == period]
    return rows.reindex(columns=outputs.BY_SPELL.column_names).reset_index(drop=True)


def tenure_band(tenure_days: pd.Series) -> pd.Series:
    """``under 1 year``, ``1 to 2 years``, ``over 2 years``; missing where no spell is known."""
    names = pd.Series("over 2 years", index=tenure_days.index, dtype="object")
    for limit, name in reversed(TENURE_BANDS):
        names = names.where(~(tenure_days < limit), name)
    return names.where(tenure_days.notna(), None)


def judged_rows(
    table: pd.DataFrame, period: str, lines: pd.DataFrame, opportunities: pd.DataFrame
) -> pd.DataFrame:
    """Reps whose attainment is defined, best first, with their ``tenure`` band and ``segment``.

    ``lines``: credited lines of an :class:`table.Attainment`; the segment is that of most of the money
    (:func:`segments.rep_segments`), missing where the company keeps none.
    """
    reps = judged_reps(table, period)
    teams = dict(zip(reps["holder_id"], reps["team"], strict=True))
    segment = reps["holder_id"].map(rep_segments(lines, opportunities, teams)).astype("object")
    return reps.assign(tenure=tenure_band(reps["tenure_days"]), segment=segment.where(segment.notna(), None))


def coverage_rows(tested: pd.DataFrame, level_of_interval: float) -> pd.DataFrame:
    """Back-tested coverage per level, columns of ``outputs.COVERAGE``."""
    rows = coverage(tested).assign(interval_level=level_of_interval)
    return rows.reindex(columns=outputs.COVERAGE.column_names)


def pacing_rows(
    result: Attainment, pace: Pace, projected: pd.DataFrame, level_of_interval: float
) -> pd.DataFrame:
    """Projections with names and ratios, columns of ``outputs.PACING``; money rounded to the cent."""
    key = ["level", "holder_id"]
    now = result.table[result.table["period"] == pace.period]
    rows = projected.merge(now[[*key, "name", "team", "region", "quota_base"]], on=key, how="left")
    money = {f"{c}_base": rows[c].round(2) for c in ("to_date", "finish_low", "finish_mid", "finish_high")}
    rows = rows.assign(
        **money,
        period=pace.period,
        name=rows["name"].where(rows["name"].notna(), rows["holder_id"]),
        elapsed_share=pace.elapsed,
        interval_level=level_of_interval,
        projected_low=rows["finish_low"] / rows["quota"],
        projected_attainment=rows["finish_mid"] / rows["quota"],
        projected_high=rows["finish_high"] / rows["quota"],
        attained=rows["to_date"] / rows["quota"],
        past_periods=rows["periods"],
        past_values=rows["n"],
    )
    quota = pd.to_numeric(rows["quota_base"]).astype("float64")
    rows["to_book_base"] = (quota - rows["to_date_base"]).round(2)
    rows["gap_base"] = (quota - rows["finish_mid_base"]).round(2)
    for end in ("low", "high"):
        rows[f"adds_{end}_base"] = (rows[f"finish_{end}_base"] - rows["to_date_base"]).round(2)
    order = rows["level"].map({"company": 0, "region": 1, "team": 2, "rep": 3})
    rows = rows.assign(order=order).sort_values(["order", "projected_attainment", "holder_id"])
    return rows.reindex(columns=outputs.PACING.column_names).reset_index(drop=True)


def standing_rows(table: pd.DataFrame, pacing: pd.DataFrame) -> pd.DataFrame:
    """Reps of the period with their projection, largest gap first, columns of ``outputs.STANDING``."""
    reps = table[table["level"] == "rep"]
    asked = ["projected_attainment", "projected_low", "projected_high", "p_quota", "finish_mid_base"]
    ahead = pacing.loc[pacing["level"] == "rep", ["holder_id", *asked]]
    rows = reps.merge(ahead, on="holder_id", how="left")
    gap = pd.to_numeric(rows["quota_base"]).astype("float64") - rows["finish_mid_base"]
    rows = rows.assign(gap_base=gap.round(2)).sort_values(["gap_base", "holder_id"], ascending=[False, True])
    return rows.reindex(columns=outputs.STANDING.column_names).reset_index(drop=True)


def calibration_rows(tested: pd.DataFrame) -> pd.DataFrame:
    """How often stated chances came true, columns of ``outputs.CALIBRATION``."""
    return calibration(tested, LEVELS).reindex(columns=outputs.CALIBRATION.column_names)


def currency_rows(result: Attainment, period: str) -> pd.DataFrame:
    """Bookings of the period by currency at both rates, columns of ``outputs.CURRENCIES``."""
    rows = by_currency(result.booked, period).assign(period=period)
    for name in ("day", "plan", "effect"):
        rows[f"{name}_base"] = from_cents(rows[f"{name}_cents"].astype("Int64"))
    return rows.reindex(columns=outputs.CURRENCIES.column_names)


def exception_rows(result: Attainment, periods: list[str]) -> pd.DataFrame:
    """Exceptions of the periods asked and those without a period, columns of ``outputs.EXCEPTIONS``."""
    rows = result.exceptions
    rows = rows[rows["period"].isin(periods) | rows["period"].isna()]
    rows = rows.assign(money_base=from_cents(rows["money_cents"]))
    return rows.reindex(columns=outputs.EXCEPTIONS.column_names).reset_index(drop=True)
