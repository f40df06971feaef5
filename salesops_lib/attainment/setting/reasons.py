"""Why a quota is what it is, in words: which weight moved it, ramp, cap, last year."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.setting.basis import Basis, direct_lines
from salesops_lib.attainment.setting.potential import PARTS
from salesops_lib.attainment.setting.proposal import FEW
from salesops_lib.attainment.setting.target import Plan
from salesops_lib.core.charts import percent, short_money

_WORDS = {"potential": "territory potential", "history": "own bookings", "pipeline": "open pipeline"}
_NONE = {
    "potential": "no account with a potential is held",
    "history": "no booking is known",
    "pipeline": "no open deal has a value",
}


def last_year(basis: Basis) -> pd.DataFrame:
    """Per rep over the base quarters: ``last_quota_base`` (as it counted), ``last_booked_base`` (direct).

    Index ``rep_id``; missing where no quota, or no booking, stands.
    """
    rows = basis.result.table
    rows = rows[(rows["level"] == "rep") & rows["period"].isin(basis.base) & rows["quota_base"].notna()]
    quota = rows["quota_base"].astype("float64").groupby(rows["holder_id"]).sum()
    lines = direct_lines(basis.result, basis.base)
    sold = lines["cents"].astype("float64").groupby(lines["rep_id"]).sum() / 100
    return pd.DataFrame({"last_quota_base": quota, "last_booked_base": sold}).rename_axis("rep_id")


def with_reasons(reps: pd.DataFrame, basis: Basis, plan: Plan, weights: dict[str, float]) -> pd.DataFrame:
    """The proposal's reps with ``last_quota_base``, ``last_booked_base``, ``mover`` and ``reason``.

    ``mover`` is the weight that moves the rep furthest from the middle of the group; each weight's move is
    its share of the difference between the rep's value and the group's mean, in percent of that mean.
    """
    made = reps.merge(last_year(basis), left_on="rep_id", right_index=True, how="left")
    made.index = reps.index
    moves = _moves(made)
    mover = moves.abs().idxmax(axis=1).where(moves.abs().max(axis=1) > 0.005)
    made["mover"] = mover.astype("object").where(mover.notna(), None)
    size = made.groupby("group")["rep_id"].transform("size")
    known = {p: weights[p] for p in PARTS if weights[p] > 0 and made[f"{p}_base"].notna().any()}
    made["reason"] = [
        _sentence(row, moves.loc[row["index"]], int(size[row["index"]]), plan, known)
        for row in made.reset_index(names="index").to_dict("records")
    ]
    return made


def _moves(reps: pd.DataFrame) -> pd.DataFrame:
    """How far each weight moves each rep from the group's mean, as a ratio of that mean."""
    middle = reps.groupby("group")["expected_base"].transform("mean")
    moves = {}
    for part in PARTS:
        value = reps[f"{part}_base"]
        usual = value.groupby(reps["group"]).transform("mean")
        moves[part] = (reps[f"{part}_weight"] * (value - usual) / middle.where(middle > 0)).fillna(0.0)
    return pd.DataFrame(moves)


def _sentence(row: dict, moves: pd.Series, size: int, plan: Plan, known: dict[str, float]) -> str:
    said = []
    used = [p for p in PARTS if row[f"{p}_weight"] > 0]
    ranked = [p for p in sorted(used, key=lambda p: -abs(moves[p])) if abs(moves[p]) >= 0.005]
    if size < 2:
        said.append(f"the only {row['group']}, set from {' and '.join(_WORDS[p] for p in used)}")
    elif ranked:
        listed = ", ".join(f"{_WORDS[p]} {100 * moves[p]:+.0f} %" for p in ranked)
        said.append(f"{listed} against the mean {row['group']}")
    else:
        said.append(f"at the mean of {row['group']}")
    lost = [p for p in known if row[f"{p}_weight"] == 0]
    said += [f"{_NONE[p]}, its weight went to the rest" for p in lost]
    if row["effective_share"] < 0.999:
        said.append(f"ramping, counts for {percent(row['effective_share'])} of {plan.name}")
    if row["capped"]:
        over = f"{row['over_median']:.2f} × the median" if pd.notna(row["over_median"]) else "the cap"
        said.append(f"cut by {short_money(row['cut_base'])} to {over} of the group")
    if size < FEW and size > 1:
        said.append(f"a group of {size} has no median to hold it against")
    if pd.notna(row["last_quota_base"]) and row["last_quota_base"] > 0:
        change = float(row["quota_base"]) / row["last_quota_base"] - 1
        said.append(f"{100 * change:+.0f} % on the quota of the last four quarters")
    else:
        said.append("no quota in the last four quarters")
    text = "; ".join(said) + "."
    return text[0].upper() + text[1:]
