"""What holders earn by component: at once where lines are certain, line by line elsewhere."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from salesops_lib.compensation.engine.caps import component_caps
from salesops_lib.compensation.engine.deal_lines import deal_lines, separate_cap
from salesops_lib.compensation.engine.fast_lines import Block, fast_blocks
from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying, component_ids
from salesops_lib.compensation.engine.window_lines import window_lines
from salesops_lib.compensation.plans.windows import Window


@dataclass
class Earned:
    """Earnings of all holders: ``lines`` as records by holder, and ``blocks`` of lines still in columns."""

    paying: Paying
    lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    blocks: list[Block] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def block_cents(self) -> dict[str, dict[Window, int]]:
        """Holder → pay period → cents in blocks."""
        found: dict[str, dict[Window, int]] = defaultdict(lambda: defaultdict(int))
        number, kind = self.paying.windows.number, self.paying.versions.plans[-1].pay_period
        for block in self.blocks:
            width = int(block.period.max()) + 1
            keys, where = np.unique(block.columns.rep[block.at] * width + block.period, return_inverse=True)
            sums = np.zeros(len(keys), dtype="int64")
            np.add.at(sums, where, block.cents)
            for key, cents in zip(keys.tolist(), sums.tolist(), strict=True):
                found[block.columns.reps[key // width]][number(kind, key % width)] += cents
        return found

    def block_lines(self, deals: set[str] | None = None) -> dict[str, list[Line]]:
        """Holder → lines in blocks, all or those of some deals."""
        found: dict[str, list[Line]] = defaultdict(list)
        deal_id = self.paying.measured.tallying.events.deal_id
        for block in self.blocks:
            which: slice | np.ndarray = slice(None)
            if deals is not None:
                events = block.columns.event[block.at].tolist()
                which = np.flatnonzero([deal_id[event] in deals for event in events])
            for line in block.lines(which):
                found[line.rep].append(line)
        return found


def earn(paying: Paying, payees: list[str], first: int, exactly: bool) -> Earned:
    """Lines of all components, gated ones after those that they wait for, with the components' own caps.

    ``first``: the first day with an event. ``exactly``: line by line, in fractions only.
    """
    earned = Earned(paying)
    here = set(payees)
    for name in component_ids(paying.versions.plans):
        earned.order.append(name)
        blocks, done = ([], set()) if exactly else fast_blocks(paying, name)
        mine: dict[str, list[Line]] = defaultdict(list)
        if _needs_records(paying, name):
            for line in (line for block in blocks for line in block.lines()):
                mine[line.rep].append(line)
            for key in done:
                _remember(paying, name, key, [n for n in mine[key[0]] if n.window == key[1]])
        else:
            earned.blocks += blocks
        for rep in payees:
            for window in _windows_of(paying, rep, name, first):
                if (rep, window) not in done:
                    made = _lines(paying, rep, name, window)
                    mine[rep] += made
                    _remember(paying, name, (rep, window), made)
        for rep in sorted(here & set(mine)):
            earned.lines[rep] += mine[rep] + component_caps(paying, rep, mine[rep])
    return earned


def _lines(paying: Paying, rep: str, name: str, window: Window) -> list[Line]:
    part = paying.part_on(window.end - 1, name) or paying.part_on(window.start, name)
    by_deal = part is not None and part.type == "commission"
    return (deal_lines if by_deal else window_lines)(paying, rep, name, window)


def _needs_records(paying: Paying, name: str) -> bool:
    """Whether a later step looks at the component's lines one by one: a hold, a cap of its own, a gate."""
    for plan in paying.versions.plans:
        for part in plan.components:
            if any(gate.component == name for gate in part.gates):
                return True
            kind = plan.measure(part.measure).period
            if part.id == name and part.cap is not None and separate_cap(part.cap, kind):
                return True
        if any(hold.component == name for hold in plan.holds):
            return True
    return False


def _windows_of(paying: Paying, rep: str, name: str, first: int) -> list[Window]:
    """Windows in which a component can pay a holder: with entries; of a bonus all he is there in."""
    found: set[Window] = set()
    for plan in paying.versions.plans:
        part = next((c for c in plan.components if c.id == name), None)
        if part is None:
            continue
        tally, measure = paying.measured.tally(part.measure), plan.measure(part.measure)
        found |= tally.windows_of(rep)
        if part.type == "bonus" and (not tally.is_empty or paying.measured.is_derived(measure)):
            all_windows = paying.windows.between(measure.period, first, max(first, paying.horizon))
            found |= {w for w in all_windows if paying.prorated.active(rep, w)}
    return sorted(found, key=lambda w: w.start)


def _remember(paying: Paying, name: str, key: tuple[str, Window], lines: list[Line]) -> None:
    """Keep what a component earned by the end of each pay period, for gates that wait for it."""
    total, history = 0, []
    for line in sorted(lines, key=lambda line: line.period.start):
        total += line.cents
        history.append((line.period.end, total))
    paying.factors.earned[key[0], name, key[1]] = history
