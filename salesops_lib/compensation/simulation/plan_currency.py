"""Plans in the reporting currency: what a simulation adds up has one currency.

Bookings and quotas of a company stand in its reporting currency. A plan that pays in another is restated at
one rate: every sum of money in it times the rate, every share, rate and ratio as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pandas as pd

from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import SLOPED
from salesops_lib.core.errors import TableError

MONEY = ("target_cash", "base_salary")


def in_reporting(
    plans: Iterable[Plan], currency: str, day: date, rates: pd.DataFrame, held: Iterable[str]
) -> tuple[list[Plan], list[str]]:
    """Plans restated in the reporting currency, and a sentence for each currency that was.

    Parameters
    ----------
    plans
        Any versions; those in the reporting currency, and those that nobody holds, stay as they are.
    day
        The rate is the last that held on it.
    rates
        ``currency``, ``date``, ``base_per_unit``: of ``inputs.plan_rates``.
    held
        Ids of plans that somebody is on.

    Raises
    ------
    TableError
        A held plan's currency has no rate on the day.
    """
    made, used, held = [], {}, set(held)
    for plan in plans:
        if plan.currency == currency or plan.id not in held:
            made.append(plan)
            continue
        rate = used.setdefault(plan.currency, _rate(rates, plan, day))
        made.append(_restated(plan, currency, rate))
    said = [
        f"Plans in {code} are restated at {rate} {currency}, the plan rate on {day}; statements convert each "
        "deal by the plan's own rule."
        for code, rate in sorted(used.items())
    ]
    return made, said


def assignments_in(rows: pd.DataFrame, currency: str, day: date, rates: pd.DataFrame) -> pd.DataFrame:
    """``plan_assignments`` with target cash and base salary in the reporting currency, row by row.

    Raises TableError where a row's currency has no rate.
    """
    if "currency" not in rows or not set(MONEY) & set(rows):
        return rows
    made = rows.copy()
    foreign = rows["currency"].notna() & (rows["currency"] != currency)
    for code in sorted(rows.loc[foreign, "currency"].unique()):
        rate = _known(rates, code, day)
        if rate is None:
            raise TableError(
                f"plan_assignments: no plan rate of {code} on {day}; add it to policy/plan_rates.yaml"
            )
        mine = foreign & (rows["currency"] == code)
        for name in set(MONEY) & set(rows):
            made[name] = made[name].astype("float64")
            made.loc[mine, name] = rows.loc[mine, name].astype("float64") * float(rate)
        made.loc[mine, "currency"] = currency
    return made


def _rate(rates: pd.DataFrame, plan: Plan, day: date) -> Decimal:
    rate = _known(rates, plan.currency, day)
    if rate is None:
        raise TableError(
            f"plan {plan.id} pays in {plan.currency}, and there is no plan rate of it on {day}; add it to "
            "policy/plan_rates.yaml"
        )
    return rate


def _known(rates: pd.DataFrame, code: str, day: date) -> Decimal | None:
    mine = rates[(rates["currency"] == code) & (rates["date"] <= pd.Timestamp(day))]
    mine = mine[mine["base_per_unit"].notna()].sort_values("date")
    return Decimal(repr(float(mine["base_per_unit"].iloc[-1]))) if len(mine) else None


def _restated(plan: Plan, currency: str, rate: Decimal) -> Plan:
    """The plan with every sum of money × ``rate``."""
    money = {name: _is_money(plan, name) for name in _measures_of(plan)}
    change = {
        "currency": currency, "fx": None,
        "pay": _times(plan.pay, rate, "target_total_cash", "base_salary"),
        "measures": {n: _measure(m, rate) if money.get(n) else m for n, m in plan.measures.items()},
        "components": tuple(_component(c, plan, money, rate) for c in plan.components),
        "spiffs": tuple(
            _times(s, rate, *(() if s.per == "percent" else ("pays",)), "max_total", "max_per_payee")
            for s in plan.spiffs
        ),
        "pool": tuple(p.model_copy(update={"funding": _times(p.funding, rate, "amount")}) for p in plan.pool),
        "cap": _times(plan.cap, rate, "amount"), "draw": _draw(plan.draw, rate),
    }  # fmt: skip
    return plan.model_copy(update=change)


def _measures_of(plan: Plan) -> set[str]:
    names = set(plan.measures)
    for part in plan.components:
        names |= {part.measure, *(m.measure for m in part.multipliers)}
        names |= {part.measure2} if part.method == "matrix" else set()
        names |= {g.measure for g in part.gates if g.measure}
    return names


def _is_money(plan: Plan, name: str) -> bool:
    measure = plan.measure(name)
    return measure.aggregate == "sum" and measure.money


def _times(part, rate: Decimal, *names: str):
    """A copy in which these numbers, where they are there, are × rate."""
    if part is None:
        return None
    found = {n: getattr(part, n) * rate for n in names if isinstance(getattr(part, n), Decimal | int)}
    return part.model_copy(update=found)


def _measure(measure, rate: Decimal):
    quota = _times(measure.quota, rate, "value") if measure.quota is not None else None
    return _times(measure, rate, "target_at").model_copy(update={"quota": quota})


def _component(part, plan: Plan, money: dict[str, bool], rate: Decimal):
    """Its curve: the measure's axis where it is money, the payout where it is a sum."""
    one = Decimal(1)
    across = rate if money.get(part.measure) and part.basis != "attainment" else one
    per_unit = part.method in SLOPED and money.get(part.measure)
    sums = part.rate_unit in {"amount", "percent"} and not per_unit
    up = rate if sums else one
    change = {"cap": _times(part.cap, rate, "amount", "per_deal")}
    if part.method in {*SLOPED, "step"}:
        change["tiers"] = tuple(_tier(t, across, up) for t in part.tiers)
    if part.method == "interpolated":
        change["points"] = tuple((x * across, y * up) for x, y in part.points)
    if part.method == "matrix":
        change["table"] = tuple(tuple(cell * up for cell in row) for row in part.table)
        change["rows"] = tuple(x * across for x in part.rows)
        second = money.get(part.measure2) and part.basis != "attainment"
        change["cols"] = tuple(y * (rate if second else one) for y in part.cols)
    return part.model_copy(update=change | _conditions(part, plan, money, rate))


