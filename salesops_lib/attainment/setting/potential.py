"""What each rep could sell in a year at full strength: by territory potential, own history, open pipeline.

The three are brought to one scale (money of a year, same total over the reps who have them) and averaged by
weight. Where a rep has no value for one, its weight goes to the others in proportion, and the row says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.attainment.setting.basis import YEAR_QUARTERS, Basis
from salesops_lib.attainment.setting.productivity import Productivity
from salesops_lib.core.errors import ParameterError

PARTS = ("potential", "history", "pipeline")
_FEW = 3  # reps with a value below which a group has no scale of its own


def expected(basis: Basis, made: Productivity, weights: dict[str, float]) -> pd.DataFrame:
    """Expected year at full strength per seat, and what it is made of.

    Parameters
    ----------
    basis, made
        Facts and productivity as known on one day.
    weights
        ``potential``, ``history``, ``pipeline``: 0 or more, not all 0; only their proportion counts.

    Returns
    -------
    DataFrame
        Every seat, with ``held_base`` and ``open_base`` (potential of the accounts held; open pipeline, as
        found), ``potential_base``, ``history_base``, ``pipeline_base`` (on the scale of a year's bookings;
        missing where not known), ``potential_weight``, ``history_weight``, ``pipeline_weight`` (as used, sum
        1), ``expected_base``.

    Raises
    ------
    ParameterError
        If a weight is negative or all are 0.
    """
    asked = np.array([float(weights[p]) for p in PARTS])
    if (asked < 0).any() or asked.sum() <= 0:
        raise ParameterError(
            f"the weights of potential, history and pipeline are {asked.tolist()}; "
            f"give 0 or more, one above 0"
        )
    reps = made.reps.reindex(basis.seats["rep_id"])
    seats = basis.seats.reset_index(drop=True)
    history = (YEAR_QUARTERS * reps["level"] * reps["factor"]).reset_index(drop=True)
    seats["held_base"], yielded = _held(basis, seats["rep_id"])
    seats["open_base"] = _open(basis, seats["rep_id"])
    seats["history_base"] = history
    seats["potential_base"] = _to_scale(yielded, history, seats["group"])
    seats["pipeline_base"] = _to_scale(seats["open_base"], history, seats["group"])
    values = seats[[f"{p}_base" for p in PARTS]].to_numpy("float64")
    known = np.isfinite(values)
    used = known * asked
    alone = used.sum(axis=1) == 0  # nothing weighed is known: the shrunk history stands in
    used[alone] = [0.0, 1.0, 0.0]
    used = used / used.sum(axis=1, keepdims=True)
    seats[[f"{p}_weight" for p in PARTS]] = used
    seats["expected_base"] = (used * np.where(known, values, 0.0)).sum(axis=1)
    return seats


def missing_parts(made: pd.DataFrame, weights: dict[str, float]) -> dict[str, int]:
    """Of each weighed part, for how many seats it is missing. ``made``: :func:`expected`."""
    return {p: int(made[f"{p}_base"].isna().sum()) for p in PARTS if weights[p] > 0}


def _to_scale(values: pd.Series, history: pd.Series, group: pd.Series) -> pd.Series:
    """The same proportions, with the total that history gives those of the group who have a value.

    By group, because a long cycle shows more pipeline, and a large account more potential, for the same year.
    Groups with under three values go together.
    """
    known = values.notna() & (values >= 0)
    size = known.groupby(group).transform("sum")
    cell = group.where(size >= _FEW, "")
    mass = values.where(known).groupby(cell).transform("sum")
    usual = history.where(known).groupby(cell).transform("sum")
    return (values * usual / mass.where(mass > 0)).where(known)


def _held(basis: Basis, reps: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Potential of the accounts each rep holds on the day, as it stands and as bookings it has yielded."""
    nothing = pd.Series(np.nan, index=reps.index)
    accounts, held = basis.facts.accounts, basis.facts.territories
    if accounts is None or held is None or accounts["potential_base"].notna().sum() == 0:
        return nothing, nothing
    now = held_accounts(accounts, held, pd.Timestamp(basis.as_of))
    now["yielded"] = now["potential_base"] * now["segment"].map(_yield(basis, now)).fillna(1.0)
    sums = now.groupby("rep_id")[["potential_base", "yielded"]].sum()
    return tuple(reps.map(sums[c]).astype("float64") for c in ("potential_base", "yielded"))


def held_accounts(accounts: pd.DataFrame, territories: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Accounts of known potential that a rep held on a day.

    Returns ``account_id``, ``rep_id``, ``segment`` (empty where unknown), ``potential_base``.
    """
    ends = territories["end_date"]
    now = territories[(territories["start_date"] <= day) & (ends.isna() | (ends > day))]
    now = now.merge(accounts.reindex(columns=["account_id", "segment", "potential_base"]), on="account_id")
    now = now.dropna(subset=["potential_base", "rep_id"])
    return now.assign(segment=now["segment"].fillna(""))


def _yield(basis: Basis, now: pd.DataFrame) -> pd.Series:
    """Bookings of the last year per unit of potential held, by segment of account."""
    deals = basis.facts.records.opportunities
    if "account_id" not in deals or not basis.base:
        return pd.Series(dtype="float64")
    lines = basis.result.lines
    sold = lines[lines["period"].isin(basis.base) & ~lines["overlay"]]
    account = sold["opportunity_id"].map(deals.set_index("opportunity_id")["account_id"])
    segment = account.map(basis.facts.accounts.set_index("account_id")["segment"]).fillna("")
    money = sold["cents"].astype("float64").groupby(segment.to_numpy()).sum() / 100
    mass = now.groupby("segment")["potential_base"].sum()
    rate = money / mass.where(mass > 0)
    overall = money.sum() / mass.sum() if mass.sum() > 0 else np.nan
    return rate.reindex(mass.index).fillna(overall)


def _open(basis: Basis, reps: pd.Series) -> pd.Series:
    """Value of each rep's open deals; missing for all where no open deal has a value, 0 for who has none."""
    deals = basis.facts.records.opportunities
    if "is_closed" not in deals:
        return pd.Series(np.nan, index=reps.index)
    running = deals[~deals["is_closed"].fillna(False).astype(bool) & deals["amount_base"].notna()]
    if running["amount_base"].sum() <= 0:
        return pd.Series(np.nan, index=reps.index)
    return reps.map(running.groupby("owner_id")["amount_base"].sum()).fillna(0.0).astype("float64")
