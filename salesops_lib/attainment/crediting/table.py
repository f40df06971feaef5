"""Attainment: credited bookings over quota, per rep, team, region and company, exact to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops_lib.attainment.crediting import holders, quota
from salesops_lib.attainment.crediting.credit import credited
from salesops_lib.attainment.crediting.events import EVENTS, credit_source, event_credit
from salesops_lib.attainment.crediting.records import Records, exceptions, gathered, stacked
from salesops_lib.attainment.crediting.rollup import above_rows, company_rows
from salesops_lib.core.money import from_cents
from salesops_lib.core.periods import FiscalCalendar, Kind

COMPANY = "company"


@dataclass(frozen=True)
class Attainment:
    """Attainment of every period up to a day.

    ``table``: one row per level, holder and period (columns of ``outputs.ATTAINMENT``, money as Decimal).
    ``by_spell``: the pieces it is the sum of: rep × period × team. ``lines``: credited lines, in cents,
    placed. ``exceptions``: rows that could not be used, with their money. ``booked``: the deals behind the
    lines, at the plan's rate and at the day's.
    """

    table: pd.DataFrame
    by_spell: pd.DataFrame
    lines: pd.DataFrame
    exceptions: pd.DataFrame
    booked: pd.DataFrame
    measure: str
    kind: Kind
    as_of: date


def attainment(
    records: Records, calendar: FiscalCalendar, as_of: date, *, measure: str = "", kind: Kind = "quarter"
) -> Attainment:
    """Credited ÷ quota at every holder, as known on ``as_of``, for all periods begun by then.

    A rep's quota counts ramped and by days held; a mover's quota and credit stay with each team by date.
    A rep's own figure includes overlay credit; totals never do, nor the quotas of pure overlay holders.
    Attainment is missing where the quota is missing or not positive. Every figure above rep is a sum over
    the pieces in ``by_spell``.

    Raises
    ------
    TableError
        If a quota is negative or stands twice, a share or a ramp share is out of range, or nothing says what
        counts towards the measure.

    Source: playbooks/reference/metrics.md#attainment-attainment.
    """
    measure = quota.choose_measure(records.quotas, measure)
    quotas = quota.latest_quotas(records.quotas, measure, kind)
    spelled = holders.spells(records.reps)
    if credit_source(records, measure) == EVENTS:
        found = event_credit(records, measure, calendar, as_of, kind)
    else:
        found = credited(records, calendar, as_of, kind)
    periods = _begun(quotas, found.lines, calendar, as_of, kind)
    quotas = quotas[quotas["period"].isin(periods)].reset_index(drop=True)
    held = quota.days_held(spelled, calendar, periods)
    reps = quota.rep_quotas(quotas, held, spelled)
    goals = quota.goal_teams(quotas)
    lines = _by_goal(holders.placed(found.lines, spelled), goals)
    pieces = _by_goal(quota.quota_pieces(reps, held), goals)
    overlays = overlay_holders(lines, spelled)
    by_spell = _by_spell(lines, pieces, overlays)
    rep_rows = _rep_rows(by_spell, lines, reps, held, spelled)
    rows = [rep_rows, above_rows("team", by_spell, quotas), above_rows("region", by_spell, quotas)]
    company = company_rows(by_spell, lines, quotas, stacked(rows[1:]))
    table = _finish(stacked([*rows, company]), measure, calendar, as_of)
    faults = [
        found.exceptions,
        *holders.spell_faults(records.reps, lines),
        *holders.cycle_faults(records.reps, lines),
        *quota.quota_faults(reps),
        _no_quota(table),
        _no_rep(lines),
    ]
    return Attainment(table, _money(by_spell), lines, gathered(faults), found.deals, measure, kind, as_of)


def overlay_holders(lines: pd.DataFrame, spelled: pd.DataFrame) -> set[str]:
    """Reps whose role says overlay, or who have been credited with overlay and nothing else."""
    only = lines[lines["rep_id"].notna()].groupby("rep_id")["overlay"].all()
    role = spelled["role"].astype("object").fillna("").astype(str).str.contains("overlay", case=False)
    return set(only.index[only]) | set(spelled.loc[role, "rep_id"])


def _begun(quotas, lines, calendar: FiscalCalendar, as_of: date, kind: Kind) -> list[str]:
    """Names of the periods begun by ``as_of`` that hold a quota or a line, in order."""
    named = set(quotas["period"]) | set(lines["period"])
    return [
        str(p)
        for p in calendar.periods(kind)
        if str(p) in named and calendar.bounds(p)[0] <= as_of
    ]  # fmt: skip


def _by_goal(rows: pd.DataFrame, goals: pd.DataFrame) -> pd.DataFrame:
    """Fill the team from the quota's parent where no spell says it; a disputed or absent day stays out."""
    if goals.empty or rows.empty:
        return rows
    merged = rows.merge(goals, on=["rep_id", "period"], how="left")
    free = merged["team"].isna() & merged["goal_team"].notna()
    if "placed" in merged:
        free &= merged["placed"].isin(["unknown", "spell"])
        merged.loc[free, "placed"] = "quota"
    merged.loc[free, "team"] = merged.loc[free, "goal_team"]
    blank = free & merged["region"].isna()
    merged.loc[blank, "region"] = merged.loc[blank, "goal_region"]
    return merged.drop(columns=["goal_team", "goal_region"])


