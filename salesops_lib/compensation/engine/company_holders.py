"""A company's tables as the engine's holders: who is on which plan, under whom, with which quota and pay."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.core.periods import FiscalCalendar, Period

NO_PLAN = "no-plan"
"""Stands in ``plan_id`` where nobody put the rep on a plan: the role alone must not pay."""
_FAR = pd.Timestamp("2099-01-01")


def company_holders(
    tables: dict[str, pd.DataFrame],
    plans: Iterable[Plan],
    calendar: FiscalCalendar,
    overlay_share: float = 1.0,
) -> pd.DataFrame:
    """Holders, one row per rep and days on which nothing changes.

    Parameters
    ----------
    tables
        ``reps``, ``plan_assignments`` and ``quotas`` (see :func:`by_quarter`) as DATA.md has them.
    plans
        Those in use. Where a plan ramps a quota itself the figure is the full one, else ramped. Who has no
        quota and no reports gets that of the region for a measure that rolls up (an engineer's overlay).
    calendar
        Its quarters are where quotas change.
    overlay_share
        What of the region's quota an overlay without one of its own is given.

    Returns
    -------
    DataFrame
        Columns of ``holders.COLUMNS``; ``quota`` and ``quota_<measure>`` are of a fiscal quarter. Numbers are
        text, an end that is open is None.
    """
    quotas = by_quarter(tables["quotas"])
    named = {_quarter(Period.parse(name)) for name in tables["quotas"]["period"].unique()} - {""}
    spells = _spells(tables["reps"], tables["plan_assignments"], named, calendar)
    spells["period"] = calendar.assign(spells["start_date"], "quarter")
    versions = {p.id: p for p in sorted(plans, key=lambda p: p.version)}
    figures = _figures(quotas)
    spells["quota"] = _own(spells, figures, versions)
    for measure in sorted({m for p in versions.values() for m in _rolled(p)}):
        spells[f"quota_{measure}"] = _regional(spells, figures, versions, (measure, overlay_share))
    spells["end_date"] = spells["end_date"].where(spells["end_date"] < _FAR)
    for name in ("start_date", "end_date", "hire_date"):
        spells[name] = spells[name].dt.date
    made = spells.drop(columns=["period", "region"]).astype("object")
    return made.where(made.notna(), None)


def by_quarter(quotas: pd.DataFrame) -> pd.DataFrame:
    """Quotas of quarters: as entered, else the sum of the quarter's three months where all are known.

    One row per holder, level, measure and quarter. ``ramp_share`` of a sum is that of its money. A quarter
    with a month missing has none, and a year's quota is not divided: who pays by a guess pays wrong.
    """
    named = {name: Period.parse(name) for name in quotas["period"].unique()}
    kinds = quotas["period"].map({name: period.kind for name, period in named.items()})
    whole, months = quotas[kinds == "quarter"], quotas[kinds == "month"]
    if months.empty:
        return whole
    of = {name: _quarter(period) for name, period in named.items()}
    months = months.assign(
        period=months["period"].map(of), ramped=months["quota_base"] * months["ramp_share"].fillna(1.0)
    )
    keys = ["holder_id", "level", "measure", "period"]
    groups = months.groupby(keys, as_index=False, sort=False)
    sums = groups.first().drop(columns=["quota_base", "ramp_share", "ramped"])
    sums = sums.merge(groups[["quota_base", "ramped"]].sum(min_count=3), on=keys)
    sums["ramp_share"] = sums["ramped"].div(sums["quota_base"].where(sums["quota_base"] > 0))
    sums = sums[sums["quota_base"].notna()]
    entered = pd.MultiIndex.from_frame(whole.loc[whole["quota_base"].notna(), keys])
    sums = sums[~pd.MultiIndex.from_frame(sums[keys]).isin(entered)]
    replaced = pd.MultiIndex.from_frame(whole[keys]).isin(pd.MultiIndex.from_frame(sums[keys]))
    return pd.concat([whole[~replaced], sums[quotas.columns]], ignore_index=True)


def _quarter(period: Period) -> str:
    """The quarter a period is or lies in; empty for a year."""
    number = {"quarter": period.number, "month": (period.number + 2) // 3}.get(period.kind)
    return str(Period(period.year, "quarter", number)) if number else ""


def _spells(
    reps: pd.DataFrame, assigned: pd.DataFrame, named: set[str], calendar: FiscalCalendar
) -> pd.DataFrame:
    """Role spells cut at every change of plan and at both ends of the ``named`` quarters."""
    quarters = {pd.Timestamp(day) for name in named for day in calendar.bounds(name)}
    pay_of = {rep_id: part.to_dict("records") for rep_id, part in assigned.groupby("rep_id")}
    rows = []
    for role in reps.sort_values(["rep_id", "start_date"]).to_dict("records"):
        pay = [(p["start_date"], _end(p["end_date"]), p) for p in pay_of.get(role["rep_id"], [])]
        start, end = role["start_date"], _end(role["end_date"])
        edges = quarters | {day for low, high, _ in pay for day in (low, high)}
        cuts = sorted({start, end, *(day for day in edges if start < day < end)})
        for low, high in pairwise(cuts):
            held = [p for first, last, p in pay if first <= low < last]
            rows.append(_row(role, low, high, held[-1] if held else None))
    return pd.DataFrame(rows)


def _row(role: dict, low: pd.Timestamp, high: pd.Timestamp, pay: dict | None) -> dict:
    return {
        "rep_id": role["rep_id"],
        "start_date": low,
        "end_date": high,
        "role": role["role"],
        "plan_id": NO_PLAN if pay is None else pay["plan_id"],
        "manager_id": role["manager_id"],
        "hire_date": pd.NaT if pd.isna(role["hire_date"]) else role["hire_date"],
        "target_cash": None if pay is None or pd.isna(pay["target_cash"]) else f"{pay['target_cash']:.2f}",
        "base_salary": None if pay is None or pd.isna(pay["base_salary"]) else f"{pay['base_salary']:.2f}",
        "region": role["region"],
    }


def _figures(quotas: pd.DataFrame) -> pd.DataFrame:
    """Quotas of holders and quarters, of the one measure most of them have."""
    known = quotas[quotas["quota_base"].notna()]
    if known.empty:
        return known.assign(ramped=np.nan)
    measure = known["measure"].mode().iloc[0]
    known = known[known["measure"] == measure]
    return known.assign(ramped=known["quota_base"] * known["ramp_share"].fillna(1.0))


def _own(spells: pd.DataFrame, figures: pd.DataFrame, versions: dict[str, Plan]) -> list[str | None]:
    own = figures[figures["level"] == "rep"].set_index(["holder_id", "period"])
    made = []
    for rep_id, period, plan_id in zip(spells["rep_id"], spells["period"], spells["plan_id"], strict=True):
        plan = versions.get(plan_id)
        ramps = plan is not None and any(m.quota and m.quota.ramp for m in plan.measures.values())
        made.append(_figure(own, (rep_id, period), "quota_base" if ramps else "ramped"))
    return made


def _regional(
    spells: pd.DataFrame, figures: pd.DataFrame, versions: dict[str, Plan], of: tuple[str, float]
) -> list[str | None]:
    measure, share = of
    region = figures[figures["level"] == "region"].set_index(["holder_id", "period"])
    bosses = set(spells["manager_id"].dropna())
    made = []
    for row in spells.to_dict("records"):
        plan = versions.get(row["plan_id"])
        wanted = plan is not None and measure in _rolled(plan)
        alone = row["quota"] is None and row["rep_id"] not in bosses
        made.append(
            _figure(region, (row["region"], row["period"]), "quota_base", share) if wanted and alone else None
        )
    return made


def _rolled(plan: Plan) -> list[str]:
    return [name for name, m in plan.measures.items() if m.quota and m.quota.source == "rollup"]


def _figure(table: pd.DataFrame, key: tuple, column: str, share: float = 1.0) -> str | None:
    value = table[column].get(key)
    return None if value is None or not value > 0 else f"{value * share:.2f}"


def _end(day: pd.Timestamp) -> pd.Timestamp:
    return _FAR if pd.isna(day) else day
