"""From a company's tables to the report's: leads checked and dated, then each output table, empty with a
reason
where the data cannot carry it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError, nearest
from salesops_lib.leads import funnels, outputs, sources, spend, strata, timing
from salesops_lib.leads.lifecycle import checked_leads, days_between, labels

DIMENSIONS = ("source", "campaign_id", "landing_page", "owner_id")
HALF_YEAR = 182
TRUE = {"1", "true", "yes", "y", "t", "converted", "won"}
FALSE = {"0", "false", "no", "n", "f", "not converted", "lost", "open"}
SAYS_SO = ("converted", "is_converted", "isconverted")
"""Columns taken for the outcome where no lead has a stamp of it."""
OPPORTUNITY, WON = "became an opportunity", "was won"


@dataclass(frozen=True)
class Leads:
    """Checked leads, oldest first, and what the report asks of them.

    ``clock``: whether leads say when they came in; without it only the score runs. ``hit``: converted within
    the horizon; missing for leads too young. ``end``: the moment ``as_of`` ends. ``outcome``: the column that
    says converted, where no stamp does. ``means``: what converting is, in words; empty where no lead says.
    ``hours``: the regions' opening hours, or None.
    """

    frame: pd.DataFrame
    faults: pd.DataFrame
    as_of: date
    end: pd.Timestamp
    horizon: int
    level: float
    clock: bool
    hit: pd.Series
    outcome: str
    means: str
    hours: pd.DataFrame | None
    limits: dict[str, float]

    @property
    def timed(self) -> bool:
        """Whether it is known when leads converted, so that there are funnels, cohorts and curves."""
        return self.clock and not self.outcome and bool(self.means)


def prepared(
    leads: pd.DataFrame,
    as_of: date,
    *,
    horizon: int,
    level: float,
    outcome: str,
    hours: pd.DataFrame | None,
    limits: dict[str, float],
    zone: str = "UTC",
) -> Leads:
    """Check the leads and tell who converted.

    ``outcome`` empty: an opportunity (``sql_at``) within ``horizon`` days; where no lead has that stamp, a
    win (``won_at``), else a column named ``converted``. Else a column that says so by 1, true or yes. Raises
    ParameterError for a horizon or level out of range, or a column that is not there or says neither yes nor
    no. The day ends at midnight in ``zone``.
    """
    if not 7 <= horizon <= 730:
        raise ParameterError(f"horizon_days is {horizon}; give 7 to 730")
    if not 0.5 <= level <= 0.99:
        raise ParameterError(f"interval_level is {level}; give 0.5 to 0.99")
    if outcome and outcome not in leads:
        raise ParameterError(f"leads have no column '{outcome}'. {nearest(outcome, [str(c) for c in leads])}")
    end = (pd.Timestamp(as_of) + pd.Timedelta(days=1)).tz_localize(zone).tz_convert("UTC")
    made, faults = checked_leads(leads, end)
    clock = "created_at" in made and bool(made["created_at"].notna().any())
    made = made.iloc[_order(made, clock)].reset_index(drop=True)
    outcome = outcome or _says_so(made)
    means = f"has a yes in {outcome}" if outcome else ""
    if not outcome and clock:
        made, means = _stamped(made)
    if outcome:
        hit = _said(made[outcome], outcome)
        if clock:
            hit = hit.mask(~days_between(made["created_at"], end).ge(horizon), None)
    else:
        hit = _within(made, end, horizon) if means else pd.Series(None, index=made.index, dtype="object")
    return Leads(
        made, faults, as_of, end, horizon, level, clock, hit.astype("object"), outcome, means, hours, limits
    )


def _order(leads: pd.DataFrame, clock: bool) -> np.ndarray:
    """Positions oldest first; without a clock by id, numbers as numbers."""
    number = pd.to_numeric(leads["lead_id"], errors="coerce")
    ids = number if len(number) and number.notna().all() else leads["lead_id"].astype(str)
    keys = pd.DataFrame({"at": leads["created_at"] if clock else 0, "id": ids})
    return keys.reset_index(drop=True).sort_values(["at", "id"], kind="stable").index.to_numpy()


def _says_so(leads: pd.DataFrame) -> str:
    """The column taken for the outcome: none where a stamp tells it."""
    for stamp in ("sql_at", "won_at"):
        if stamp in leads and leads[stamp].notna().any():
            return ""
    named = {str(c).lower().replace(" ", "_"): str(c) for c in leads if leads[c].notna().any()}
    return next((named[n] for n in SAYS_SO if n in named), "")


def _stamped(leads: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Leads with ``sql_at``, the stamp of converting, and what it means; empty where no lead converted."""
    if "sql_at" in leads and leads["sql_at"].notna().any():
        return leads, OPPORTUNITY
    if "won_at" in leads and leads["won_at"].notna().any():
        return leads.assign(sql_at=leads["won_at"]), WON
    return leads, ""


