"""What attainment can find: rules, and the functions that judge tables by them."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.outlook.pacing import MIN_PERIODS
from salesops_lib.attainment.rules import (
    FLOOR,
    NOQUOTA,
    OVERASSIGN,
    PACE,
    RULES,
    SHARE,
    SKEW,
    UNDERASSIGN,
    UNPLACED,
    Setting,
)
from salesops_lib.attainment.spread.distribution import SMALL_GROUP
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval, Rule
from salesops_lib.core.stats import proportion_interval

__all__ = ["RULES", "Setting"]


def pace(setting: Setting, pacing: pd.DataFrame) -> list[Finding]:
    """Company and regions against the pace target. ``pacing``: columns of ``outputs.PACING``.

    Silent where a holder has no quota. UNKNOWN with fewer than :data:`MIN_PERIODS` past periods.
    """
    rows = pacing[pacing["level"].isin(["company", "region"]) & pacing["quota_base"].notna()]
    return [_paced(setting, PACE, row, pacing) for row in rows.to_dict("records")]


def floor(setting: Setting, pacing: pd.DataFrame) -> list[Finding]:
    """Teams against the floor: projected while the period runs, as booked once it has ended."""
    rows = pacing[(pacing["level"] == "team") & pacing["quota_base"].notna()]
    return [_paced(setting, FLOOR, row, pacing) for row in rows.to_dict("records")]


def share_at_quota(
    setting: Setting, reps: pd.DataFrame, earlier: pd.DataFrame, *, finished: bool, level: float = 0.9
) -> list[Finding]:
    """Participation of a period. ``reps``, ``earlier``: :func:`distribution.judged_reps` of it, and of the
    period before it. UNKNOWN while the period runs or under eight reps; silent without reps.
    """
    if reps.empty:
        return []
    period, n = reps["period"].iloc[0], len(reps)
    below = reps[reps["attainment"] < 1]
    missing = (pd.to_numeric(below["quota_base"]) - pd.to_numeric(below["credited_base"])).sum()
    share, before = (n - len(below)) / n, _share(earlier)
    limit = setting.limit(SHARE)
    worst = below.groupby("team").size().sort_values(ascending=False, kind="stable")
    twice = before is not None and before < limit.value and share < limit.value
    then = f"; {percent(before)} in {earlier['period'].iloc[0]}" if before is not None else ""
    named = _listed(worst.index[:3]) or _listed(below["name"][:3])
    step = "Open a quota review of" if twice else "Check territories and ramp of"
    return [
        SHARE.judge(
            scope={"period": period}, value=share, n=n, limit=limit, as_of=setting.as_of,
            interval=proportion_interval(n - len(below), n, level) if n >= SMALL_GROUP else None,
            statement=f"{n - len(below)} of {n} reps reached quota in {period}"
            + (f" ({percent(share)}{then})." if n >= SMALL_GROUP else "."),
            money_at_stake=round(float(missing), 2), mature=bool(finished),
            recommendation=f"{step} {named}, where most of the {len(below)} reps below quota sit."
            if named else "Keep the quotas as they are.",
        )
    ]  # fmt: skip


def skew(
    setting: Setting, reps: pd.DataFrame, concentration: pd.DataFrame, *, finished: bool, level: float = 0.9
) -> list[Finding]:
    """The top fifth's share. ``concentration``: :func:`distribution.concentration` of ``reps``.

    UNKNOWN while the period runs, under eight reps, or where the share is undefined; silent without reps.
    """
    if reps.empty:
        return []
    row = concentration.set_index("statistic").loc["top_fifth_share"]
    n, value, limit = int(row["reps"]), row["value"], setting.limit(SKEW)
    own = pd.to_numeric(reps["credited_base"]) - pd.to_numeric(reps["overlay_base"])
    ranked = reps.assign(own=own)[reps["in_totals"].astype(bool)].sort_values("own", ascending=False)
    top, rest = ranked.head(max(1, round(n * 0.2))), ranked.iloc[max(1, round(n * 0.2)) :]
    over = max(0.0, (value - limit.value) * float(ranked["own"].sum())) if pd.notna(value) else None
    known = pd.notna(row["low"])
    middle = rest[rest["attainment"].between(0.5, 1, inclusive="left")]
    return [
        SKEW.judge(
            scope={"period": reps["period"].iloc[0]}, value=value, n=n, limit=limit, as_of=setting.as_of,
            interval=Interval(row["low"], row["high"], level, "bootstrap") if known else None,
            money_at_stake=over, mature=bool(finished),
            statement=f"The top fifth of {n} reps carried {percent(value)} of "
            f"{short_money(ranked['own'].sum())} {setting.currency} in {reps['period'].iloc[0]}; "
            f"the limit is {percent(limit.value)}.",
            recommendation=f"Compare deal sources and territories of {_listed(top['name'][:3])} with "
            f"those of {_listed((middle if len(middle) else rest)['name'][:3])} and move what can be moved.",
        )
    ]  # fmt: skip


def no_quota(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Direct credit of reps whose quota is missing, or counts for no day. ``table``: ``outputs.ATTAINMENT``.

    UNKNOWN where nothing has been booked.
    """
    reps = table[(table["level"] == "rep") & table["in_totals"].astype(bool)]
    own = pd.to_numeric(reps["credited_base"]) - pd.to_numeric(reps["overlay_base"])
    without = reps["status"].isin(["quota_missing", "not_held"]) & (own != 0)
    money, whole = float(own[without].sum()), float(own.sum())
    found = reps.assign(own=own)[without].sort_values("own", ascending=False)
    period, absent = _period(table), found["status"] == "quota_missing"
    steps = [
        f"{verb} {_listed(part['name'][:4], len(part))}"
        for verb, part in (("set a quota for", found[absent]), ("add the role spell of", found[~absent]))
        if len(part)
    ]
    share = percent(money / whole) if whole > 0 else "nothing is booked"
    return [
        NOQUOTA.judge(
            scope={"period": period}, value=money / whole if whole > 0 else None,
            n=int((own != 0).sum()), limit=setting.limit(NOQUOTA), as_of=setting.as_of,
            money_at_stake=round(money, 2),
            statement=f"{_count(len(found), 'rep')} without a quota that counts in {period} hold "
            f"{short_money(money)} {setting.currency} of credit ({share}).",
            recommendation=_sentence([*steps, "or credit the deals to their holders"])
            if steps else "Keep setting quotas before the first booking.",
        )
    ]  # fmt: skip


