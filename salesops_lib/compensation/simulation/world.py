"""All that a simulation needs: the seats in groups, what each measure is drawn from, the plans as lanes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from salesops_lib.compensation.simulation.after import After
from salesops_lib.compensation.simulation.deals import DealStream
from salesops_lib.compensation.simulation.draws import Bootstrap, Design, Stream
from salesops_lib.compensation.simulation.exchange import RateRange, drawn_rates
from salesops_lib.compensation.simulation.lanes import PlanLanes


@dataclass(frozen=True)
class Team:
    """A measure that follows from reports: amounts × ``factor``. ``members``: per seat, rows of seats."""

    members: tuple[np.ndarray, ...]
    factor: float = 1.0


@dataclass(frozen=True)
class ShareAtQuota:
    """The share of a seat's reports whose own attainment in the window is 1 or more."""

    members: tuple[np.ndarray, ...]
    windows: int = 4


Source = Stream | Bootstrap | DealStream | Team | ShareAtQuota


@dataclass(frozen=True)
class Group:
    """Seats of one plan and role. ``rows``: their places among all seats.

    ``sources``: measure → what it is drawn from. ``quotas``: measure → steps × reps. ``primary``: the measure
    whose amounts are sales; empty: none. ``means``: measures whose window is a mean. ``whole``: measures
    counted in whole numbers. ``parts``: measure → the deal measure it is a part of. ``lanes``:
    variant → lanes. ``tenure``: whole months on the first day. ``money``: what pay is multiplied with
    to be in the reporting currency. ``after``: variant → what becomes of deals; none where nothing does.
    """

    name: str
    plan_id: str
    rows: np.ndarray
    sources: dict[str, Source]
    quotas: dict[str, np.ndarray]
    primary: str
    means: frozenset[str]
    whole: frozenset[str]
    parts: dict[str, str]
    lanes: dict[str, PlanLanes]
    tenure: np.ndarray
    money: float = 1.0
    after: dict[str, After] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether its measures follow from other groups'."""
        return any(isinstance(s, Team | ShareAtQuota) for s in self.sources.values())


@dataclass(frozen=True)
class Leaving:
    """Seats that fall empty: ``rate`` a year, ``lag`` months until filled, ``ramp`` shares by month after."""

    rate: float = 0.0
    lag: int = 3
    ramp: tuple[float, ...] = ()


@dataclass(frozen=True)
class World:
    """A simulation's whole setting. ``variants``: names in order, the first is what others are compared with.

    ``behaviour``: variant → scenario (`behaviour.Behaviour`); none is the default. ``pattern``: shares of a
    quarter's bookings in its months. ``level``: multiplies every seat's sales: one number, or one a scenario.
    ``rates``: of currencies that plans pay in and whose rate is drawn.
    """

    design: Design
    groups: tuple[Group, ...]
    seats: int
    variants: tuple[str, ...]
    leaving: Leaving = field(default_factory=Leaving)
    behaviour: dict = field(default_factory=dict)
    pattern: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    level: float | np.ndarray = 1.0
    rates: tuple[RateRange, ...] = ()

    def money_of(self, group: Group, block: int) -> float | np.ndarray:
        """What a group's pay is multiplied with: a number, or scenarios × 1 where a rate is drawn."""
        rate = next((r for r in self.rates if group.plan_id in r.plans), None)
        if rate is None:
            return group.money
        return group.money * drawn_rates(rate, self.design.seed, block, self.design.size(block))

    def level_of(self, block: int) -> np.ndarray:
        """The level of each scenario of a block, scenarios × 1, float32."""
        first, n = block * self.design.block, self.design.size(block)
        level = np.broadcast_to(np.asarray(self.level, "float32"), self.design.scenarios)
        return level[first : first + n, None]

    @property
    def payouts(self) -> int:
        """How many payouts the scenarios ask for: a seat, a window, a component and a variant are one."""
        per_year = sum(
            lane.windows * len(group.rows)
            for group in self.groups
            for plan in group.lanes.values()
            for lane in plan.lanes
        )
        return per_year * self.design.scenarios

    @property
    def quota(self) -> np.ndarray:
        """Quota of the primary measure per seat and year; 0 for seats without."""
        made = np.zeros(self.seats)
        for group in self.groups:
            if group.primary:
                made[group.rows] = group.quotas[group.primary].sum(axis=0)
        return made

    @property
    def target(self) -> dict[str, np.ndarray]:
        """Variant → target incentive per seat and year: what its components' targets add up to."""
        return {
            v: self._summed(lambda lanes: sum(x.target.sum(axis=0) for x in lanes.lanes), v)
            for v in self.variants
        }

    def _summed(self, pick, variant: str) -> np.ndarray:
        made = np.zeros(self.seats)
        for group in self.groups:
            if variant in group.lanes:
                made[group.rows] = pick(group.lanes[variant])
        return made
