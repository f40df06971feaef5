"""Whether quotas fit what can be sold: do they move with attainment, and is a team's out of reach.

Judged over several finished periods together, since one period of a rep is mostly luck.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.attainment.crediting.table import Attainment
from salesops_lib.attainment.setting.potential import held_accounts
from salesops_lib.core.stats import rank_correlation

DRIVERS = ("quota", "potential", "tenure")
EXPLAINED = "bookings explained by quota"
PERIODS = 4  # finished periods that are taken together
MIN_REPS = 20  # below it a rank correlation's range covers most of what it can be


def rep_records(result: Attainment, periods: list[str], last_day: pd.Timestamp) -> pd.DataFrame:
    """Each rep's record over some periods together, of the periods in which attainment is defined.

    Returns
    -------
    DataFrame
        ``holder_id``, ``name``, ``periods`` (count), ``quota_base`` (as counted), ``credited_base`` (direct
        credit), ``attainment`` (sum ÷ sum), ``full_quota_base`` (mean assigned quota of a period),
        ``tenure_days`` on ``last_day``. Pure overlay holders are left out. Money as float.
    """
    rows = result.table[(result.table["level"] == "rep") & result.table["period"].isin(periods)]
    rows = rows[rows["in_totals"].astype(bool) & (rows["status"] == "ok")]
    money = {
        c: rows[c].astype("float64") for c in ("quota_base", "credited_base", "overlay_base", "assigned_base")
    }
    rows = rows.assign(**money)
    rows["credited_base"] -= rows["overlay_base"]
    sums = rows.groupby("holder_id", as_index=False).agg(
        name=("name", "last"),
        periods=("period", "nunique"),
        quota_base=("quota_base", "sum"),
        credited_base=("credited_base", "sum"),
        full_quota_base=("assigned_base", "mean"),
        first_spell=("first_spell", "first"),
    )
    sums["attainment"] = sums["credited_base"] / sums["quota_base"]
    sums["tenure_days"] = (last_day - pd.to_datetime(sums["first_spell"])).dt.days.astype("float64")
    return sums.drop(columns="first_spell")


def with_potential(
    records: pd.DataFrame, accounts: pd.DataFrame | None, territories: pd.DataFrame | None, day: pd.Timestamp
) -> pd.DataFrame:
    """``records`` with ``potential_base`` of the accounts a rep held on a day; missing where unknown."""
    if accounts is None or territories is None or accounts["potential_base"].notna().sum() == 0:
        return records.assign(potential_base=np.nan)
    held = held_accounts(accounts, territories, day).groupby("rep_id")["potential_base"].sum()
    return records.assign(potential_base=records["holder_id"].map(held).astype("float64"))


def quality(records: pd.DataFrame, level: float = 0.9) -> pd.DataFrame:
    """Rank correlation of attainment with quota, potential and tenure, and what the quota explains.

    Where quotas are fair attainment depends on none of the three. ``bookings explained by quota`` is the
    squared rank correlation of quota and bookings: the part of the spread of bookings over reps that quotas
    foresaw.

    Returns
    -------
    DataFrame
        ``driver``, ``reps``, ``value`` with its range ``low``, ``high``; missing where fewer than four reps
        have the driver or it does not vary.
    """
    columns = {"quota": "full_quota_base", "potential": "potential_base", "tenure": "tenure_days"}
    rows = []
    for driver in DRIVERS:
        known = records[records[columns[driver]].notna()]
        found = rank_correlation(known["attainment"], known[columns[driver]], level)
        rows.append((driver, len(known), *found))
    value, low, high = rank_correlation(records["credited_base"], records["quota_base"], level)
    ends = sorted([low**2, high**2])
    rows.append((EXPLAINED, len(records), value**2, 0.0 if low < 0 < high else ends[0], ends[1]))
    return pd.DataFrame(rows, columns=["driver", "reps", "value", "low", "high"])


def team_fit(by_spell: pd.DataFrame, periods: list[str], level: float = 0.9) -> pd.DataFrame:
    """Each team's attainment over some periods against that of all other teams, with its range.

    A team far below the others for a year has quotas its territory does not yield, or a territory its quotas
    do not know. The range rests on how reps spread around their own team, pooled over all teams, so that a
    team of three can be judged too.

    Parameters
    ----------
    by_spell
        Pieces of an :class:`table.Attainment`: a mover's quota and credit stay with each team.
    periods
        Finished periods.

    Returns
    -------
    DataFrame
        ``team``, ``reps``, ``quota_base``, ``credited_base`` (float), ``attainment``, ``relative`` (÷ the
        other teams' together), ``low``, ``high``; lowest first. The range is missing where no team has two
        reps, relative where there is one team.
    """
    rows = by_spell[by_spell["period"].isin(periods) & by_spell["team"].notna() & by_spell["in_totals"]]
    rows = rows.assign(
        quota=rows["quota_base"].astype("float64"), booked=rows["credited_base"].astype("float64")
    )
    reps = rows.groupby(["team", "rep_id"], as_index=False)[["quota", "booked"]].sum(min_count=1)
    reps = reps[reps["quota"] > 0].fillna({"booked": 0.0})
    teams = reps.groupby("team").agg(
        reps=("rep_id", "nunique"), quota_base=("quota", "sum"), credited_base=("booked", "sum")
    )
    teams["attainment"] = teams["credited_base"] / teams["quota_base"]
    others = (teams["credited_base"].sum() - teams["credited_base"]) / (
        teams["quota_base"].sum() - teams["quota_base"]
    )  # one team alone: 0 ÷ 0 is missing
    teams["relative"] = teams["attainment"] / others.where(others > 0)
    width = _log_width(reps, teams, level)
    for name, sign in (("low", -1), ("high", 1)):
        teams[name] = (teams["relative"] * np.exp(sign * width)).where(width.notna())
    return teams.reset_index().sort_values(["relative", "team"], ignore_index=True)


def _log_width(reps: pd.DataFrame, teams: pd.DataFrame, level: float) -> pd.Series:
    """Half the range of each team's relative attainment in logs, from the pooled spread of reps."""
    from scipy.special import stdtrit

    share = reps["quota"] / reps["team"].map(teams["quota_base"])
    around = reps["booked"] / reps["quota"] / reps["team"].map(teams["attainment"]).where(lambda a: a > 0) - 1
    square = (share**2).groupby(reps["team"]).sum()
    freedom = int((teams["reps"] - 1).sum())
    left = float((1 - square).sum())
    if freedom < 1 or left <= 0:
        return pd.Series(np.nan, index=teams.index)
    spread = float((share * around**2).sum() / left)
    rest = (reps["quota"] ** 2).sum() - (reps["quota"] ** 2).groupby(reps["team"]).sum()
    rest = rest / (teams["quota_base"].sum() - teams["quota_base"]) ** 2
    return stdtrit(freedom, (1 + level) / 2) * np.sqrt(spread * (square + rest))