def _said(column: pd.Series, name: str) -> pd.Series:
    """True, False or None. Raises ParameterError where hardly a cell says yes or no."""
    text = column.map(_yes_or_no, na_action="ignore").astype("object")
    known, filled = text.isin(TRUE | FALSE), column.notna()
    if known.sum() < 0.5 * filled.sum():
        first = column[filled & ~known].iloc[0]
        raise ParameterError(f"column '{name}' says neither yes nor no: '{first}'; write 1 or 0, yes or no")
    return text.isin(TRUE).astype("object").where(known, None)


def _yes_or_no(value) -> str:
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int | float | np.number):
        return f"{value:g}"
    return str(value).strip().lower()


def _within(leads: pd.DataFrame, end: pd.Timestamp, horizon: int) -> pd.Series:
    age = days_between(leads["created_at"], end)
    hit = days_between(leads["created_at"], leads["sql_at"]) <= horizon
    early = funnels.created_before_record(leads, "sql_at")
    return hit.astype("object").where((age >= horizon) & ~early, None)


def funnel_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.FUNNEL``; empty without a clock."""
    if not leads.clock or leads.frame.empty:
        return pd.DataFrame(columns=outputs.FUNNEL.column_names)
    asked = leads.frame.drop(columns="sql_at") if leads.means == WON else leads.frame
    return funnels.funnel(asked, leads.end, horizon_days=leads.horizon, level=leads.level)


def period_rows(leads: Leads, calendar, months: int = 3) -> pd.DataFrame:
    """Columns of ``outputs.PERIODS``: the last fiscal months that have ended."""
    rows = []
    if leads.clock and calendar.month_starts:
        running = calendar.period_of(leads.as_of, "month")
        for back in range(months, 0, -1):
            period = running.step(-back)
            found = funnels.funnel_by_period(leads.frame, *calendar.bounds(period))
            rows.append(found.assign(period=str(period)))
    made = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return made.reindex(columns=outputs.PERIODS.column_names)


def cohort_rows(leads: Leads, months: int = 18) -> pd.DataFrame:
    """Columns of ``outputs.COHORTS``: the last months."""
    if not leads.timed:
        return pd.DataFrame(columns=outputs.COHORTS.column_names)
    found = funnels.cohorts(leads.frame, leads.end)
    found = found[found["cohort"].isin(sorted(found["cohort"].unique())[-months:])]
    return found.sort_values(["cohort", "age_days"], ascending=[False, True], ignore_index=True)


def incidence_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.INCIDENCE``: all leads and each source, at whole days."""
    if not leads.timed:
        return pd.DataFrame(columns=outputs.INCIDENCE.column_names)
    parts = [timing.incidence(leads.frame, leads.end, level=leads.level)]
    if "source" in leads.frame and leads.frame["source"].notna().any():
        found = timing.incidence(leads.frame, leads.end, by="source", level=leads.level)
        named_all = found["group"].str.lower().eq("all")  # a source of that name is not all leads
        parts.append(found.assign(group=found["group"].mask(named_all, "source " + found["group"])))
    found = pd.concat(parts, ignore_index=True)
    found["age_days"] = np.ceil(found["age"])
    last = found.drop_duplicates(["group", "cause", "age_days"], keep="last")
    last = last.sort_values(["group", "cause", "age_days"], ascending=[True, True, False], kind="stable")
    return last.reindex(columns=outputs.INCIDENCE.column_names).reset_index(drop=True)


