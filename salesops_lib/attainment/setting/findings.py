"""What quota setting can find: functions that judge a plan, its simulation and its back-test."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.rules import Setting
from salesops_lib.attainment.setting.backtest import ACTUAL, PROPOSED, SAME_TOTAL
from salesops_lib.attainment.setting.basis import YEAR_QUARTERS
from salesops_lib.attainment.setting.capacity import capacity_of
from salesops_lib.attainment.setting.plan import QuotaPlan
from salesops_lib.attainment.setting.rules import (
    CAPACITY,
    CHANCE,
    EASY,
    HARD,
    MEDIAN,
    OVER,
    PASTEASY,
    PASTHARD,
    UNDER,
    WORSE,
)
from salesops_lib.attainment.setting.simulation import LEVEL, Simulation
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval, Rule

_HISTORY = "Import at least a year of closed deals and the reps' role spells, then run again."


def capacity(setting: Setting, quotas: QuotaPlan, drawn: Simulation | None) -> list[Finding]:
    """Bottom-up capacity against the target, with the simulated range. UNKNOWN without a year of history."""
    if not quotas.ready or drawn is None:
        return [_unknown(setting, CAPACITY, quotas)]
    target, can = float(quotas.plan.target), capacity_of(quotas.bridge)
    row = drawn.levels.iloc[0]
    missing, seats = target - can, len(quotas.proposed.reps)
    more = missing / (can / seats) if can > 0 else float("nan")
    step = f"Keep the target of {short_money(target)}; the seats can carry it."
    if missing > 0:
        step = (
            f"Escalate to head of sales and finance: lower the target by {short_money(missing)}, add about "
            f"{more:.0f} ramped seats, or name the price and mix that close the gap."
        )
    return [
        CAPACITY.judge(
            scope={"year": quotas.plan.name}, value=can / target, n=quotas.made.quarters,
            limit=setting.limit(CAPACITY), as_of=setting.as_of,
            interval=Interval(row["attainment_low"], row["attainment_high"], LEVEL, _drawn(drawn)),
            money_at_stake=max(missing, 0.0),
            statement=f"{seats} seats can sell {short_money(can)} {setting.currency} in {quotas.plan.name}, "
            f"{percent(can / target)} of the target of {short_money(target)}.",
            recommendation=step,
        )
    ]  # fmt: skip


def chance(setting: Setting, quotas: QuotaPlan, drawn: Simulation | None) -> list[Finding]:
    """The chance of the target, for the company and each team. UNKNOWN without a year of history."""
    if not quotas.ready or drawn is None:
        return [_unknown(setting, CHANCE, quotas)]
    rows = drawn.levels[drawn.levels["level"] != "region"]
    return [_chance(setting, quotas, row) for row in rows.to_dict("records")]


def _chance(setting: Setting, quotas: QuotaPlan, row: dict) -> Finding:
    whole = row["level"] == "company"
    name = "The company" if whole else row["holder_id"]
    scope = {"year": quotas.plan.name} | (
        {} if whole else {"region": row["parent_id"], "team": row["holder_id"]}
    )
    missing = float(row["target_base"]) - row["booked_mid"]
    step = f"Keep the target of {name}."
    if missing > 0:
        what = "the target or the seats" if whole else "its part of the target"
        step = f"Review {what}: the middle outcome of {name} is {short_money(missing)} short."
    return CHANCE.judge(
        scope=scope, value=row["p_target"], n=quotas.made.quarters, limit=setting.limit(CHANCE),
        as_of=setting.as_of, money_at_stake=max(missing, 0.0), recommendation=step,
        statement=f"{name} reaches {short_money(float(row['target_base']))} {setting.currency} with a chance "
        f"of {percent(row['p_target'])}; four draws in five end between {short_money(row['booked_low'])} and "
        f"{short_money(row['booked_high'])}.",
    )  # fmt: skip


def assignment(setting: Setting, quotas: QuotaPlan) -> list[Finding]:
    """Sum of quotas against the target at each level, from above and below. UNKNOWN without quotas."""
    if not quotas.ready:
        return [_unknown(setting, rule, quotas) for rule in (OVER, UNDER)]
    return [
        _assigned(setting, quotas, rule, level)
        for rule in (OVER, UNDER)
        for level in quotas.proposed.levels["level"].unique()
    ]


def _assigned(setting: Setting, quotas: QuotaPlan, rule: Rule, level: str) -> Finding:
    rows = quotas.proposed.levels
    rows = rows[(rows["level"] == level) & rows["over_assignment"].notna()]
    worst = rows.loc[rows["over_assignment"].idxmax() if rule is OVER else rows["over_assignment"].idxmin()]
    limit, value = setting.limit(rule), round(float(worst["over_assignment"]), 4)
    total, target = float(rows["quotas_base"].sum()), float(rows["target_base"].sum())
    beyond = total - limit.value * target if rule is OVER else limit.value * target - total
    word = "Lower" if rule is OVER else "Raise"
    met = beyond <= 0.005 * len(rows)
    return rule.judge(
        scope={"year": quotas.plan.name, "level": level}, value=value, n=len(rows), limit=limit,
        as_of=setting.as_of, money_at_stake=0.0 if met else beyond,
        statement=f"Proposed quotas add up to {percent(value)} of the target at {worst['holder_id']}, the "
        f"{'most' if rule is OVER else 'least'} of {len(rows)} at level {level}.",
        recommendation="Keep the over-assignment." if met
        else f"{word} over_assignment to {limit.value:.2f} of the target or nearer, and run again.",
    )  # fmt: skip


def over_median(setting: Setting, quotas: QuotaPlan) -> list[Finding]:
    """The largest quota against its group's middle. UNKNOWN where no group has four seats."""
    if not quotas.ready:
        return [_unknown(setting, MEDIAN, quotas)]
    reps, limit = quotas.proposed.reps, setting.limit(MEDIAN)
    known = reps[reps["over_median"].notna()]
    if known.empty:
        return [
            MEDIAN.judge(
                scope={"year": quotas.plan.name}, value=None, n=0, limit=limit, as_of=setting.as_of,
                statement="No group of role and segment has four seats, so no median stands.",
                recommendation="Compare the quotas of small groups by hand with their reasons.",
            )
        ]  # fmt: skip
    top = known.loc[known["over_median"].idxmax()]
    value = round(float(top["over_median"]), 4)
    over = float(top["full_quota_base"]) * (1 - limit.value / value) if value > limit.value else 0.0
    cut = int(reps["capped"].sum())
    step = (
        f"Check the accounts of the {cut} reps cut to the cap: move some, or write the reason." if cut else ""
    )
    return [
        MEDIAN.judge(
            scope={"year": quotas.plan.name}, value=value, n=len(known), limit=limit, as_of=setting.as_of,
            money_at_stake=over + float(reps["cut_base"].sum()),
            statement=f"The largest quota, of {top['name']}, is {value:.2f} × the median of {top['group']}; "
            f"{cut} of {len(reps)} were cut to the cap, by {short_money(reps['cut_base'].sum())}.",
            recommendation=step or "Keep the quotas; none needs a reason for its size.",
        )
    ]  # fmt: skip


