"""Pay of one plan, in all its versions: events and holders in, statement lines and payments out, exact.

Order: eligibility, credit, measure, rate or curve, multiplier, component cap, plan cap, hold and release,
clawback, overpayment recovery, draw recovery, payment. Nothing depends on the order of rows, or on how events
were batched: everything is worked out from all events known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property

import pandas as pd

from salesops_lib.compensation.engine.amounts import Amounts
from salesops_lib.compensation.engine.caps import plan_caps
from salesops_lib.compensation.engine.credits import credits_of
from salesops_lib.compensation.engine.currency import Rates
from salesops_lib.compensation.engine.deal_balance import deal_movements
from salesops_lib.compensation.engine.earning import Earned, earn
from salesops_lib.compensation.engine.events import Events, events_from, kinds_of
from salesops_lib.compensation.engine.holders import Holder, everybody, everyone_named, holders_from
from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.measured import Measured
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.payments import Payment, payments
from salesops_lib.compensation.engine.pools import pool_lines
from salesops_lib.compensation.engine.proration import Prorated, Versions, stretches
from salesops_lib.compensation.engine.releases import Afterwards, reduce_attainment
from salesops_lib.compensation.engine.spiffs import spiff_lines
from salesops_lib.compensation.engine.tallies import Tallying
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Windows, calendar_from
from salesops_lib.core.periods import FiscalCalendar


@dataclass
class Paid:
    """What a plan pays: ``payments`` by holder and pay period, ``notes`` for the reader, and ``lines``."""

    paying: Paying
    payments: list[Payment]
    notes: list[str]
    earned: Earned
    further: dict[str, list[Line]]

    @cached_property
    def lines(self) -> list[Line]:
        """All statement lines by holder and pay period, in the order in which they are posted."""
        in_blocks, found = self.earned.block_lines(), []
        place = {name: number for number, name in enumerate(self.earned.order)}
        for rep in sorted({*in_blocks, *self.earned.lines, *self.further}):
            earned = sorted([*self.earned.lines[rep], *in_blocks.get(rep, ())], key=lambda n: place[n.part])
            mine = [*earned, *self.further.get(rep, ())]
            found += sorted(mine, key=lambda line: line.period.start)
        return found

    def count(self) -> int:
        """How many lines there are."""
        kept = sum(len(lines) for lines in (*self.earned.lines.values(), *self.further.values()))
        return kept + sum(len(block) for block in self.earned.blocks)


@dataclass(frozen=True)
class Inputs:
    """What a plan is paid on, besides the plan.

    ``events``, ``holders``: rows as :func:`events.events_from` and :func:`holders.holders_from` take them;
    ``events_file``, ``holders_file``: how messages name them. ``quotas``: measure → figure for all.
    ``through``: the last day that counts; without it everything does and open windows are closed.
    ``exactly``: work in fractions only, line by line; the answer is the same, and slow.
    """

    events: pd.DataFrame
    holders: pd.DataFrame | None = None
    rates: Rates | None = None
    calendar: FiscalCalendar | None = None
    quotas: dict[str, Fraction] = field(default_factory=dict)
    through: date | None = None
    exactly: bool = False
    events_file: str = "events"
    holders_file: str = "holders"


def pay(plans: Iterable[Plan], inputs: Inputs) -> Paid:
    """Work out the pay of one plan, given in one or more versions.

    Raises PlanError with a line for each fault of the rows; nothing is half paid.
    """
    plans = sorted(plans, key=lambda p: (p.start, p.version))
    paying = prepare(plans, inputs)
    afterwards = Afterwards(paying)
    triggers = afterwards.triggers()
    reduce_attainment(paying, triggers)
    releases = {h.release_on: afterwards.releases(h.release_on) for p in plans for h in p.holds}
    spiffs = by_holder(line for plan in plans for line in spiff_lines(paying, plan))
    first = min([paying.horizon, *paying.measured.tallying.events.day])
    pools = by_holder(line for plan in plans for line in pool_lines(paying, plan, first))
    payees = _payees(paying)
    earned = earn(paying, payees, first, inputs.exactly)
    in_blocks = earned.block_cents()
    triggered = earned.block_lines(set(triggers)) if triggers else {}
    further: dict[str, list[Line]] = {}
    found: list[Payment] = []
    for rep in payees:
        mine = [*earned.lines[rep], *spiffs[rep]]
        more = [*spiffs[rep], *plan_caps(paying, rep, mine, in_blocks[rep]), *pools[rep]]
        more += deal_movements(paying, [*mine, *triggered.get(rep, ())], releases, triggers)
        paid, balances = payments(paying, rep, [*earned.lines[rep], *more], in_blocks[rep])
        further[rep] = more + balances
        found += paid
    paying.measured.tallying.events.complaints.stop()
    return Paid(paying, found, _notes(paying), earned, further)


def by_holder(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Lines by holder."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.rep].append(line)
    return found


def prepare(plans: list[Plan], inputs: Inputs) -> Paying:
    """Read the rows and credit the events. Raises PlanError for what is wrong with them."""
    events = events_from(inputs.events, plans, inputs.events_file, inputs.through)
    versions = Versions(tuple(plans))
    if inputs.holders is None:
        holders = everybody(everyone_named(events, plans), plans, inputs.quotas)
    else:
        holders = holders_from(inputs.holders, plans, inputs.holders_file, inputs.quotas)
    windows = Windows(inputs.calendar or calendar_from(min(p.start for p in plans)))
    _refuse_far_days(events, windows, versions)
    counted, _ = kinds_of(plans)
    credits = credits_of(events, versions, holders, counted)
    events.complaints.stop()
    amounts = Amounts(events, credits, versions, inputs.rates)
    tallying = Tallying(events, credits, amounts, versions, holders, windows)
    measured = Measured(tallying, Prorated(versions, windows, holders, inputs.holders_file), windows)
    horizon = inputs.through.toordinal() if inputs.through else _last_day(events, plans, versions)
    paying = Paying(measured, windows, horizon, inputs.through is not None)
    _refuse_missing_fields(events, plans)
    for name in sorted({n for p in plans for n in p.measures}):
        measured.tally(name)
    events.complaints.stop()
    return paying


def _last_day(events: Events, plans: list[Plan], versions: Versions) -> int:
    """The day of the last event that can count: on the plan's days, or after them for a deal's payment."""
    _, after = kinds_of(plans)
    pairs = zip(events.day, events.kind, strict=True)
    days = [day for day, kind in pairs if versions.on(day) is not None or kind in after]
    return max(days, default=plans[0].start.toordinal())


def _payees(paying: Paying) -> list[str]:
    """Holders who are on the plan on some day."""
    versions = paying.versions
    first, end = versions.spans[0][0], max(end for _, end, _ in versions.spans)
    return [rep for rep, h in sorted(paying.prorated.holders.items()) if _is_payee(h, paying, first, end)]


def _is_payee(holder: Holder, paying: Paying, first: int, end: int) -> bool:
    return bool(stretches(holder, paying.versions, first, end))


def _refuse_missing_fields(events: Events, plans: list[Plan]) -> None:
    """A column that a measure reads has to be there where events of its kind are.

    Without a column of kinds an event may be of any: then one measure at least has to find its column.
    """
    lost: dict[str, str] = {}
    reads_some = False
    for plan in plans:
        for name, measure in plan.measures.items():
            missing = [f for f in fields_of(measure) if events.column(f) is None]
            reads_some = reads_some or not missing
            lost |= {f: name for f in missing if events.kinds & {measure.event, None}}
    for field_name, name in lost.items():
        if None in events.kinds and reads_some:
            events.notes.append(f"no column {field_name}: measure {name} counts nothing")
            continue
        known = ", ".join(sorted(events.cells)) or "none besides ids"
        said = f"no column {field_name}, which measure {name} counts. It has: {known}"
        events.complaints.add(1, "E308", "columns", said)


def _refuse_far_days(events: Events, windows: Windows, versions: Versions) -> None:
    """An event beyond the fiscal calendar; one outside the plan's days counts for nothing and is told."""
    outside = []
    first, last = windows.starts("quarter")[0], windows.starts("quarter")[-1]
    after = {k for p in versions.plans for k in kinds_of([p])[1]}
    for place, day in enumerate(events.day):
        if not first <= day < last:
            said = f"{date.fromordinal(day)} is outside the fiscal calendar; correct the date"
            events.complaints.add(events.row[place], "E302", events.deal_id[place], said)
        elif versions.on(day) is None and events.kind[place] not in after:
            outside.append(events.row[place])
    if outside:
        told = ", ".join(str(r) for r in sorted(outside)[:5])
        count = "1 event falls" if len(outside) == 1 else f"{len(outside)} events fall"
        events.notes.append(f"{count} outside the plan's days (rows {told})")


