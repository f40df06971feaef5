"""What a component's earnings are multiplied with: its multipliers, and its gates as 1 or 0.

A factor belongs to the day of an event: it is read in the windows of its own measures that hold this day, as
known at the end of a pay period. A measure that is undefined multiplies by 1 and opens no gate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from salesops_lib.compensation.engine.measured import Measured
from salesops_lib.compensation.plans.curves import Curve, curve_of
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window

ONE, ZERO = Fraction(1), Fraction(0)


@dataclass
class Factors:
    """Factors of one plan's components.

    ``earned``: (holder, component, window) → [(pay period's end, cents earned by then)], filled in the order
    in which components are paid.
    """

    measured: Measured
    earned: dict[tuple, list[tuple[int, int]]] = field(default_factory=dict)
    _curves: dict[int, Curve] = field(default_factory=dict)
    _memo: dict[tuple, Fraction] = field(default_factory=dict)

    def of(self, rep: str, plan: Plan, component, day: int, through: int) -> Fraction:
        """The factor for what is earned on a day, as known by the end of day ``through``."""
        if not component.multipliers and not component.gates:
            return ONE
        key = (rep, plan.version, component.id, day, through)
        if key not in self._memo:
            factor = ONE
            for part in component.multipliers:
                factor *= self.multiplier(rep, plan, part, day, through)
            for gate in component.gates:
                factor = factor if self.is_open(rep, plan, gate, day, through) else ZERO
            self._memo[key] = factor
        return self._memo[key]

    def multiplier(self, rep: str, plan: Plan, part, day: int, through: int) -> Fraction:
        """One multiplier's factor."""
        window = self._window(plan, part.measure, day)
        x = self.measured.read(rep, part.measure, part.basis, plan, window, through)
        if x is None:
            return ONE
        if id(part) not in self._curves:
            self._curves[id(part)] = curve_of(part)
        return self._curves[id(part)].at(x)

    def is_open(self, rep: str, plan: Plan, gate, day: int, through: int) -> bool:
        """Whether one gate holds."""
        if gate.component is not None:
            window = self._window(plan, plan.component(gate.component).measure, day)
            history = self.earned.get((rep, gate.component, window), [])
            cents = [c for end, c in history if end <= through + 1]
            return bool(cents) and cents[-1] > 0
        by_quota = gate.attainment_at_least is not None
        limit = gate.attainment_at_least if by_quota else gate.value_at_least
        window = self._window(plan, gate.measure, day)
        x = self.measured.read(
            rep, gate.measure, "attainment" if by_quota else "value", plan, window, through
        )
        return x is not None and x >= Fraction(limit)

    def last_day(self, plan: Plan, component, day: int) -> int:
        """The last day of the windows that the factor for a day is read in; ``day`` where there is none."""
        names = [m.measure for m in component.multipliers]
        names += [g.measure or plan.component(g.component).measure for g in component.gates]
        return max([day, *(self._window(plan, n, day).end - 1 for n in names)])

    def words(self, rep: str, plan: Plan, component, day: int, through: int) -> str:
        """The factors as a statement shows them: `` × 1.25``, or `` × 0 (gate on meetings)``."""
        parts = []
        for part in component.multipliers:
            parts.append(f" × {plain(self.multiplier(rep, plan, part, day, through))}")
        for gate in component.gates:
            if not self.is_open(rep, plan, gate, day, through):
                parts.append(f" × 0 (gate {gate.measure or gate.component} is not met)")
        return "".join(parts)

    def _window(self, plan: Plan, name: str, day: int) -> Window:
        return self.measured.windows.at(plan.measure(name).period, day)