def _by_spell(lines: pd.DataFrame, pieces: pd.DataFrame, overlays: set[str]) -> pd.DataFrame:
    """Rep × period × team × region: direct credit, overlay credit, quota piece, in cents."""
    key = ["rep_id", "period", "team", "region"]
    held = lines[lines["rep_id"].notna()]
    sums = held.assign(
        credited_cents=held["cents"].where(~held["overlay"], 0),
        overlay_cents=held["cents"].where(held["overlay"], 0),
    )
    sums = sums.groupby(key, dropna=False, as_index=False)[["credited_cents", "overlay_cents"]].sum()
    filled = [
        f.assign(**{k: f[k].astype("object").where(f[k].notna(), "") for k in key}) for f in (sums, pieces)
    ]
    both = filled[0].merge(filled[1], on=key, how="outer").sort_values(key).reset_index(drop=True)
    for column in ("team", "region"):
        both[column] = both[column].where(both[column] != "", None)
    for column in ("credited_cents", "overlay_cents"):
        both[column] = both[column].fillna(0).astype("Int64")
    both["quota_cents"] = both["quota_cents"].astype("Int64")
    return both.assign(in_totals=~both["rep_id"].isin(overlays))


def _rep_rows(by_spell, lines, reps, held, spelled) -> pd.DataFrame:
    """One row per rep and period, with where the rep stood last."""
    key = ["rep_id", "period"]
    sums = by_spell.groupby(key, as_index=False)[["credited_cents", "overlay_cents"]].sum()
    rows = sums.merge(reps.drop(columns="parent_id"), on=key, how="outer")
    for column in ("credited_cents", "overlay_cents"):
        rows[column] = rows[column].fillna(0).astype("Int64")
    rows["credited_cents"] = rows["credited_cents"] + rows["overlay_cents"]
    last = held.sort_values("last_day", kind="stable").drop_duplicates(key, keep="last")
    stood = by_spell.dropna(subset=["team"]).drop_duplicates(key, keep="last")[[*key, "team", "region"]]
    rows = rows.merge(last[[*key, "team", "region", "role"]], on=key, how="left")
    rows = rows.merge(stood, on=key, how="left", suffixes=("", "_stood"))
    for column in ("team", "region"):
        rows[column] = rows[column].where(rows[column].notna(), rows[f"{column}_stood"])
    names = spelled.dropna(subset=["name"]).drop_duplicates("rep_id", keep="last").set_index("rep_id")["name"]
    hired = spelled.groupby("rep_id")["start_date"].min()
    overlays = by_spell.loc[~by_spell["in_totals"], "rep_id"]
    return rows.assign(
        level="rep",
        holder_id=rows["rep_id"],
        name=rows["rep_id"].map(names).fillna(rows["rep_id"]),
        first_spell=rows["rep_id"].map(hired),
        in_totals=~rows["rep_id"].isin(overlays),
        quota_source="own",
    ).drop(columns=["team_stood", "region_stood", "rep_id"])


def _finish(rows: pd.DataFrame, measure: str, calendar: FiscalCalendar, as_of: date) -> pd.DataFrame:
    """Status, ratio, Decimal money, and the order people read in."""
    ends = {p: calendar.bounds(p)[1] for p in rows["period"].unique()}
    quota_cents = rows["quota_cents"].astype("Int64")
    rows = rows.assign(
        measure=measure,
        finished=rows["period"].map(lambda p: ends[p] <= as_of + pd.Timedelta(days=1).to_pytimedelta()),
        status="ok",
        attainment=(rows["credited_cents"].astype("Float64") / quota_cents.where(quota_cents > 0)),
    )
    rows.loc[(quota_cents <= 0).fillna(False), "status"] = "quota_zero"
    rows.loc[((quota_cents == 0) & (rows["days_held_share"] == 0)).fillna(False), "status"] = "not_held"
    rows.loc[quota_cents.isna(), "status"] = "quota_missing"
    rows.loc[quota_cents.isna(), "quota_source"] = "missing"
    rows["attainment"] = rows["attainment"].astype("float64")
    rows["rank"] = rows["level"].map(
        {level: i for i, level in enumerate(("company", "region", "team", "rep"))}
    )
    rows = rows.sort_values(["period", "rank", "holder_id"]).reset_index(drop=True)
    return _money(rows.drop(columns="rank"))


def _money(rows: pd.DataFrame) -> pd.DataFrame:
    """``…_cents`` columns as ``…_base`` in Decimal."""
    columns = [c for c in rows.columns if c.endswith("_cents")]
    decimals = {c.removesuffix("_cents") + "_base": from_cents(rows[c].astype("Int64")) for c in columns}
    return rows.drop(columns=columns).assign(**decimals)


def _no_quota(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[(table["level"] == "rep") & table["status"].isin(["quota_missing", "not_held"])]
    own = rows["credited_base"] - rows["overlay_base"]
    rows = rows.assign(money_cents=[int(v.scaleb(2)) for v in own])
    view = rows[rows["in_totals"] & (rows["money_cents"] != 0)]
    reason = "credited without a quota in the period; set a quota or credit its holder"
    return exceptions("no_quota", "quotas", view, key="holder_id", reason=reason)


def _no_rep(lines: pd.DataFrame) -> pd.DataFrame:
    rows = lines[lines["rep_id"].isna() & (lines["credit_type"] == "owner")]
    sums = rows.groupby("period", as_index=False).agg(money_cents=("cents", "sum"), deals=("cents", "size"))
    reason = sums["deals"].astype(str) + " won deals have no owner; name one or keep them out of rep figures"
    return exceptions("no_rep", "opportunities", sums, key="period", reason=reason)
