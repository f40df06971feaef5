"""Rows above the rep: sums of the pieces below, against a quota of their own or the sum of those below."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.errors import TableError


def above_rows(level: str, by_spell: pd.DataFrame, quotas: pd.DataFrame) -> pd.DataFrame:
    """Teams or regions per period: Σ direct credit of the pieces in them; overlay left out.

    ``quota_cents`` is the holder's own quota where it has one, else the sum of the members' prorated
    quotas; ``quota_source`` says which (own, sum_of_members). ``members_cents`` is that sum in any case.
    """
    key = [level, "period"]
    inside = by_spell[by_spell[level].notna()]
    counted = inside.assign(members_cents=inside["quota_cents"].where(inside["in_totals"]))
    sums = _sums(counted, key)
    if level == "team":
        sums = sums.merge(_only_region(inside), on=key, how="left")
    own = quotas[quotas["level"] == level].rename(columns={"holder_id": level})
    rows = sums.merge(own[[*key, "assigned_cents", "ramp_share"]], on=key, how="outer")
    rows["credited_cents"] = rows["credited_cents"].fillna(0).astype("Int64")
    rows["members_cents"] = rows["members_cents"].astype("Int64")
    return _sourced(rows).assign(
        level=level,
        holder_id=rows[level],
        name=rows[level],
        team=rows["team"] if level == "team" else None,
        region=rows[level] if level == "region" else rows["region"],
    )


def company_rows(
    by_spell: pd.DataFrame, lines: pd.DataFrame, quotas: pd.DataFrame, above: pd.DataFrame
) -> pd.DataFrame:
    """The company per period: Σ credit that reps hold; what none holds stands beside it, unassigned.

    Its quota: its own; else the sum of its teams' where each of them has one of its own; else the sum of
    all reps' prorated quotas. Raises TableError where two company quotas stand in one period.
    """
    own = quotas[quotas["level"] == "company"]
    twice = own[own.duplicated("period")]
    if len(twice):
        first = twice.iloc[0]
        raise TableError(
            f"table 'quotas', row company, {first['holder_id']}, {first['period']}: a second company quota "
            f"of this period; keep one"
        )
    counted = by_spell.assign(members_cents=by_spell["quota_cents"].where(by_spell["in_totals"]))
    sums = _sums(counted, ["period"])
    loose = lines[lines["rep_id"].isna()].groupby("period", as_index=False)["cents"].sum()
    loose = loose.rename(columns={"cents": "unassigned_cents"})
    rows = sums.merge(loose, on="period", how="outer").merge(
        own[["period", "holder_id", "assigned_cents", "ramp_share"]], on="period", how="outer"
    )
    for column in ("credited_cents", "unassigned_cents"):
        rows[column] = rows[column].fillna(0).astype("Int64")
    rows["members_cents"] = rows["members_cents"].astype("Int64")
    rows = _sourced(rows)
    teams = rows["period"].map(_team_sums(above)).astype("Int64")
    use = teams.notna() & (rows["quota_source"] != "own")
    rows.loc[use, "quota_cents"] = teams[use]
    rows.loc[use, "quota_source"] = "sum_of_teams"
    holder = rows["holder_id"].fillna("company")
    return rows.assign(level="company", holder_id=holder, name=rows["holder_id"].fillna("The company"))


def _team_sums(above: pd.DataFrame) -> dict[str, int]:
    """Σ of team quotas in periods where every team has one of its own."""
    teams = above[above["level"] == "team"]
    own = (teams["quota_source"] == "own").groupby(teams["period"]).transform("all")
    whole = teams[own]
    return {} if whole.empty else whole.groupby("period")["quota_cents"].sum().to_dict()


def _sourced(rows: pd.DataFrame) -> pd.DataFrame:
    has_own = rows["assigned_cents"].notna()
    cents = rows["assigned_cents"].where(has_own, rows["members_cents"]).astype("Int64")
    source = has_own.map({True: "own", False: "sum_of_members"})
    return rows.assign(quota_cents=cents, quota_source=source, in_totals=True)


def _sums(counted: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Credit, and members' quotas where any is known."""
    groups = counted.groupby(key)
    sums = groups["credited_cents"].sum().to_frame()
    return sums.assign(members_cents=groups["members_cents"].sum(min_count=1)).reset_index()


def _only_region(inside: pd.DataFrame) -> pd.DataFrame:
    """The region of a team in a period; missing where its pieces name several, or none."""
    regions = inside.dropna(subset=["region"]).groupby(["team", "period"])["region"]
    several = regions.min() != regions.max()
    return regions.first().mask(several, None).reset_index()