def unplaced(setting: Setting, table: pd.DataFrame, by_spell: pd.DataFrame) -> list[Finding]:
    """Bookings no rep or no team holds. ``table``, ``by_spell``: the period's rows of the two outputs.

    Where no rep has a team at all (no role spells) only bookings without rep count. UNKNOWN where nothing
    has been booked.
    """
    company = table[table["level"] == "company"]
    loose = float(pd.to_numeric(company["unassigned_base"]).sum())
    direct = pd.to_numeric(by_spell["credited_base"])
    whole = float(direct.sum()) + loose
    teams = by_spell["team"].notna().any()
    homeless = by_spell.assign(own=direct)[by_spell["team"].isna() & (direct != 0)] if teams else by_spell[:0]
    stray = float(homeless["own"].sum()) if len(homeless) else 0.0
    money, period = abs(loose) + abs(stray), _period(table)
    names = table[table["level"] == "rep"].set_index("holder_id")["name"]
    called = homeless.sort_values("own", ascending=False)["rep_id"].map(names) if len(homeless) else []
    named = _listed(called[:4], len(homeless)) if len(homeless) else ""
    steps = [f"add the role spell of {named} for the days they closed"] if named else []
    steps += ["name an owner for the bookings without one"] if loose else []
    return [
        UNPLACED.judge(
            scope={"period": period}, value=money / whole if whole > 0 else None,
            n=len(by_spell) + int(loose != 0),
            limit=setting.limit(UNPLACED), as_of=setting.as_of, money_at_stake=round(money, 2),
            statement=f"In {period} {short_money(loose)} {setting.currency} of bookings have no rep and "
            f"{short_money(stray)} no team on the close date"
            + (f", {percent(money / whole)} of all." if whole > 0 else "; nothing is booked."),
            recommendation=_sentence(steps or ["keep owners and role spells complete"]),
        )
    ]  # fmt: skip


def assignment(setting: Setting, cascade: pd.DataFrame, steps: pd.DataFrame, period: str) -> list[Finding]:
    """Sum of rep quotas against the company goal, both sides. ``cascade``, ``steps``: of :mod:`cascade`.

    UNKNOWN without a company goal or without rep quotas.
    """
    row = cascade.set_index("level").loc["rep"]
    ratio = row["over_company"]
    gap = None if pd.isna(ratio) else float(row["gap_base"])
    most = setting.limit(OVERASSIGN).value
    above = None if gap is None else max(0.0, float(row["quota_base"]) * (1 - most / ratio))
    cap = setting.policy.value("overassign_cap", setting.as_of).value
    far = steps.dropna(subset=["over_team"])
    high, low = far.sort_values("over_team", ascending=False), far.sort_values("over_team")
    beyond = f", above the cap of {percent(cap)}" if pd.notna(ratio) and ratio > cap else ""
    unknown = f"No company goal of its own, or no rep quotas, for {period}: over-assignment is not known."
    sums = f"Rep quotas of {period} add up to {percent(ratio)} of the company goal" if gap is not None else ""
    spare = "" if gap is None else _spare(gap, setting.currency)
    common = {
        "scope": {"period": period}, "value": ratio, "n": int(row["with_quota"]), "as_of": setting.as_of,
    }  # fmt: skip
    teams = [_listed(f["team"][:2]) or "the teams" for f in (high, low)]
    enter = "Enter the company goal as a quota of level company, and the reps' quotas."
    return [
        OVERASSIGN.judge(
            **common, limit=setting.limit(OVERASSIGN), money_at_stake=above,
            statement=f"{sums}{beyond}; more than {percent(most)} asks too much of the reps."
            if sums else unknown,
            recommendation=enter if gap is None
            else f"Lower the reps' quotas first in {teams[0]}, furthest over their goal.",
        ),
        UNDERASSIGN.judge(
            **common, limit=setting.limit(UNDERASSIGN),
            money_at_stake=None if gap is None else max(0.0, -gap),
            statement=f"{sums}: {spare}." if sums else unknown,
            recommendation=enter if gap is None
            else f"Assign the rest of the goal, first in {teams[1]}, or lower the goal in writing.",
        ),
    ]  # fmt: skip


