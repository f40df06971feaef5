"""The quota report's first screen: what quota for whom, does it add up, how likely is the plan."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.headline import Card, Screen, Trace
from salesops_lib.attainment.setting.backtest import ACTUAL, PROPOSED
from salesops_lib.attainment.setting.handover import COVER, GROWTH, SHARE, TREND
from salesops_lib.attainment.setting.plan import QuotaPlan
from salesops_lib.attainment.spread.distribution import SMALL_GROUP
from salesops_lib.core.charts import percent, short_money

_COMPANY = "company, company"


def quota_screen(quotas: QuotaPlan, tables: dict[str, pd.DataFrame], *, currency: str) -> Screen:
    """Quotas proposed, chance of the target, capacity, reps at quota; each number with its cell.

    Parameters
    ----------
    quotas
        The plan; where no quota could be set the one card says why.
    tables
        ``quota_proposal``, ``quota_levels``, ``capacity_bridge``, ``quota_simulation`` and
        ``quota_backtest``: the report's output tables by name.
    currency
        Reporting currency.
    """
    trace, cards = Trace(), []
    if tables["quota_levels"].empty:
        whole, seats = len(quotas.basis.whole), len(quotas.basis.seats)
        why = f"{whole} whole quarters and {seats} seats with a quota known; see Limits"
        return Screen([("Quotas proposed", "–", "", why)], trace.frame())
    company = tables["quota_levels"].iloc[0]
    facts = tables["quota_simulation"].set_index("measure")
    for build in (
        lambda: _quotas(trace, quotas, company, facts, currency),
        lambda: _chance(trace, company, tables["quota_levels"]),
        lambda: _capacity(trace, tables["capacity_bridge"], facts, currency),
        lambda: _share(trace, tables, facts),
    ):
        before = len(trace.rows)
        cards.append(build())
        for said in trace.rows[before:]:
            said["card"] = cards[-1][0]
    return Screen(cards, trace.frame())


def chance_text(chance: float) -> str:
    """A chance as a reader meets it: never 0 or 100 %."""
    if chance > 0.99:
        return "over 99 %"
    return "under 1 %" if chance < 0.01 else percent(chance)


def _quotas(trace: Trace, quotas: QuotaPlan, company: pd.Series, facts: pd.DataFrame, currency: str) -> Card:
    said = {
        name: trace.say(write(company[name]), float(company[name]), "quota_levels", _COMPANY, name)
        for name, write in (
            ("quotas_base", lambda v: short_money(float(v))),
            ("over_assignment", lambda v: percent(float(v))),
            ("target_base", lambda v: short_money(float(v))),
            ("seats", str),
        )
    }
    source = "given"
    if not quotas.plan.stated:
        grown = float(facts.loc[GROWTH, "mid"])
        shown = trace.say(f"{100 * grown:+.0f} %", grown, "quota_simulation", GROWTH, "mid")
        source = f"last four quarters {shown}"
    adds = f"{said['over_assignment']} of the target of {said['target_base']}"
    reps = f"{said['seats']} rep{'s' if company['seats'] != 1 else ''}"
    return (
        f"Quotas proposed, {quotas.plan.name}",
        f"{said['quotas_base']} {currency}",
        adds,
        (f"{reps}; target: {source}"),
    )


def _chance(trace: Trace, company: pd.Series, levels: pd.DataFrame) -> Card:
    low, high = (
        trace.say(short_money(company[c]), company[c], "quota_levels", _COMPANY, c)
        for c in ("booked_low", "booked_high")
    )
    chance = company["p_target"]
    value = trace.say(chance_text(chance), chance, "quota_levels", _COMPANY, "p_target")
    teams, lowest = levels[levels["level"] == "team"], ""
    if len(teams) > 1:
        row = teams.loc[teams["p_target"].idxmin()]
        at = f"team, {row['holder_id']}, {row['parent_id']}"
        shown = trace.say(chance_text(row["p_target"]), row["p_target"], "quota_levels", at, "p_target")
        lowest = f"lowest: {row['holder_id']}, {shown}"
    return "Chance of the target", value, f"bookings {low} to {high} at 80 %", lowest


def _capacity(trace: Trace, bridge: pd.DataFrame, facts: pd.DataFrame, currency: str) -> Card:
    step = "Bottom-up capacity"
    can = float(bridge.loc[bridge["step"] == step, "amount_base"].iloc[0])
    value = trace.say(short_money(can), can, "capacity_bridge", step, "amount_base")
    cover, trend = float(facts.loc[COVER, "mid"]), float(facts.loc[TREND, "mid"])
    part = trace.say(percent(cover), cover, "quota_simulation", COVER, "mid")
    yearly = trace.say(f"{100 * trend:+.0f} %", trend, "quota_simulation", TREND, "mid")
    return step, f"{value} {currency}", f"{part} of the target", f"productivity {yearly} a year, shrunk"


def _share(trace: Trace, tables: dict[str, pd.DataFrame], facts: pd.DataFrame) -> Card:
    """Simulated reps at quota: a share with its range; in a small group the number expected."""
    label, past = "Reps at quota, simulated", _past(trace, tables["quota_backtest"])
    reps = tables["quota_proposal"]["p_quota"].dropna()
    if len(reps) < SMALL_GROUP:
        about = trace.say(f"{reps.sum():.1f}", reps.sum(), "quota_proposal", "all", "p_quota", "sum")
        many = trace.say(str(len(reps)), len(reps), "quota_proposal", "all", "p_quota", "count")
        return label, f"about {about} of {many}", "few reps: no percentage", past
    said = {
        name: trace.say(
            write(facts.loc[SHARE, name]), facts.loc[SHARE, name], "quota_simulation", SHARE, name
        )
        for name, write in (("mid", percent), ("low", _whole), ("high", _whole))
    }
    return label, said["mid"], f"{said['low']}–{said['high']} % at 80 %", past


def _whole(share: float) -> str:
    return f"{100 * share:.0f}"


def _past(trace: Trace, scores: pd.DataFrame) -> str:
    if scores.empty:
        return "no back-test: see Limits"
    rows = scores.set_index("quota_set")

    def told(name: str, column: str) -> str:
        value = int(rows.loc[name, column])
        return trace.say(str(value), value, "quota_backtest", name, column)

    reached = f"{told(PROPOSED, 'at_quota')} of {told(PROPOSED, 'reps')}"
    return f"back-test: {reached}; quotas as given: {told(ACTUAL, 'at_quota')}"
