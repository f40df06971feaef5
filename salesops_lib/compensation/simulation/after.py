"""What became of past deals after they were credited: what came back, how long pay on them was held."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.events import RELEASES, kinds_of
from salesops_lib.compensation.engine.history import Records, deals_of
from salesops_lib.compensation.engine.pay import prepare
from salesops_lib.compensation.engine.releases import Afterwards, clawback_share
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.terms import Clawback
from salesops_lib.core.findings import Interval
from salesops_lib.core.stats import proportion_interval

MONTHS, MONTH_DAYS = 12, 365.25 / 12
RESAMPLED = 2_000  # bootstrap draws of a rate


@dataclass(frozen=True)
class After:
    """A role's past deals under one version's terms; what no event of the data can tell is missing.

    ``values``, ``back``: of each deal old enough to have seen its whole window the credited measure, and the
    share of its pay that came back; none where the data has no event of any trigger. ``per_year``: deals a
    year. ``held``: component → (share held back, and for pay earned in each month of the year the share of
    that which is not released by the year's end). ``within_90``: component → share of held pay that is
    released within 90 days. ``unseen``: triggers of the plan that no event of the data is.
    """

    claws_back: bool = False
    values: np.ndarray = field(default_factory=lambda: np.zeros(0))
    back: np.ndarray = field(default_factory=lambda: np.zeros(0))
    per_year: float = 0.0
    held: dict[str, tuple[float, np.ndarray]] = field(default_factory=dict)
    within_90: dict[str, float] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Share of pay by deal that came back; missing where no deal is old enough."""
        whole = self.values.sum()
        return float((self.values * self.back).sum() / whole) if whole > 0 else float("nan")

    def interval(self, level: float = 0.9, seed: int = 7) -> Interval | None:
        """Of the rate: deals resampled. Where none came back Wilson's upper end for the share of deals."""
        if not len(self.back):
            return None
        if not self.back.any():
            counted = proportion_interval(0, len(self.back), level)
            return Interval(0.0, counted.high, level, counted.method)
        random, found = np.random.default_rng(seed), np.empty(RESAMPLED)
        for k in range(RESAMPLED):
            pick = random.integers(0, len(self.back), len(self.back))
            found[k] = (self.values[pick] * self.back[pick]).sum() / self.values[pick].sum()
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(low), float(high), level, f"bootstrap, {RESAMPLED} draws")


@dataclass
class Past:
    """A role's past deals and what happened to them, each worked out once. ``reps``: who has been of it."""

    records: Records
    versions: list[Plan]
    reps: set[str]
    _kept: dict = field(default_factory=dict)

    def deals(self, measure: str) -> pd.DataFrame:
        """Credited deals of a measure, above 0."""
        return self._once(("deals", measure), lambda: self._deals(measure))

    def afterwards(self, plan: Plan) -> Afterwards:
        """The past with the events that a version's terms ask for."""
        asked = frozenset(kinds_of([plan])[1])
        if asked <= kinds_of(self.versions)[1]:
            return self._once("known", lambda: Afterwards(self.records.prepared(self.versions)))
        return self._once(asked, lambda: self._with_terms(plan))

    def triggers(self, plan: Plan) -> dict:
        """Deal → what claws back."""
        found = self.afterwards(plan)
        return self._once(("triggers", id(found)), found.triggers)

    def releases(self, plan: Plan, release_on: str) -> dict:
        """Deal → what releases a hold."""
        found = self.afterwards(plan)
        return self._once((release_on, id(found)), lambda: found.releases(release_on))

    def _deals(self, measure: str) -> pd.DataFrame:
        deals = deals_of(self.records, self.versions, measure)
        return deals[deals["rep_id"].isin(self.reps) & (deals["value"] > 0)]

    def _with_terms(self, plan: Plan) -> Afterwards:
        last = self.versions[-1].model_copy(update={"holds": plan.holds, "clawback": plan.clawback})
        asked = [*self.versions[:-1], last]
        return Afterwards(prepare(asked, self.records.inputs(asked)))

    def _once(self, key, make):
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def after_each(
    records: Records, versions: list[Plan], used: dict[str, Plan], panel: pd.DataFrame, seats: int
) -> dict[str, After]:
    """Variant → what becomes of a role's deals, for the versions that hold pay back or claw it back.

    ``versions``: the plan's past; ``used``: variant → version; ``panel``: the role's past; ``seats``: today.
    """
    quarters = len(panel[panel["step"] == "quarter"].drop_duplicates(["rep_id", "number"]))
    past, made = Past(records, versions, set(panel["rep_id"])), {}
    for variant, plan in used.items():
        if not versions or (plan.clawback is None and not plan.holds):
            continue
        same = next((made[v] for v in made if used[v].version == plan.version), None)
        made[variant] = same or after_of(past, plan, (quarters, seats))
    return made