def source_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.SOURCES``: every dimension there is."""
    parts, frame = [], leads.frame
    if leads.clock and leads.outcome:  # when is not known: whoever is old enough and said yes has converted
        frame = frame.assign(sql_at=frame["created_at"].where(leads.hit.eq(True)))
    for name in DIMENSIONS if leads.clock and leads.means else ():
        if name in frame and frame[name].notna().any():
            found = sources.compare(frame, leads.end, name, horizon_days=leads.horizon, level=leads.level)
            parts.append(found.rename(columns={name: "value"}).assign(dimension=name))
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return made.reindex(columns=outputs.SOURCES.column_names)


def strata_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.STRATA``: whether a source's gap stands among leads alike."""
    if not leads.clock:
        return pd.DataFrame(columns=outputs.STRATA.column_names)
    found = strata.source_strata(leads.frame, leads.hit, level=leads.level)
    return found.reindex(columns=outputs.STRATA.column_names)


def final_rate(leads: Leads) -> timing.FinalRate | None:
    """Where conversion ends in the long run; None where nobody says when leads converted."""
    return timing.final_rate(leads.frame, leads.end, level=leads.level) if leads.timed else None


def halves(leads: Leads) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads old enough by source, ``source``, ``n``, ``events``: half a year before, and the last half
    year."""
    sides = []
    if leads.clock and "source" in leads.frame:
        ripe = leads.frame.assign(hit=leads.hit)[leads.hit.notna()]
        end = leads.end - pd.Timedelta(days=leads.horizon)
        for back in (2, 1):
            low, high = (end - pd.Timedelta(days=HALF_YEAR * b) for b in (back, back - 1))
            part = ripe[ripe["created_at"].ge(low) & ripe["created_at"].lt(high)]
            label = labels(part["source"])
            events = part["hit"].astype(bool)
            sides.append(
                pd.DataFrame({"source": label, "hit": events})
                .groupby("source", as_index=False)
                .agg(n=("hit", "size"), events=("hit", "sum"))
            )
    empty = pd.DataFrame({"source": [], "n": [], "events": []})
    return (sides[0], sides[1]) if len(sides) == 2 else (empty, empty)


def change_rows(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Columns of ``outputs.CHANGE``, the largest part first; empty where a side has no lead."""
    if before["n"].sum() == 0 or after["n"].sum() == 0:
        return pd.DataFrame(columns=outputs.CHANGE.column_names)
    found = sources.decompose_change(before, after, "source")
    size = (found["mix"] + found["rate"]).abs()
    return found.assign(_s=size).sort_values("_s", ascending=False, ignore_index=True).drop(columns="_s")


def spend_rows(
    leads: Leads, costs: pd.DataFrame | None, deals: pd.DataFrame | None, calendar, seed: int
) -> pd.DataFrame:
    """Columns of ``outputs.SPEND``; empty without costs or amounts."""
    if (
        costs is None
        or deals is None
        or not leads.clock
        or not calendar.month_starts
        or "won_at" not in leads.frame
    ):
        return pd.DataFrame(columns=outputs.SPEND.column_names)
    amounts = deals.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["amount_base"]
    return spend.return_on_spend(
        leads.frame, costs, amounts, leads.end, calendar, level=leads.level, seed=seed
    ).reindex(columns=outputs.SPEND.column_names)
