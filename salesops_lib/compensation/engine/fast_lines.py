"""Commissions of all holders at once: float64 where that is provably the exact cent, fractions elsewhere.

On the band of knot k the running total in cents is ``A + B·c``, c the measure in whole units. In float64 it
errs by at most ``ERRORS · 2⁻⁵³ · (|A| + |B·c|)``. A cent is accepted only where the total lies farther than
that from a rounding tie, and c farther than the knot's own error from a knot; every other line is worked out
in fractions by the curve itself. So the answer is that of `deal_lines`, to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from salesops_lib.compensation.engine.deal_lines import separate_cap
from salesops_lib.compensation.engine.entries import Columns
from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.rounding import CENTS, Rounder
from salesops_lib.compensation.plans.curves import Curve
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import Scale
from salesops_lib.compensation.plans.windows import Window

ERRORS = 16
"""Rounding errors between the exact numbers and the float64 total, counted generously (there are 8)."""
ULP = 2.0**-53
HALVES = ("half_even", "half_up", "half_down")
NO_CAP = np.iinfo("int64").max


@dataclass
class Block:
    """Lines of one component as arrays, in order of holder, window and time. ``cents``: each line's amount.

    ``at``: the entries of ``columns`` that the lines are of; ``before`` and ``after``: the measure in units.
    ``exact``: how many lines were worked out in fractions.
    """

    paying: Paying
    part: str
    columns: Columns
    at: np.ndarray
    version: int
    period: np.ndarray
    before: np.ndarray
    after: np.ndarray
    cents: np.ndarray
    capped: np.ndarray
    exact: int

    def __len__(self) -> int:
        return len(self.cents)

    def lines(self, which: np.ndarray | slice = slice(None)) -> list[Line]:
        """Lines as records, all or those at some places."""
        columns, events = self.columns, self.paying.measured.tallying.events
        kind, number = self.paying.versions.plans[-1].pay_period, self.paying.windows.number
        unit, one, at = 10**columns.places, Fraction(1), self.at[which]
        drawn = (columns.rep, columns.window, columns.day, columns.event, columns.units)
        own = (self.period, self.before, self.after, self.cents, self.capped)
        made = zip(*(c[at].tolist() for c in drawn), *(c[which].tolist() for c in own), strict=True)
        found = []
        for rep, window, day, event, units, period, before, after, cents, capped in made:
            exact = [Fraction(value, unit) for value in (units, before, after)]
            who = (columns.reps[rep], "commission", self.part, self.version)
            when = (number(columns.kind, window), number(kind, period), day, cents)
            deal = (events.deal_id[event], events.row[event], "owner", one)
            found.append(Line(*who, *when, *deal, *exact, one, capped))
        return found


@dataclass
class _Groups:
    """Holders and windows of one version that are paid at once: cap in cents, exact and float units."""

    at: np.ndarray
    starts: np.ndarray
    scales: list[Scale]
    caps: np.ndarray
    divisors: np.ndarray
    factors: np.ndarray

    @property
    def of_line(self) -> np.ndarray:
        """The group of each line."""
        return np.repeat(np.arange(len(self.scales)), np.diff(self.starts))


def fast_blocks(paying: Paying, name: str) -> tuple[list[Block], set[tuple[str, Window]]]:
    """Lines of a commission for as many holders and windows as can be, a block per version; and which.

    Line by line go: multipliers, gates, a matrix, pay at the end of a window, what a clawback takes out of a
    measure, a window of two versions, amounts that are no decimals, a quota of 0, a deal at its cap.
    """
    blocks: list[Block] = []
    done: set[tuple[str, Window]] = set()
    for plan in paying.versions.plans:
        part = next((c for c in plan.components if c.id == name), None)
        if part is None or not _is_plain(part) or paying.measures_of(name) != [part.measure]:
            continue
        tally = paying.measured.tally(part.measure)
        groups, keys = _groups(paying, plan, part, tally) if tally.columns is not None else (None, [])
        if groups is not None and (found := _block(paying, plan, part, tally.columns, groups, keys)):
            blocks.append(found[0])
            done |= found[1]
    return blocks, done


def _is_plain(part) -> bool:
    """Whether a line is a function of the measure alone."""
    own_way = part.multipliers or part.gates or part.method == "matrix"
    return part.type == "commission" and part.as_earned and not own_way


def _block(paying: Paying, plan: Plan, part, columns: Columns, groups: _Groups, keys: list) -> tuple | None:
    curve, rounder = paying.curve(plan, part), paying.rounder(plan)
    units = columns.units[groups.at]
    after = _running(units, groups.starts)
    total, bound, unsure = _totals(curve, groups, after, columns.places)
    if part.cap is not None and part.cap.per_deal is not None:
        below = _below_cap(paying, columns, part, groups, (total, bound))
        kept = [k for k, good in enumerate(below) if good]
        if not kept:
            return None
        if len(kept) < len(keys):
            part = part.model_copy(update={"cap": part.cap.model_copy(update={"per_deal": None})})
            return _block(paying, plan, part, columns, _some(groups, kept), [keys[k] for k in kept])
    group = groups.of_line
    cents, unsure = _rounded(total, bound, unsure, rounder)
    for line in np.flatnonzero(unsure):
        scale = groups.scales[group[line]]
        x = Fraction(int(after[line]), 10**columns.places)
        cents[line] = rounder.cents(scale.scale * curve.at(x / scale.divisor))
    most = groups.caps[group]
    period = np.searchsorted(paying.windows.starts(plan.pay_period), columns.day[groups.at], side="right") - 1
    block = Block(
        paying, part.id, columns, groups.at, plan.version, period, after - units, after,
        _differences(np.minimum(cents, most), groups.starts), cents > most, int(unsure.sum()),
    )  # fmt: skip
    return block, set(keys)


def _groups(paying: Paying, plan: Plan, part, tally) -> tuple[_Groups | None, list]:
    """The holders and windows that lie within a version and have a quota above 0 where one is needed."""
    columns, weight = tally.columns, Fraction(part.weight)
    low, high = plan.start.toordinal(), plan.end.toordinal()
    whole = part.cap is not None and not separate_cap(part.cap, columns.kind)
    keys, spans, scales, caps = [], [], [], []
    for (rep, window), (first, end) in tally.spans.items():
        if (rep, window) in tally.own or columns.day[first] < low or columns.day[end - 1] >= high:
            continue
        scale = paying.scale(rep, plan, part, window)
        if scale is None:
            continue
        most = paying.cap_cents(rep, plan, part.cap, window, weight) if whole else None
        keys.append((rep, window))
        spans.append((first, end))
        scales.append(scale)
        caps.append(NO_CAP if most is None else most)
    if not keys:
        return None, keys
    divisors, factors = ([float(getattr(s, n)) for s in scales] for n in ("divisor", "scale"))
    at = np.concatenate([np.arange(first, end) for first, end in spans])
    starts = np.concatenate([[0], np.cumsum([end - first for first, end in spans])])
    return _Groups(at, starts, scales, np.array(caps, "int64"), np.array(divisors), np.array(factors)), keys


def _some(groups: _Groups, kept: list[int]) -> _Groups:
    bounds = [(groups.starts[k], groups.starts[k + 1]) for k in kept]
    at = np.concatenate([groups.at[first:end] for first, end in bounds])
    starts = np.concatenate([[0], np.cumsum([end - first for first, end in bounds])])
    arrays = (groups.caps[kept], groups.divisors[kept], groups.factors[kept])
    return _Groups(at, starts, [groups.scales[k] for k in kept], *arrays)


def _running(units: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The measure within each group after each of its events, exact in int64."""
    total = np.cumsum(units)
    base = np.concatenate([[0], total])[starts[:-1]]
    return total - np.repeat(base, np.diff(starts))