def after_of(past: Past, plan: Plan, per_seat: tuple[int, int]) -> After:
    """What became of a role's past deals, had a version's terms held all the time.

    ``plan``: the version whose clawback and holds count. ``per_seat``: rep-quarters of the role's past, and
    seats today: what deals a year are counted by.
    """
    measured = {n for v in past.versions for n in v.measures}
    known = [c for c in plan.components if c.type == "commission" and c.measure in measured]
    claws_back, unseen = plan.clawback is not None, _unseen(past.records, plan)
    if not known:
        return After(claws_back, unseen=unseen)
    deals = past.deals(max(known, key=lambda c: c.weight).measure)
    values, back = np.zeros(0), np.zeros(0)
    if plan.clawback is not None and set(plan.clawback.trigger) - set(unseen):
        values, back = _came_back(deals, past.triggers(plan), plan.clawback, past.records.through)
    held, within = {}, {}
    for hold in plan.holds:
        component = next((c for c in known if c.id == hold.component), None)
        if component is not None:
            released = past.releases(plan, hold.release_on)
            left = _unreleased(past.deals(component.measure), released, past.records.through)
            if not _there(past.records) & set(RELEASES[hold.release_on]):
                left = np.full(len(left), np.nan)
            held[hold.component], within[hold.component] = (float(hold.share), left[:MONTHS]), 1 - left[-1]
    quarters, seats = per_seat
    per_year = len(deals) / quarters * 4 * seats if quarters else float(len(deals))
    return After(claws_back, values, back, per_year, held, within, unseen)


def _unseen(records: Records, plan: Plan) -> tuple[str, ...]:
    """Triggers of which the data has no event: what they would take back nobody can tell."""
    there = _there(records)
    return tuple(t for t in (plan.clawback.trigger if plan.clawback else ()) if t not in there)


def _there(records: Records) -> set[str]:
    return set(records.events["event"].dropna())


def _came_back(deals: pd.DataFrame, triggers: dict, terms: Clawback, through: date):
    """(values, shares that came back) of the deals that have seen their whole window."""
    window = terms.window_days or 0
    old = deals[deals["day"] + window <= through.toordinal()]
    back = np.zeros(len(old))
    for place, (deal, day) in enumerate(zip(old["deal_id"], old["day"], strict=True)):
        left, before = 1.0, 0.0
        for after in triggers.get(deal, ()):
            moved, before = float(after.part) - before, float(after.part)
            if after.kind in terms.trigger:
                left -= left * float(clawback_share(terms, after.day - day)) * moved
        back[place] = 1 - left
    return old["value"].to_numpy("float64"), back


def _unreleased(deals: pd.DataFrame, releases: dict, through: date) -> np.ndarray:
    """Share of held pay that is not released by the year's end, for pay of each month; last: after 90 days.

    Of the deals that have been watched for so long, by their value; missing where there is none.
    """
    days = np.append((MONTHS - np.arange(MONTHS) - 0.5) * MONTH_DAYS, 90.0)
    age = through.toordinal() - deals["day"].to_numpy("float64")
    value = deals["value"].to_numpy("float64")
    out = np.zeros((len(days), len(deals)))
    for place, (deal, day) in enumerate(zip(deals["deal_id"], deals["day"], strict=True)):
        steps = [(0, 0.0), *((max(a.day - day, 0), float(a.part)) for a in releases.get(deal, ()))]
        for (_, before), (after_days, part) in pairwise(steps):
            out[:, place] += (days >= after_days) * (part - before)
    watched = age[None, :] >= days[:, None]
    weight = (watched * value[None, :]).sum(axis=1)
    return np.divide(
        (watched * value * (1 - out)).sum(axis=1), weight, out=np.full(len(days), np.nan), where=weight > 0
    )
