"""A quota plan in the form of the report's output tables (``quota_outputs.py``)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal

import pandas as pd

from salesops_lib.attainment.setting import outputs
from salesops_lib.attainment.setting.basis import NO_REGION, NO_TEAM
from salesops_lib.attainment.setting.capacity import capacity_of
from salesops_lib.attainment.setting.plan import QuotaPlan
from salesops_lib.attainment.setting.simulation import Simulation
from salesops_lib.core.contracts import Table
from salesops_lib.core.money import allocate, to_cents

SHARE, TREND = "share of reps at quota", "productivity trend a year"
COVER, GROWTH = "bottom-up capacity ÷ target", "growth asked, on the last four whole quarters"
_CENT = Decimal("0.01")
_KEY = ["holder_id", "level", "period", "measure"]


def empty(table: Table) -> pd.DataFrame:
    """A table without rows: what is handed over where nothing could be computed."""
    return pd.DataFrame({c.name: pd.Series(dtype="object") for c in table.columns})


def proposal_rows(quotas: QuotaPlan, drawn: Simulation | None) -> pd.DataFrame:
    """One row per rep, by region, team and largest quota, columns of ``outputs.QUOTA_PROPOSAL``."""
    if not quotas.ready or drawn is None:
        return empty(outputs.QUOTA_PROPOSAL)
    rows = quotas.proposed.reps.merge(drawn.reps, left_on="rep_id", right_index=True, how="left")
    rows = rows.assign(year=quotas.plan.name, hired=pd.to_datetime(rows["hired"]).dt.normalize())
    money = [c.name for c in outputs.QUOTA_PROPOSAL.columns if c.kind == "money" and c.name != "quota_base"]
    rows[money] = rows[money].astype("float64").round(2)
    rows = rows.assign(size=rows["quota_base"].astype("float64"))
    rows = rows.sort_values(["region", "team", "size", "rep_id"], ascending=[True, True, False, True])
    return rows.reindex(columns=outputs.QUOTA_PROPOSAL.column_names).reset_index(drop=True)


def level_rows(quotas: QuotaPlan, drawn: Simulation | None) -> pd.DataFrame:
    """Company, regions and teams with target, quotas and chance, columns of ``outputs.QUOTA_LEVELS``."""
    if drawn is None:
        return empty(outputs.QUOTA_LEVELS)
    return drawn.levels.reindex(columns=outputs.QUOTA_LEVELS.column_names)


def quarter_rows(quotas: QuotaPlan) -> pd.DataFrame:
    """The plan's quarters, columns of ``outputs.PLAN_QUARTERS``."""
    return quotas.plan.quarters if quotas.plan is not None else empty(outputs.PLAN_QUARTERS)


def bridge_rows(quotas: QuotaPlan) -> pd.DataFrame:
    """The capacity bridge, columns of ``outputs.CAPACITY_BRIDGE``."""
    if not quotas.ready:
        return empty(outputs.CAPACITY_BRIDGE)
    return quotas.bridge.reindex(columns=outputs.CAPACITY_BRIDGE.column_names)