def share(setting: Setting, quotas: QuotaPlan, drawn: Simulation | None) -> list[Finding]:
    """The simulated share of reps at quota, against both ends of the band.

    UNKNOWN without history or under eight reps.
    """
    if not quotas.ready or drawn is None:
        return [_unknown(setting, rule, quotas) for rule in (HARD, EASY)]
    low, middle, high = drawn.share_range()
    reps, made = len(quotas.proposed.reps), []
    said = (
        f"About {drawn.reps['p_quota'].sum():.1f} of {reps} reps are expected at quota: few reps, no share."
    )
    if reps >= HARD.min_n:
        said = (
            f"{percent(middle)} of {reps} reps reach their quota in the middle draw, {percent(low)} to "
            f"{percent(high)} in four draws of five."
        )
    for rule, word in ((HARD, "lowering"), (EASY, "raising")):
        limit = setting.limit(rule)
        met = middle >= limit.value if rule is HARD else middle <= limit.value
        made.append(
            rule.judge(
                scope={"year": quotas.plan.name}, value=middle, n=reps, limit=limit,
                as_of=setting.as_of, interval=Interval(low, high, LEVEL, _drawn(drawn)),
                statement=said,
                recommendation="Keep the level of the quotas." if met
                else f"Test {word} target or over_assignment, and run again.",
            )
        )  # fmt: skip
    return made