def fields_of(measure) -> list[str]:
    """The fields of events that a measure reads, besides its filter's."""
    named = [getattr(measure, key, None) for key in ("field", "numerator", "denominator")]
    return [name for name in named if name is not None]


def _notes(paying: Paying) -> list[str]:
    """What the reader should know: nothing is left out in silence."""
    tallying = paying.measured.tallying
    notes = [*tallying.events.notes, *paying.notes]
    for rep, rows in sorted(tallying.strangers.items()):
        holder = paying.prorated.holders.get(rep)
        there = holder is not None and stretches(holder, paying.versions, 0, 10**7)
        if there:
            told = ", ".join(str(r) for r in sorted(set(rows))[:5])
            count = "1 event falls" if len(set(rows)) == 1 else f"{len(set(rows))} events fall"
            notes.append(f"{rep}: {count} on days he is not on the plan (rows {told})")
    for plan in paying.versions.plans:
        notes += _empty_measures(paying, plan)
        for rule in plan.credit_rules:
            if rule.rule == "overlay" and tallying.events.column(rule.field) is None:
                notes.append(f"rule overlay {rule.role}: no column {rule.field}, nobody is credited by it")
    return list(dict.fromkeys(notes))


def _empty_measures(paying: Paying, plan: Plan) -> list[str]:
    notes = []
    for component in plan.components:
        measure = plan.measure(component.measure)
        if paying.measured.tally(component.measure).is_empty and not paying.measured.is_derived(measure):
            notes.append(f"no event counts for {component.measure}: {component.id} pays nothing")
        ramped = measure.quota is not None and measure.quota.ramp
        if ramped and any(h.hired is None for h in paying.prorated.holders.values()):
            notes.append(f"holders without hire_date have the full quota of {component.measure}: no ramp")
    return notes
