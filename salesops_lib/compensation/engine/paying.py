"""What every component needs to be paid: the plan's versions, measures, factors, windows and rounding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from salesops_lib.compensation.engine.factors import Factors
from salesops_lib.compensation.engine.measured import Measured
from salesops_lib.compensation.engine.rounding import CENTS, Rounder, rounder
from salesops_lib.compensation.engine.tallies import Entry
from salesops_lib.compensation.plans.curves import Curve, Surface, curve_of, surface_of
from salesops_lib.compensation.plans.faults import PlanError
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import Scale, needs_quota, scale_of
from salesops_lib.compensation.plans.windows import Window, Windows


@dataclass
class Paying:
    """One plan being paid. ``horizon``: the last day (ordinal) that is known; ``whole``: events after it may
    exist (a day was asked for), so that windows still open then are not paid at their end.
    """

    measured: Measured
    windows: Windows
    horizon: int
    open_ended: bool
    factors: Factors = field(init=False)
    notes: list[str] = field(default_factory=list)
    _curves: dict[tuple, Curve | Surface] = field(default_factory=dict)
    _scales: dict[tuple, Scale | None] = field(default_factory=dict)
    _rounders: dict[int, Rounder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.factors = Factors(self.measured)
        self.prorated = self.measured.prorated
        self.versions = self.prorated.versions

    def plan_on(self, day: int) -> Plan:
        """The version in force on a day, the last one before it where none is."""
        found = self.versions.on(day)
        if found is None:
            before = [p for start, _, p in self.versions.spans if start <= day]
            found = before[-1] if before else self.versions.plans[0]
        return found

    def plan_of(self, rep: str, window: Window) -> Plan | None:
        """The version that a holder is last on in a window; None where he is not on the plan in it."""
        active = self.prorated.active(rep, window)
        return active[-1].plan if active else None

    def entries(self, rep: str, name: str, window: Window) -> list[Entry]:
        """The entries of a component's measure in a window; of versions that have the component."""
        found: list[Entry] = []
        for measure in self.measures_of(name):
            for entry in self.measured.tally(measure).of(rep, window):
                part = self.part_on(entry.day, name)
                if part is None or part.measure == measure:
                    found.append(entry)
        return found

    def measures_of(self, name: str) -> list[str]:
        """The measures that the versions' components of this id are paid by: as a rule one."""
        return list(
            dict.fromkeys(c.measure for p in self.versions.plans for c in p.components if c.id == name)
        )

    def part_on(self, day: int, name: str):
        """The component of the version of a day; None where that version has none of this id."""
        return next((c for c in self.plan_on(day).components if c.id == name), None)

    def period(self, day: int) -> Window:
        """The pay period of a day."""
        return self.windows.at(self.versions.plans[-1].pay_period, day)

    def periods(self, first: int, last: int) -> list[Window]:
        """Pay periods from that of one day to that of another."""
        return self.windows.between(self.versions.plans[-1].pay_period, first, max(first, last))

    def rounder(self, plan: Plan) -> Rounder:
        """The version's rounding."""
        if plan.version not in self._rounders:
            self._rounders[plan.version] = rounder(plan.rounding)
        return self._rounders[plan.version]

    def curve(self, plan: Plan, component) -> Curve:
        """A component's curve, worked out once."""
        key = (plan.version, component.id)
        if key not in self._curves:
            make = surface_of if component.method == "matrix" else curve_of
            self._curves[key] = make(component)
        return self._curves[key]

    def target(self, rep: str, plan: Plan, component, window: Window) -> Fraction:
        """Target incentive of a component in a window."""
        return self.prorated.target(rep, plan, window) * Fraction(component.weight)

    def scale(self, rep: str, plan: Plan, component, window: Window) -> Scale | None:
        """Units of a component for a holder and window; None where a ramp leaves no quota.

        Raises PlanError where the holder has no quota of the measure.
        """
        key = (rep, plan.version, component.id, window)
        if key not in self._scales:
            self._scales[key] = self._scale(rep, plan, component, window)
        return self._scales[key]

    def _scale(self, rep: str, plan: Plan, component, window: Window) -> Scale | None:
        target = self.target(rep, plan, component, window)
        if not needs_quota(component):
            return scale_of(component, target, None)
        quota = self.measured.quota(rep, component.measure, plan, window)
        if quota is None:
            self._no_quota(rep, plan, component.measure)
        if quota == 0:
            name = self.windows.name(window)
            self.note(f"{rep}: the quota of {component.measure} is 0 in {name}, nothing is paid on it")
            return None
        return scale_of(component, target, quota)

    def _no_quota(self, rep: str, plan: Plan, name: str) -> None:
        source = plan.measure(name).quota.source
        what = "no report has one to roll up" if source == "rollup" else "it is individual"
        row = self.prorated.holders[rep].spells[0].row
        file = self.prorated.holders_file
        place = f"{file}:{row}" if row else file
        raise PlanError(
            f"{place} E203 {rep}: no quota of {name} ({what}); fill in column quota_{name} of the holders, "
            f"or give --quota {name}=1200000"
        )

    def note(self, text: str) -> None:
        """Keep a sentence for the reader, once."""
        if text not in self.notes:
            self.notes.append(text)

    def cap_cents(self, rep: str, plan: Plan, cap, window: Window, weight: Fraction) -> int | None:
        """The most that may be paid in a window, in cents, rounded down; None without such a cap."""
        limits = []
        if cap is not None and cap.amount is not None:
            limits.append(Fraction(cap.amount))
        if cap is not None and cap.share_of_target is not None:
            limits.append(Fraction(cap.share_of_target) * self.prorated.target(rep, plan, window) * weight)
        if not limits:
            return None
        unit = self.rounder(plan).unit
        return int(min(limits) * CENTS // unit) * unit


def component_ids(plans: Iterable[Plan]) -> list[str]:
    """Ids of all versions' components in the order in which they can be paid: gates' components first."""
    order: list[str] = []
    parts = {c.id: c for p in plans for c in p.components}

    def add(name: str) -> None:
        if name in order or name not in parts:
            return
        for gate in parts[name].gates:
            if gate.component is not None and gate.component != name:
                add(gate.component)
        order.append(name)

    for name in parts:
        add(name)
    return order
