"""Measures, quotas and attainment of the holders of one plan, asked for by holder, window and day."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from salesops_lib.compensation.engine.proration import Prorated
from salesops_lib.compensation.engine.tallies import Tally, Tallying
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window, Windows

AT_QUOTA = "team_members_at_quota"
ZERO = Fraction(0)


@dataclass
class Measured:
    """All measures of a plan. ``notes`` tells what is undefined or missing."""

    tallying: Tallying
    prorated: Prorated
    windows: Windows
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _direct: dict[str, Tally] = field(default_factory=dict)

    def tally(self, name: str) -> Tally:
        """The tally of a measure."""
        if name not in self._tallies:
            self._tallies[name] = self.tallying.tally(name)
        return self._tallies[name]

    def direct(self, name: str) -> Tally:
        """The tally of a measure over the deals' own credits, each deal once, on this plan or not."""
        if name not in self._direct:
            self._direct[name] = self.tallying.tally(name, direct=True)
        return self._direct[name]

    def value(self, rep: str, name: str, plan: Plan, window: Window, through: int) -> Fraction | None:
        """The measure in a window by the end of a day; None where it is undefined."""
        measure = plan.measure(name)
        if self.is_derived(measure):
            return self._members_at_quota(rep, plan, window, through)
        return self.tally(name).value(rep, window, through)

    def quota(self, rep: str, name: str, plan: Plan, window: Window) -> Fraction | None:
        """The quota in a window; None without one, 0 where a ramp leaves nothing."""
        return self.prorated.quota(rep, name, plan, window)

    def read(self, rep: str, name: str, basis: str | None, plan: Plan, window: Window, through: int):
        """The measure as a curve reads it: attainment or its value. ``basis`` None: by its having a quota."""
        value = self.value(rep, name, plan, window, through)
        by_quota = basis == "attainment" or (basis is None and plan.measure(name).quota is not None)
        if value is None or not by_quota:
            return value
        quota = self.quota(rep, name, plan, window)
        return value / quota if quota else None

    def days_with_news(self, rep: str, name: str, plan: Plan, window: Window) -> list[int]:
        """The days on which a holder's measure changes in a window."""
        measure = plan.measure(name)
        if self.is_derived(measure):
            base = self.direct(self.base_of(plan))
            members = {m.rep_id for m, _, _, _ in self.prorated.members(rep, window)}
            return sorted({e.day for m in members for e in base.of(m, window)})
        return [e.day for e in self.tally(name).of(rep, window)]

    def is_derived(self, measure: Any) -> bool:
        """Whether a measure is worked out from the holder's reports and not from events of its own."""
        named = measure.aggregate == "share" and measure.of == AT_QUOTA
        return named and self.tallying.events.column(AT_QUOTA) is None

    def base_of(self, plan: Plan) -> str:
        """The measure whose quota rolls up, by which the members are judged."""
        rolled = [n for n, m in plan.measures.items() if m.quota and m.quota.source == "rollup"]
        return rolled[0] if rolled else ""

    def _members_at_quota(self, rep: str, plan: Plan, window: Window, through: int) -> Fraction | None:
        """Share of a holder's reports whose own attainment in the window is 1 or more; None without any."""
        name = self.base_of(plan)
        if not name:
            return None
        quotas = self.prorated.member_quotas(rep, name, plan, window)
        if not quotas:
            return None
        base = self.direct(name)
        at_quota = sum((base.value(m, window, through) or ZERO) >= quota for m, quota in quotas.items())
        return Fraction(at_quota, len(quotas))
