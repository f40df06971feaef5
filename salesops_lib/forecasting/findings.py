"""What a forecast can find: rules, and the functions that judge the number and the pipeline by them.

How the forecast itself has done is judged in :mod:`salesops_lib.forecasting.record.findings`.
"""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.wording import listed
from salesops_lib.forecasting.rules import (
    HOLE,
    LARGEST,
    MOVED,
    PUSHED,
    RULES,
    SLIPPAGE,
    TARGET,
    Setting,
)

__all__ = ["RULES", "Setting"]

RECENT_HOLES = 4
_REASONS = {
    "won": "won", "lost": "lost", "new": "new", "pushed_out": "pushed out", "pulled_in": "pulled in",
    "pushed_in": "pushed in from earlier", "pulled_out": "pulled out", "increased": "raised",
    "decreased": "cut", "reopened": "reopened", "deleted": "deleted",
}  # fmt: skip


def target(setting: Setting, outlook: pd.DataFrame, past_periods: int) -> list[Finding]:
    """Company and regions against their target, every period. ``outlook``: columns of ``outputs.OUTLOOK``.

    Silent where a node has no target, but for the company in the first period: that is UNKNOWN. UNKNOWN with
    fewer than :data:`pace.MIN_PERIODS` past periods.
    """
    found = []
    for row in outlook[outlook["level"].isin(["company", "region"])].to_dict("records"):
        first = row["level"] == "company" and row["period"] == outlook["period"].iloc[0]
        if pd.isna(row["target_base"]) and not first:
            continue
        share = row["mid_base"] / row["target_base"]
        ends = row["low_base"] / row["target_base"], row["high_base"] / row["target_base"]
        found.append(
            TARGET.judge(
                scope={"period": row["period"], row["level"]: row["node_id"]},
                value=share,
                n=past_periods,
                limit=setting.limit(TARGET),
                as_of=setting.as_of,
                interval=_range(*ends, row["interval_level"], "combined engines, reconciled"),
                money_at_stake=max(row["gap_base"], 0.0) if pd.notna(row["gap_base"]) else None,
                statement=_target_said(row, setting.currency),
                recommendation=_target_step(row, outlook),
            )
        )
    return found


def moved(setting: Setting, outlook: pd.DataFrame, step: pd.DataFrame) -> list[Finding]:
    """The company's forecast of the first period against that of a week before.

    ``step``: the last week's waterfall of the company, in cents; may be empty. UNKNOWN without a week before.
    """
    row = outlook[outlook["level"] == "company"].iloc[0]
    before = row["last_week_mid_base"]
    share = row["mid_base"] / before - 1 if pd.notna(before) and before > 0 else None
    drivers = _drivers(step)
    said = (
        f"The forecast of {row['period']} moved by {_signed(row['moved_base'])} {setting.currency} "
        f"({percent(share)}) in a week, to {short_money(row['mid_base'])}"
        if share is not None
        else f"The forecast of {row['period']} is {short_money(row['mid_base'])} {setting.currency}; a week "
        f"before none could be made"
    )
    step_said = f"Go through what was {drivers[0]} last week, deal by deal." if drivers else ""
    return [
        MOVED.judge(
            scope={"period": row["period"]}, value=share, n=1, limit=setting.limit(MOVED),
            as_of=setting.as_of,
            money_at_stake=max(-row["moved_base"], 0.0) if share is not None else None,
            statement=f"{said}{'; open value ' + ', '.join(drivers) if drivers else ''}.",
            recommendation=step_said or "List the deals closed in the week: there is no history to say more.",
        )
    ]  # fmt: skip


def hole(setting: Setting, period: str, past: list[str], holes: list[str]) -> list[Finding]:
    """Finished periods just before this one with hardly a booking. UNKNOWN where none has finished."""
    ended = sorted([*past, *holes])[-RECENT_HOLES:]
    recent = [p for p in ended if p in holes]
    said = (
        f"Hardly a booking in {listed(recent)}: a hole in the data, or the end of the business."
        if recent
        else f"The last {len(ended)} finished periods before {period} hold bookings."
    )
    return [
        HOLE.judge(
            scope={"period": period}, value=float(len(recent)) if ended else None, n=len(ended),
            limit=setting.limit(HOLE), as_of=setting.as_of,
            statement=said if ended else f"No period has finished before {period}.",
            recommendation=f"Export {listed(recent)} anew and run the import again; until then do not "
            f"quote this forecast."
            if recent else "Keep importing every week.",
        )
    ]  # fmt: skip


def slipped(setting: Setting, slippage: pd.DataFrame, period: str) -> list[Finding]:
    """Slippage of the company. ``slippage``: columns of ``outputs.SLIPPAGE``; UNKNOWN where empty."""
    company = slippage[slippage["level"] == "company"]
    row = company.iloc[0] if len(company) else None
    teams = slippage[(slippage["level"] == "team") & (slippage["slipped_base"] > 0)]
    worst = [f"{r.node_id} ({short_money(r.slipped_base)})" for r in teams.head(3).itertuples()]
    said = (
        f"{short_money(row['slipped_base'])} of {short_money(row['due_base'])} {setting.currency} due in "
        f"{period} at its start has slipped to a later date ({percent(row['slippage'])})"
        f"{_unpriced(row['n_unpriced'])}."
        if row is not None
        else f"What was due at the start of {period} is not known: there is no history of close dates."
    )
    return [
        SLIPPAGE.judge(
            scope={"period": period}, value=None if row is None else row["slippage"],
            n=0 if row is None else int(row["n_due"]), limit=setting.limit(SLIPPAGE), as_of=setting.as_of,
            money_at_stake=None if row is None else float(row["slipped_base"]), statement=said,
            recommendation=f"Ask {listed(worst)} for the buyer's new date of each slipped deal."
            if worst else "Keep a history of close dates: import every week.",
        )
    ]  # fmt: skip


