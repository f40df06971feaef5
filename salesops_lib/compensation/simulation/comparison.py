"""Who wins and who loses under the new plan: on the same draws, and on the last year as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.history import Records
from salesops_lib.compensation.plans.plan import ANNUAL, Plan
from salesops_lib.compensation.simulation.drawn import Measures
from salesops_lib.compensation.simulation.evaluation import unit_pay
from salesops_lib.compensation.simulation.kernel import Scratch
from salesops_lib.compensation.simulation.lanes import lanes_of
from salesops_lib.compensation.simulation.real_year import RealYear
from salesops_lib.compensation.simulation.setup import NEW, OLD, Setup
from salesops_lib.compensation.simulation.years import Outcome

SAME = 0.005  # a change of expected pay within half a percent is no change
DECILES = 10
MOST = 4.0  # largest multiple of last year's results that is tried
GRID = 161


def seats_compared(setup: Setup, outcome: Outcome, year: RealYear | None) -> pd.DataFrame:
    """Each seat under both plans.

    Returns
    -------
    DataFrame
        ``rep_id``, ``plan_id``, ``role``, ``region``, ``team``, ``target_old``, ``target_new``, ``pay_old``,
        ``pay_new`` (expected), ``change`` (new − old), ``change_share`` (÷ old), ``better_chance`` (of
        earning more under the new plan), ``outcome`` (wins, loses, same; by expected pay, within half a
        percent), ``attained`` (median of the year), ``real_old``, ``real_new`` (last finished year, exact;
        missing for who was not paid in it).
    """
    frame = setup.seats.frame[["rep_id", "plan_id", "role", "region", "team"]].copy()
    for variant in (OLD, NEW):
        frame[f"target_{variant}"] = outcome.world.target[variant]
        frame[f"pay_{variant}"] = outcome.seat_pay[variant]
    frame["change"] = frame["pay_new"] - frame["pay_old"]
    frame["change_share"] = (frame["change"] / frame["pay_old"]).where(frame["pay_old"] > 0)
    frame["better_chance"] = outcome.better[NEW]
    share = frame["change_share"].fillna(0.0)
    frame["outcome"] = np.select([share > SAME, share < -SAME], ["wins", "loses"], "same")
    frame["attained"] = np.nan
    if outcome.detail is not None:
        known = ~np.isnan(outcome.detail.attained).any(axis=0)
        middle = np.median(outcome.detail.attained[:, known], axis=0)
        frame.loc[known, "attained"] = middle
    for variant in (OLD, NEW):
        frame[f"real_{variant}"] = np.nan if year is None else frame["rep_id"].map(_earned(year, variant))
    return frame


def by_decile(outcome: Outcome) -> pd.DataFrame:
    """Old against new by decile of attainment: every seat-year drawn, seats with a quota of their own.

    Returns ``decile`` (1 is the weakest), ``attained`` (mean), ``n`` seat-years, ``pay_old``, ``pay_new``
    (means), ``change``, ``change_share``, ``winners`` and ``losers`` (shares of seat-years that earn more
    and less, by half a percent at least).
    """
    columns = ["decile", "attained", "n", "pay_old", "pay_new", "change", "change_share", "winners",
               "losers"]  # fmt: skip
    detail = outcome.detail
    if detail is None or NEW not in detail.pay:
        return pd.DataFrame(columns=columns)
    known = ~np.isnan(detail.attained).any(axis=0)
    attained = detail.attained[:, known].ravel()
    if not attained.size:
        return pd.DataFrame(columns=columns)
    old, new = (detail.pay[v][:, known].ravel() for v in (OLD, NEW))
    rank = np.argsort(np.argsort(attained, kind="stable"), kind="stable")
    frame = pd.DataFrame(
        {"decile": 1 + rank * DECILES // attained.size, "attained": attained, "pay_old": old, "pay_new": new}
    )
    frame["winners"] = (frame["pay_new"] > frame["pay_old"] * (1 + SAME)).astype("float64")
    frame["losers"] = (frame["pay_new"] < frame["pay_old"] * (1 - SAME)).astype("float64")
    made = frame.groupby("decile", as_index=False).mean()
    made["n"] = frame.groupby("decile").size().to_numpy()
    made["change"] = made["pay_new"] - made["pay_old"]
    made["change_share"] = (made["change"] / made["pay_old"]).where(made["pay_old"] > 0)
    return made[columns]


def needed(setup: Setup, year: RealYear | None) -> pd.DataFrame:
    """Attainment needed under the new plan to earn what the old one paid for the last finished year.

    All measures with a quota are multiplied by one factor, the rest stays as it was; the factor at which the
    new plan's components pay what the old plan earned, times the year's attainment. Caps per deal and SPIFFs
    of the new plan are not in it.

    Returns
    -------
    DataFrame
        ``rep_id``, ``plan_id``, ``attained`` (the year's), ``pay_old`` (earned, exact), ``pay_new`` (at the
        year's results, by the simulation's formulas), ``needed`` (attainment; missing where no multiple up
        to four earns it).
    """
    columns = ["rep_id", "plan_id", "attained", "pay_old", "pay_new", "needed"]
    rows = []
    if year is not None:
        for plan_id, old in sorted(setup.plans[OLD].items()):
            new = setup.plans[NEW][plan_id]
            if old.version != new.version:
                rows += _needed(setup, year, old, new)
    return pd.DataFrame(rows, columns=columns)


def _needed(setup: Setup, year: RealYear, old: Plan, new: Plan) -> list[tuple]:
    measures, reps, target = actual(setup.records, setup, year, old)
    if measures is None or not len(reps):
        return []
    factors = np.linspace(0, MOST, GRID)
    scaled = _multiplied(measures, factors)
    change = float(new.target_incentive) / float(old.target_incentive)
    lanes = lanes_of(new, target * change, _quotas_under(new, scaled.quotas), 4)
    paid = unit_pay(lanes, scaled.under(lanes.quotas), Scratch())[0]
    earned = _earned(year, OLD)
    here = int(np.argmin(np.abs(factors - 1)))
    primary = next((m for m in measures.attained if m in measures.quotas), None)
    if primary is None:
        return []
    attained = measures.x(primary, 1, True)[0, 0]
    rows = []
    for place, rep in enumerate(reps):
        wanted, curve = float(earned.get(rep, 0.0)), paid[:, place]
        above = np.flatnonzero(curve >= wanted - 0.005)
        factor = _crossing(factors, curve, wanted, above) if len(above) else float("nan")
        rows.append(
            (rep, old.id, float(attained[place]), wanted, float(curve[here]), factor * float(attained[place]))
        )
    return rows


def actual(records: Records, setup: Setup, year: RealYear, plan: Plan):
    """The year's results of a plan's reps as measures of one scenario: (Measures, rep ids, target incentive).

    Reps who were on the plan in every step of the year; the rest did not have a whole year.
    """
    panel = setup.known.panel
    start, end = year.start, year.end
    names = records.calendar.periods("quarter", start)
    quarters = [str(p) for p in names if start <= records.calendar.bounds(p)[0] < end]
    months = [
        str(p)
        for p in records.calendar.periods("month", start)
        if start <= records.calendar.bounds(p)[0] < end
    ]
    attained, values, quotas, means = {}, {}, {}, set()
    rows = panel[(panel["plan_id"] == plan.id) & panel["period"].isin([*quarters, *months])]
    whole = rows[rows["step"] == "quarter"].groupby("rep_id")["period"].nunique()
    reps = sorted(whole[whole >= len(quarters)].index) if len(whole) else []
    if rows["step"].eq("quarter").sum() == 0:
        whole = rows.groupby("rep_id")["period"].nunique()
        reps = sorted(whole[whole >= len(months)].index)
    for name in plan.measures:
        part = rows[(rows["measure"] == name) & rows["rep_id"].isin(reps)]
        if part.empty:
            continue
        periods = quarters if part["step"].iloc[0] == "quarter" else months
        value = _wide(part, "value", periods, reps)
        quota = _wide(part, "quota", periods, reps)
        if plan.measures[name].quota is not None:
            quotas[name] = quota
            attained[name] = np.divide(value, quota, out=np.zeros_like(value), where=quota > 0)[
                :, None
            ].astype("float32")
        else:
            values[name] = value[:, None].astype("float32")
        if part["aggregate"].iloc[0] not in {"sum", "count"}:
            means.add(name)
    if not attained and not values:
        return None, [], np.zeros(0)
    made = Measures(attained, values, quotas, frozenset(means)).under(_quotas_under(plan, quotas))
    return made, reps, _targets(records, plan, reps, year)


def _quotas_under(plan: Plan, quotas: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Quotas as a plan sets them: the role's figure where it has one, else the holder's own."""
    made = dict(quotas)
    for name, quota in quotas.items():
        terms = plan.measures[name].quota if name in plan.measures else None
        if terms is not None and terms.source == "role":
            per_year = ANNUAL[terms.per or plan.measures[name].period]
            made[name] = np.full(quota.shape, float(terms.value) * per_year / len(quota))
    return made