def _spare(gap: float, currency: str) -> str:
    """What is left of the goal once every rep meets quota."""
    if abs(gap) < 0.005:
        return "if every rep meets quota, the goal is met and nothing is spare"
    money = f"{short_money(abs(gap))} {currency}"
    return f"{money} of quota is spare" if gap > 0 else f"{money} of the goal is nobody's quota"


def _paced(setting: Setting, rule: Rule, row: dict, pacing: pd.DataFrame) -> Finding:
    """One holder's projected attainment against the rule's limit."""
    ended = row["method"] == "finished"
    value, quota = row["projected_attainment"], float(row["quota_base"])
    known = pd.notna(value)
    interval = None
    if known and not ended:
        interval = Interval(
            row["projected_low"], row["projected_high"], row["interval_level"], "past periods at this day"
        )
    gap = quota - float(row["finish_mid_base"]) if known else None
    return rule.judge(
        scope={"period": row["period"], row["level"]: row["holder_id"]},
        value=value,
        n=1 if ended else int(row["past_periods"]),
        exact="finished period" if ended else None,
        limit=setting.limit(rule),
        as_of=setting.as_of,
        interval=interval,
        money_at_stake=round(gap, 2) if gap is not None and gap > 0 else None,
        statement=_pace_said(row, setting.currency, known, ended),
        recommendation=_pace_step(row, pacing),
    )


def _pace_said(row: dict, currency: str, known: bool, ended: bool) -> str:
    name, period = row["name"], row["period"]
    if not known:
        return (
            f"{name} has booked {short_money(row['to_date_base'])} {currency} in {period}; "
            f"{int(row['past_periods'])} finished periods are too few to project a finish."
        )
    if ended:
        return f"{name} finished {period} at {percent(row['projected_attainment'])} of quota."
    return (
        f"{name} is heading for {percent(row['projected_attainment'])} of quota in {period} "
        f"({percent(row['projected_low'])} to {percent(row['projected_high'])}), with a "
        f"{percent(row['p_quota'])} chance to reach it."
    )


def _pace_step(row: dict, pacing: pd.DataFrame) -> str:
    """Name those below who make up the gap."""
    below = {"company": "team", "region": "team", "team": "rep"}[row["level"]]
    rows = pacing[(pacing["level"] == below) & pacing["finish_mid_base"].notna()]
    if row["level"] != "company":
        rows = rows[rows[row["level"]] == row["holder_id"]]
    gap = pd.to_numeric(rows["quota_base"]) - rows["finish_mid_base"]
    short = rows.assign(gap=gap)[gap > 0].sort_values("gap", ascending=False)
    if pd.isna(row["projected_attainment"]):
        return f"Import more history of {row['name']}: a projection needs {MIN_PERIODS} finished periods."
    if short.empty:
        return f"Keep {row['name']}'s plan; no one below is projected short."
    named = [
        f"{n} ({short_money(g)} short)" for n, g in zip(short["name"][:3], short["gap"][:3], strict=True)
    ]
    if row["method"] == "finished":
        return f"Agree a recovery plan with {_listed(named)}."
    return f"Go through the open deals of {_listed(named)} deal by deal and agree what still closes."


def _share(reps: pd.DataFrame) -> float | None:
    return float((reps["attainment"] >= 1).mean()) if len(reps) >= SMALL_GROUP else None


def _listed(names, total: int = 0) -> str:
    """``A, B and C``; with a larger total ``A, B and 5 more``."""
    names = [str(n) for n in names]
    if total > len(names):
        return f"{', '.join(names)} and {total - len(names)} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _sentence(steps: list[str]) -> str:
    text = ", ".join(steps)
    return f"{text[:1].upper()}{text[1:]}."


def _period(table: pd.DataFrame) -> str:
    return str(table["period"].iloc[0]) if len(table) else "the period"