def simulation_rows(quotas: QuotaPlan, drawn: Simulation | None) -> pd.DataFrame:
    """Share at quota by simulation, and the estimates it was drawn from."""
    if not quotas.ready or drawn is None:
        return empty(outputs.QUOTA_SIMULATION)
    made, left = quotas.made, quotas.left
    company = drawn.levels.iloc[0]
    fit = f"{made.quarters} quarters"
    known = f"{left.left} left, {left.seats:.0f} seats" if left.known else "no role spells: taken as none"
    trend = (made.trend - 1.2816 * made.trend_sd, made.trend, made.trend + 1.2816 * made.trend_sd)
    rows = [
        (SHARE, *drawn.share_range(), drawn.draws, "simulation"),
        (
            "company bookings ÷ target", company["attainment_low"], company["attainment_mid"],
            company["attainment_high"], drawn.draws, "simulation",
        ),
        ("spread between reps", None, made.between_sd, None, None, f"random effects, moments, {fit}"),
        ("noise of a rep's quarter", None, made.noise_sd, None, None, f"random effects, moments, {fit}"),
        ("shock of a quarter, shared", None, made.shock_sd, None, None, f"regression, shrunk, {fit}"),
        (TREND, *trend, None, f"regression, shrunk, {fit}"),
        ("leavers a year", None, left.rate, None, None, known),
        (COVER, None, capacity_of(quotas.bridge) / float(quotas.plan.target), None, None, "capacity_bridge"),
        (GROWTH, None, None if quotas.plan.stated else quotas.plan.growth, None, None, "parameter growth"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=outputs.QUOTA_SIMULATION.column_names)
    return frame.astype({"low": "float64", "mid": "float64", "high": "float64", "draws": "Int64"})


def load_rows(quotas: QuotaPlan, *, company: str, currency: str, measure: str) -> pd.DataFrame:
    """The proposal in the columns of the input table ``quotas``: company, regions, teams, reps × quarter.

    ``quota_base`` of a rep stands before ramp: read back, quota × ramp share gives the proposed cents. Above
    the rep the target stands, not the sum of quotas. ``company``: the name the company quota goes by.
    """
    if not quotas.ready:
        return empty(outputs.QUOTA_LOAD)
    rows = pd.concat([_above(quotas, company), _reps(quotas, company)], ignore_index=True)
    day = datetime.combine(quotas.basis.as_of, time(23, 59, 59), tzinfo=UTC)
    rows = rows.assign(measure=measure, recorded_at=pd.Timestamp(day), currency=currency)
    return rows.reindex(columns=outputs.QUOTA_LOAD.column_names)


def company_holder(quotas: pd.DataFrame, name: str) -> str:
    """What the company quota goes by in the input table, else the company's name."""
    known = quotas.loc[quotas["level"] == "company", "holder_id"].dropna().unique()
    return str(known[0]) if len(known) == 1 else name


def _above(quotas: QuotaPlan, company: str) -> pd.DataFrame:
    plan, rows = quotas.plan, []
    season = list(plan.quarters["season_share"])
    for row in quotas.proposed.levels.to_dict("records"):
        if row["holder_id"] in {NO_TEAM, NO_REGION} and row["level"] != "company":
            continue
        whole = row["level"] == "company"
        parts = list(plan.quarters["target_base"]) if whole else allocate(row["target_base"], season)
        parent = row["parent_id"] if row["level"] == "team" and row["parent_id"] != NO_REGION else company
        holder = company if whole else row["holder_id"]
        rows += [
            (holder, row["level"], period, None if whole else parent, part, 1.0)
            for period, part in zip(plan.quarters["period"], parts, strict=True)
        ]
    made = pd.DataFrame(
        rows, columns=["holder_id", "level", "period", "parent_id", "quota_base", "ramp_share"]
    )
    return _merged(made)


def _merged(rows: pd.DataFrame) -> pd.DataFrame:
    """A team that stands in two regions has one quota; its parent is then left out."""
    twice = rows.duplicated(["holder_id", "level", "period"], keep=False)
    if not twice.any():
        return rows
    sums = (
        rows[twice]
        .groupby(["holder_id", "level", "period"], as_index=False)
        .agg(quota_base=("quota_base", "sum"))
    )
    return pd.concat([rows[~twice], sums.assign(parent_id=None, ramp_share=1.0)], ignore_index=True)


def _reps(quotas: QuotaPlan, company: str) -> pd.DataFrame:
    reps = quotas.proposed.reps.set_index("rep_id")
    season = quotas.plan.quarters.set_index("period")["season_share"]
    rows = quotas.proposed.quarters.rename(columns={"rep_id": "holder_id"})
    cents = to_cents(rows["quota_base"])
    full = [
        (Decimal(int(part)) / 100 / Decimal(str(ramp))).quantize(_CENT)
        if ramp > 0
        else Decimal(str(round(float(reps["full_quota_base"].fillna(0)[rep]) * season[period], 2)))
        for part, ramp, rep, period in zip(
            cents, rows["ramp_share"], rows["holder_id"], rows["period"], strict=True
        )
    ]
    team, region = rows["holder_id"].map(reps["team"]), rows["holder_id"].map(reps["region"])
    parent = team.where(team != NO_TEAM, region.where(region != NO_REGION, company))
    columns = ["holder_id", "level", "period", "parent_id", "quota_base", "ramp_share"]
    return rows.assign(level="rep", parent_id=parent, quota_base=full)[columns]
