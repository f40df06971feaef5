"""The quota report's first screen: what quota for whom, does it add up, how likely is the plan."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.capacity import capacity_of
from salesops_lib.attainment.headline import Card
from salesops_lib.attainment.quota_backtest import ACTUAL, PROPOSED
from salesops_lib.attainment.quota_plan import QuotaPlan
from salesops_lib.attainment.quota_simulation import Simulation
from salesops_lib.core.charts import percent, short_money


def quota_cards(
    quotas: QuotaPlan, drawn: Simulation | None, scores: pd.DataFrame, *, currency: str
) -> list[Card]:
    """Quotas proposed, capacity, chance of the target, reps at quota: label, value, range, note.

    Where no quota could be set the one card says why.
    """
    if not quotas.ready or drawn is None:
        whole = len(quotas.basis.whole)
        return [
            ("Quotas proposed", "–", "", f"{whole} whole quarters and {len(quotas.basis.seats)} seats known")
        ]
    plan, company = quotas.plan, drawn.levels.iloc[0]
    target, can = float(plan.target), capacity_of(quotas.bridge)
    source = "given" if plan.stated else f"last four quarters {100 * plan.growth:+.0f} %"
    adds = f"{percent(float(company['over_assignment']))} of the target of {short_money(target)}"
    low, middle, high = drawn.share_range()
    return [
        (
            f"Quotas of {len(quotas.proposed.reps)} reps, {plan.name}",
            f"{short_money(float(company['quotas_base']))} {currency}",
            adds,
            f"target: {source}",
        ),
        (
            "Chance of the target",
            chance_text(company["p_target"]),
            f"bookings {short_money(company['booked_low'])} to {short_money(company['booked_high'])} at 80 %",
            _weakest(drawn),
        ),
        (
            "Bottom-up capacity",
            f"{short_money(can)} {currency}",
            f"{percent(can / target)} of the target",
            f"productivity {100 * quotas.made.trend:+.0f} % a year, shrunk",
        ),
        (
            "Reps at quota, simulated",
            percent(middle),
            f"{100 * low:.0f}–{100 * high:.0f} % at 80 %",
            _past(scores),
        ),
    ]


def chance_text(chance: float) -> str:
    """A chance as a reader meets it: never 0 or 100 %."""
    if chance > 0.99:
        return "over 99 %"
    return "under 1 %" if chance < 0.01 else percent(chance)


def _weakest(drawn: Simulation) -> str:
    teams = drawn.levels[drawn.levels["level"] == "team"]
    if len(teams) < 2:
        return ""
    row = teams.loc[teams["p_target"].idxmin()]
    return f"lowest: {row['holder_id']}, {percent(row['p_target'])}"


def _past(scores: pd.DataFrame) -> str:
    if scores.empty:
        return "no back-test: the past is too short"
    rows = scores.set_index("quota_set")
    own, given = rows.loc[PROPOSED], rows.loc[ACTUAL]
    return (
        f"back-test: {int(own['at_quota'])} of {int(own['reps'])}; quotas as given: {int(given['at_quota'])}"
    )