def _targets(records: Records, plan: Plan, reps: list[str], year: RealYear) -> np.ndarray:
    """Target incentive of the year: the holder's own at its end, else the plan's."""
    holders = records.holders
    inside = holders[(holders["start_date"] < year.end) & holders["rep_id"].isin(reps)]
    last = inside.sort_values("start_date").drop_duplicates("rep_id", keep="last").set_index("rep_id")
    own = last["target_cash"].astype("float64") - last["base_salary"].astype("float64")
    return own.reindex(reps).fillna(float(plan.target_incentive)).to_numpy()


def _wide(part: pd.DataFrame, column: str, periods: list[str], reps: list[str]) -> np.ndarray:
    wide = part.pivot_table(index="period", columns="rep_id", values=column, aggfunc="last")
    return wide.reindex(index=periods, columns=reps).fillna(0.0).to_numpy("float64")


def _multiplied(measures: Measures, factors: np.ndarray) -> Measures:
    """The measures at every factor: the factors are the scenarios."""
    times = factors.astype("float32")[None, :, None]
    attained = {m: a * times for m, a in measures.attained.items()}
    values = {m: np.repeat(v, len(factors), axis=1) for m, v in measures.values.items()}
    return replace(measures, attained=attained, values=values, _kept={})


def _crossing(factors: np.ndarray, curve: np.ndarray, wanted: float, above: np.ndarray) -> float:
    """The smallest factor that earns the wanted pay, linear between grid points."""
    first = int(above[0])
    if first == 0:
        return 0.0
    low, high = float(curve[first - 1]), float(curve[first])
    share = (wanted - low) / (high - low) if high > low else 1.0
    return float(factors[first - 1] + share * (factors[first] - factors[first - 1]))


def _earned(year: RealYear, variant: str) -> pd.Series:
    rows = year.earned[year.earned["variant"] == variant]
    return rows.groupby("rep_id")["cents"].sum() / 100