def pushed(setting: Setting, pushes: pd.DataFrame, period: str) -> list[Finding]:
    """Open value pushed twice or more. ``pushes``: columns of ``outputs.PUSHES``; UNKNOWN where empty."""
    many = pushes[pushes["pushes"].isin(["2", "3+"])] if len(pushes) else pushes
    known = len(pushes) > 0 and pushes["share"].notna().any()
    value, share = (float(many["value_base"].sum()), float(many["share"].sum())) if known else (0.0, None)
    without = int(many["n_unpriced"].sum())
    count = int(many["n"].sum()) - without
    said = f"{count} open deals worth {short_money(value)} {setting.currency} have been pushed "
    return [
        PUSHED.judge(
            scope={"period": period}, value=share, n=int(pushes["n"].sum()) if known else 0,
            limit=setting.limit(PUSHED), as_of=setting.as_of, money_at_stake=value if known else None,
            statement=f"{said}twice or more ({percent(share)} of open value){_unpriced(without)}."
            if known else "How often deals were pushed is not known: there is no history of close dates.",
            recommendation="Move deals pushed twice to best case until the buyer names the date in writing."
            if known else "Keep a history of close dates: import every week.",
        )
    ]  # fmt: skip


def largest(setting: Setting, share: float, count: int, deal: pd.Series | None, period: str) -> list[Finding]:
    """Dependence on one deal (:func:`record.concentration_record`). UNKNOWN where no deal has a chance."""
    known = deal is not None
    value = float(deal["amount_base"]) if known else None
    said = (
        f"{deal['opportunity_id']} ({short_money(value)} {setting.currency}, {deal['stage']}, owner "
        f"{deal['owner_id']}) holds {percent(share)} of what {count} open deals are expected to bring in "
        f"{period}."
        if known
        else f"No open deal has a chance known in {period}."
    )
    return [
        LARGEST.judge(
            scope={"period": period}, value=share if known else None, n=count, limit=setting.limit(LARGEST),
            as_of=setting.as_of, money_at_stake=value, statement=said,
            recommendation=f"Name who signs, by when, and what stands in the way of {deal['opportunity_id']}."
            if known else "Enter amounts and close dates of open deals.",
        )
    ]  # fmt: skip


def _target_said(row: dict, currency: str) -> str:
    level = percent(row["interval_level"])
    range_ = f"{short_money(row['low_base'])} to {short_money(row['high_base'])} at {level}"
    if pd.isna(row["target_base"]):
        return (
            f"{row['name']} is heading for {short_money(row['mid_base'])} {currency} in {row['period']} "
            f"({range_}); no target is set."
        )
    return (
        f"{row['name']} is heading for {short_money(row['mid_base'])} {currency} in {row['period']} "
        f"({range_}) against {short_money(row['target_base'])}, with a {_chance(row['p_target'])} chance to "
        f"reach it."
    )


def _chance(chance: float) -> str:
    """A chance is never told as certain."""
    return "> 99 %" if chance > 0.99 else "< 1 %" if chance < 0.01 else percent(chance)


def _target_step(row: dict, outlook: pd.DataFrame) -> str:
    """Name the nodes below that make up the gap."""
    if pd.isna(row["target_base"]):
        return f"Enter the company's target of {row['period']} as a quota of level company."
    below = {"company": "team", "region": "rep"}[row["level"]]
    rows = outlook[(outlook["level"] == below) & (outlook["period"] == row["period"])]
    if row["level"] == "region":
        rows = rows[rows["region"] == row["node_id"]]
    short = rows[rows["gap_base"] > 0].sort_values("gap_base", ascending=False)
    if row["gap_base"] <= 0 or short.empty:
        return f"Keep {row['name']}'s plan; look at the scenarios for what would break it."
    names = [f"{r.name_} ({short_money(r.gap_base)} short)" for r in
             short.head(3).rename(columns={"name": "name_"}).itertuples()]  # fmt: skip
    return f"Go through the open deals of {listed(names)} and agree which get help this week."


def _drivers(step: pd.DataFrame) -> list[str]:
    """The largest terms of a waterfall step, largest first: ``lost 1.2M``."""
    if step.empty:
        return []
    terms = step.iloc[0][[t for t in _REASONS if t in step]].astype("float64") / 100
    top = terms[terms != 0].sort_values(key=lambda v: -v.abs(), kind="stable").head(3)
    return [f"{_REASONS[name]} {short_money(abs(value))}" for name, value in top.items()]


def _range(low: float, high: float, level: float, method: str) -> Interval | None:
    return None if pd.isna(low) or pd.isna(high) else Interval(low, high, level, method)


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{short_money(abs(value))}"


def _unpriced(count: float) -> str:
    """How many deals a sum of money leaves out; nothing where it leaves out none."""
    return f"; {int(count)} more without an amount" if count else ""