def _totals(curve: Curve, groups: _Groups, after: np.ndarray, places: int) -> tuple:
    """(running total in cents, bound of its error, whether c is too near a knot to tell its band)."""
    group, c = groups.of_line, after.astype("float64")
    band = np.zeros(len(c), dtype="int64")
    near = np.zeros(len(c), dtype=bool)
    scaled = groups.divisors[group] * float(10**places)
    for knot in (float(k) for k in curve.knots):
        edge = scaled * knot
        band += c >= edge
        near |= np.abs(c - edge) <= ERRORS * ULP * np.abs(edge)
    slopes = (curve.below_slope, *curve.slopes)
    values, knots = (curve.below_value, *curve.values), (curve.knots[0], *curve.knots)
    intercepts = [v - s * k for v, s, k in zip(values, slopes, knots, strict=True)]
    factor = groups.factors[group] * CENTS
    a = np.array([float(i) for i in intercepts])[band] * factor
    b = np.array([float(s) for s in slopes])[band] * factor * c / scaled
    return a + b, ERRORS * ULP * (np.abs(a) + np.abs(b)), near & (after != 0)


def _rounded(total: np.ndarray, bound: np.ndarray, unsure: np.ndarray, rounder: Rounder) -> tuple:
    """(cents, which are not certain): certain is what lies farther from a tie than its error."""
    q, slack = total / rounder.unit, bound / rounder.unit + 4 * ULP * np.abs(total)
    if rounder.mode in HALVES:
        tie = np.abs(q - np.floor(q) - 0.5)
        whole = np.rint(q)
    else:
        tie = np.where(total == 0, np.inf, np.abs(q - np.rint(q)))
        away = {"up": np.where(q > 0, np.ceil(q), np.floor(q)), "down": np.trunc(q)}
        whole = away.get(rounder.mode, np.ceil(q) if rounder.mode == "ceiling" else np.floor(q))
    return whole.astype("int64") * rounder.unit, unsure | (tie <= slack)


def _differences(cents: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Lines of running totals: each less the one before it in its group."""
    lines = np.diff(cents, prepend=0)
    lines[starts[:-1]] = cents[starts[:-1]]
    return lines


def _below_cap(paying: Paying, columns: Columns, part, groups: _Groups, totals: tuple) -> np.ndarray:
    """For each group whether all its deals certainly stay below the cap per deal, each with one event."""
    total, bound = totals
    moved = np.diff(total, prepend=0.0)
    moved[groups.starts[:-1]] = total[groups.starts[:-1]]
    reach = moved + 4 * bound >= float(part.cap.per_deal) * CENTS
    deals = paying.measured.tallying.events.deal_id
    seen: dict[str, int] = {}
    for event in columns.event[groups.at].tolist():
        seen[deals[event]] = seen.get(deals[event], 0) + 1
    several = np.array([seen[deals[event]] > 1 for event in columns.event[groups.at].tolist()], dtype=bool)
    bad = np.add.reduceat((reach | several).astype("int64"), groups.starts[:-1])
    return bad == 0