def _conditions(part, plan: Plan, money: dict[str, bool], rate: Decimal) -> dict:
    """Gates and multipliers that read a sum of money."""
    found: dict = {}
    if part.gates:
        gates = tuple(
            _times(g, rate, "value_at_least") if money.get(g.measure or "") else g for g in part.gates
        )
        found["gate"] = gates if isinstance(part.gate, tuple | list) else gates[0]
    if part.multipliers:
        made = tuple(
            _multiplier(m, rate) if money.get(m.measure) and _by_value(m, plan) else m
            for m in part.multipliers
        )
        found["multiplier"] = made if isinstance(part.multiplier, tuple | list) else made[0]
    return found


def _by_value(multiplier, plan: Plan) -> bool:
    """Whether it reads the sum itself: said so, or there is no quota to read attainment by."""
    return multiplier.basis == "value" or (
        multiplier.basis is None and plan.measure(multiplier.measure).quota is None
    )


def _multiplier(part, rate: Decimal):
    change = {"points": tuple((x * rate, y) for x, y in part.points)} if part.points else {}
    if part.tiers:
        change["tiers"] = tuple(_tier(t, rate, Decimal(1)) for t in part.tiers)
    return part.model_copy(update=change)


def _tier(tier, across: Decimal, up: Decimal):
    return tier.model_copy(update={"from_": tier.from_ * across, "rate": tier.rate * up})


def _draw(draw, rate: Decimal):
    if draw is None:
        return None
    recovery = None if draw.recovery is None else _times(draw.recovery, rate, "floor")
    return _times(draw, rate, "amount").model_copy(update={"recovery": recovery})