def backtest(setting: Setting, quotas: QuotaPlan, scores: pd.DataFrame) -> list[Finding]:
    """What the method would have given a year ago. ``scores``: :func:`quota_backtest.backtest`.

    UNKNOWN where under four whole quarters lie before the four tested, or under eight reps compare.
    """
    rules = (PASTHARD, PASTEASY, WORSE)
    if scores.empty:
        return [_unknown(setting, rule, quotas, past=True) for rule in rules]
    rows = scores.set_index("quota_set")
    own, given = rows.loc[PROPOSED], rows.loc[ACTUAL]
    n = int(own["reps"])
    scope = {"quarters": f"{quotas.basis.base[0]} to {quotas.basis.base[-1]}"}
    said = (
        f"{int(own['at_quota'])} of {n} reps would have reached quotas set by this method a year ago; "
        f"{int(given['at_quota'])} reached the quotas as given."
    )
    steps = {
        PASTHARD: "Lower growth or over_assignment until the back-test reaches the band, and run again.",
        PASTEASY: "Raise growth, or keep it and say that last year beat its plan.",
    }
    settled = f"Keep the level; {n} reps leave the range this wide, so look again after the next quarter."
    limits = {rule: setting.limit(rule) for rule in steps}
    fine = {
        PASTHARD: own["share_at_quota"] >= limits[PASTHARD].value,
        PASTEASY: own["share_at_quota"] <= limits[PASTEASY].value,
    }
    made = [
        rule.judge(
            scope=scope, value=own["share_at_quota"], n=n, limit=limits[rule], as_of=setting.as_of,
            interval=Interval(own["low"], own["high"], 0.9, "Wilson"), statement=said,
            recommendation=settled if fine[rule] else step,
        )
        for rule, step in steps.items()
    ]  # fmt: skip
    return [*made, _worse(setting, rows, scope)]


def _worse(setting: Setting, rows: pd.DataFrame, scope: dict[str, str]) -> Finding:
    own, given = rows.loc[SAME_TOTAL], rows.loc[ACTUAL]
    known = given["error"] > 0
    value = own["error"] / given["error"] if known else None
    alone = rows[rows.index.str.contains(" alone")]
    best = alone["error"].idxmin().split(" ")[0] if alone["error"].notna().any() else ""
    fit = (
        f"{own['correlation']:.2f} against {given['correlation']:.2f}"
        if pd.notna(own["correlation"])
        else "unknown"
    )
    return WORSE.judge(
        scope=scope, value=value, n=int(own["reps"]), limit=setting.limit(WORSE), as_of=setting.as_of,
        money_at_stake=max(own["error"] - given["error"], 0.0) * float(given["booked_base"]),
        statement=f"At the same total the proposal missed bookings by {percent(own['error'])}, the quotas as "
        f"given by {percent(given['error'])}; correlation with bookings {fit}.",
        recommendation=f"Move weight towards {best}, the best alone in the back-test, if the next one agrees."
        if best else "Keep the weights.",
    )  # fmt: skip


def _unknown(setting: Setting, rule: Rule, quotas: QuotaPlan, *, past: bool = False) -> Finding:
    """A rule that cannot be judged: said, never a number."""
    whole = len(quotas.basis.whole)
    why = f"{whole} whole finished quarters and {len(quotas.basis.seats)} seats are known"
    need = 2 * YEAR_QUARTERS if past else YEAR_QUARTERS
    what = "a back-test" if past else "quotas"
    return rule.judge(
        scope={"year": quotas.plan.name if quotas.plan else "next"}, value=None, n=0,
        limit=setting.limit(rule), as_of=setting.as_of, recommendation=_HISTORY,
        statement=f"{rule.title}: {why}; {what} needs {need} quarters and somebody to hold them.",
    )  # fmt: skip


def _drawn(drawn: Simulation) -> str:
    return f"simulation, {drawn.draws} draws, P10 to P90"
