"""From a company's tables to what the simulation starts from, and what it was asked to assume."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.company_events import company_events
from salesops_lib.compensation.engine.company_holders import NO_PLAN, company_holders
from salesops_lib.compensation.engine.history import Records
from salesops_lib.compensation.engine.invoice_events import unpaid_days
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.simulation.change_parts import Reactions
from salesops_lib.compensation.simulation.families import FAMILIES
from salesops_lib.compensation.simulation.setup import Asked
from salesops_lib.compensation.simulation.sources import Assumed
from salesops_lib.compensation.simulation.world import Leaving
from salesops_lib.core.errors import ParameterError, TableError, nearest
from salesops_lib.core.policy import Policy

TABLES = (
    "opportunities", "reps", "quotas", "plan_assignments", "credits", "leads", "measure_events", "line_items",
    "invoices", "contracts",
)  # fmt: skip
"""Tables that are read where they are there; the first four are needed."""
NAMES = ("", *FAMILIES, "bootstrap", "deals")
MOST_SCENARIOS = 1_000_000


def records_of(
    tables: dict[str, pd.DataFrame], plans: list[Plan], company, as_of: date, policy: Policy
) -> tuple[Records, list[str]]:
    """Events and holders of a company, and what stands in for missing quotas.

    ``tables``: frames of ``TABLES``; ``company``: its calendar and ``time_zone``. A quarter without a quota
    takes that of the quarter before (a close would refuse it): each is said. A plan id that no file has is
    said too. Raises TableError where nobody is on a plan.
    """
    if not plans:
        raise TableError("there is no plan file; put plans into plans/ of the company folder, see data/plans")
    share = policy.value("overlay_quota_share", as_of).value
    holders = company_holders(tables, plans, company.calendar, share)
    known = {p.id for p in plans}
    lost = sorted({p for p in holders["plan_id"].unique() if p != NO_PLAN and p not in known})
    said = [f"Plan {p} has no file: who is on it is left out." for p in lost]
    if not holders["plan_id"].isin(list(known)).any():
        raise TableError(
            f"nobody in plan_assignments is on a plan with a file ({', '.join(sorted(known))}); check plan_id"
        )
    holders, filled = filled_quotas(holders, company.calendar)
    place = tables["reps"].sort_values("start_date").drop_duplicates("rep_id", keep="last")
    places = place.set_index("rep_id")["region"].to_dict()
    events = company_events(tables, company.time_zone, as_of, unpaid_days(policy))
    return Records(events, holders, company.calendar, as_of, places), said + filled


def filled_quotas(holders: pd.DataFrame, calendar) -> tuple[pd.DataFrame, list[str]]:
    """Holders whose gaps between known quotas are filled with the quarter before, and sentences on them."""
    rows = holders.sort_values(["rep_id", "start_date"], kind="stable").copy()
    on_plan = rows["plan_id"] != NO_PLAN
    own = rows["quota"].where(on_plan)
    carried = own.groupby(rows["rep_id"]).ffill()
    back = own[::-1].groupby(rows["rep_id"][::-1]).ffill()[::-1]
    gap = on_plan & own.isna() & carried.notna()
    early = on_plan & own.isna() & carried.isna() & back.notna()
    rows["quota"] = own.where(~gap, carried).where(~early, back)
    periods = calendar.assign(pd.to_datetime(rows["start_date"]), "quarter")
    between = gap & back.notna()
    said = [
        f"{rep}: no quota in {period}; that of the quarter before stands in."
        for rep, period in zip(rows.loc[between, "rep_id"], periods[between], strict=True)
    ]
    made = rows.sort_index().astype("object")
    return made.where(made.notna(), None), list(dict.fromkeys(said))


def asked_for(
    policy: Policy, as_of: date, plans: list[Plan], *, scenarios: int, seed: int, rho: float, family: str
) -> Asked:
    """What a run asks for, with the policy's assumptions. ``rho`` below 0 estimates it.

    Raises ParameterError: an unknown family, ρ above 0.95, no scenario or too many, a negative seed.
    """
    if family not in NAMES:
        raise ParameterError(f"there is no family '{family}'. {nearest(family, NAMES[1:])}")
    if not rho <= 0.95:
        raise ParameterError(f"rho is {rho}; give a share from 0 to 0.95, or -1 to estimate it")
    if not 1 <= scenarios <= MOST_SCENARIOS:
        raise ParameterError(f"scenarios is {scenarios}; give 1 to {MOST_SCENARIOS:,}")
    if seed < 0:
        raise ParameterError(f"seed is {seed}; give a whole number of 0 or more")

    def said(name: str) -> float:
        return policy.value(name, as_of).value

    assumed = Assumed(
        rho=rho if rho >= 0 else None, default_rho=said("rho_default"), default_spread=said("spread_default"),
        persistence=said("market_persistence"), family=family,
    )  # fmt: skip
    leaving = Leaving(said("leave_rate"), int(said("leave_lag_months")), _ramp(plans))
    return Asked(scenarios, seed, assumed, leaving)


def reactions(policy: Policy, as_of: date) -> Reactions:
    """How strong the behaviour scenarios are, by policy."""
    names = ("effort_elasticity", "timing_share", "sandbag_share", "timing_discount")
    return Reactions(*(policy.value(name, as_of).value for name in names))


def _ramp(plans: list[Plan]) -> tuple[float, ...]:
    """The longest ramp of a quota in the plans: what a seat's next holder goes through."""
    ramps = [tuple(float(r) for r in m.quota.ramp) for p in plans for m in p.measures.values() if m.quota]
    longest = max(ramps, key=len, default=())
    return longest if not longest or np.isfinite(longest).all() else ()
