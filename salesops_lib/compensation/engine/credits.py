"""Who is credited with an event: owner, split, overlay, the managers above, by the day of the event.

A split shares the amounts of its event out to the cent, ties to the lower id. Its rows repeat one deal, under
a plan without a rule for splits too: an overlay or a payee in a field of his own is credited once, managers
with what their people are. Credits that are no overlay are at most 100 % of a deal; the deal's own
(``direct``) credits are what rolls up and what funds pools.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from salesops_lib.compensation.engine.events import ALIASES, Events, share_in, shares_in
from salesops_lib.compensation.engine.filters import self_fields
from salesops_lib.compensation.engine.holders import Holder
from salesops_lib.compensation.engine.proration import Versions
from salesops_lib.compensation.engine.rows import text_of
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.terms import SplitCredit

ONE = Fraction(1)
MAX_LEVELS = 20
IMPLIED = SplitCredit(rule="split", field="split_pct", tolerance=Decimal("0.01"))
"""How rows of a split are known under a plan that has no rule for them."""


class Credit(NamedTuple):
    """A payee's share of an event.

    ``event``: its place. ``group``: of a split, the credits that share its amounts out, else -1. ``base``:
    the credit that rolled up, else -1. ``direct``: the deal's own credit, each deal once.
    """

    event: int
    rep: str
    share: Fraction
    rule: str
    direct: bool
    group: int = -1
    base: int = -1


class Whole(Sequence):
    """Credits where every event is its own payee's alone; each is made when it is asked for."""

    def __init__(self, places: list[int], reps: list[str]) -> None:
        self.places, self.reps = places, reps

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number):
        return Credit(self.places[number], self.reps[number], ONE, "owner", True)


@dataclass
class Credits:
    """All credits of the events, in the events' order; ``groups``: split → its credits' places.

    ``repeats``: events that are further rows of a split; they repeat the deal of the first. ``sums``:
    split → what its shares add up to by the rule; all of the deal is 1.
    """

    rows: list[Credit] | Whole
    groups: list[list[int]]
    repeats: frozenset[int] = frozenset()
    sums: list[Fraction] = field(default_factory=list)

    def share_of_event(self, number: int) -> Fraction:
        """A credit's share of its event; of one that rolled up, of what was credited below."""
        credit = self.rows[number]
        return credit.share * (self.rows[credit.base].share if credit.base >= 0 else ONE)


def credits_of(events: Events, versions: Versions, holders: dict[str, Holder], kinds: set[str]) -> Credits:
    """Credits of all events of ``kinds`` (and of those of any kind) by the version in force on their day.

    Where the plan pays nobody directly, the deal's own credit is of rule ``base``. Faults go to the events'
    complaints: E206 credited more than allowed, E301 no payee, E303 no number, E304 an unknown payee, E305 a
    split that does not add up.
    """
    made = Credits([], [])
    rules_of = {plan.version: _Rules(plan) for plan in versions.plans}
    plans_on = {day: versions.on(day) for day in set(events.day)}
    rules_on = {day: rules_of[plan.version] for day, plan in plans_on.items() if plan is not None}
    counted = [
        (place, rules_on[day])
        for place, (kind, day) in enumerate(zip(events.kind, events.day, strict=True))
        if (kind is None or kind in kinds) and day in rules_on
    ]
    if _all_whole(events, counted):
        places = [place for place, _ in counted]
        made.rows = Whole(places, [events.rep_id[p] for p in places])
        _refuse_unknown(events, made, holders)
        return made
    group_of, shares = _split_groups(events, counted, made)
    seen: set[tuple] = set()
    for place, rules in counted:
        first = len(made.rows)
        if place in group_of:
            for rep, share in shares[place]:
                made.groups[group_of[place]].append(len(made.rows))
                made.rows.append(Credit(place, rep, share, rules.split_rule, True, group_of[place]))
        elif events.rep_id[place] is not None:
            share = Fraction(rules.owner.share) if rules.owner else ONE
            rule = "owner" if rules.owner or rules.split else "base"
            made.rows.append(Credit(place, events.rep_id[place], share, rule, True))
        elif not _otherwise_named(events, place, rules):
            _no_payee(events, place)
        if rules.overlays:
            _overlays(place, events, rules, made, holders, (_deal_of(events, group_of, place), seen))
        if rules.rollups:
            _rollups(place, made.rows[first:], events, rules, made, holders)
    first_of: dict[Any, int] = {}
    made.repeats = frozenset(
        p for p, _ in counted if first_of.setdefault(_deal_of(events, group_of, p), p) != p
    )
    _refuse_unknown(events, made, holders)
    return made


def _deal_of(events: Events, group_of: dict[int, int], place: int) -> Any:
    """What rows that repeat one deal have in common: their split, else the id that they share."""
    return group_of.get(place, (events.event_id[place], events.kind[place]))


def _no_payee(events: Events, place: int) -> None:
    """An event without a payee; where no column is for one, that is said once, with the columns there are."""
    if not events.lost:
        events.complaints.add(events.row[place], "E301", events.deal_id[place], "no payee; fill in rep_id")
        return
    names = ", ".join(["rep_id", *(a for a, known in ALIASES.items() if known == "rep_id")])
    said = f"no column for the payee: name one of {names}. It has: {', '.join(events.lost)}"
    if not any(f.subject == "columns" for f in events.complaints.found):
        events.complaints.add(1, "E308", "columns", said)


class _Rules:
    """A version's credit rules by kind."""

    def __init__(self, plan: Plan) -> None:
        rules = plan.credit_rules
        self.owner = next((r for r in rules if r.rule == "owner"), None)
        self.split = next((r for r in rules if r.rule == "split"), None)
        self.shares = self.split or IMPLIED
        self.split_rule = "split" if self.split or self.owner else "base"
        self.overlays = [r for r in rules if r.rule == "overlay"]
        self.rollups = [r for r in rules if r.rule == "rollup"]
        counted = (*plan.measures.values(), *plan.spiffs)
        self.self_fields = sorted({name for part in counted for name in self_fields(part.where)})


def _all_whole(events: Events, counted: list) -> bool:
    """Whether every event is credited to its own payee at 1 and to nobody else."""
    for rules in {id(r): r for _, r in counted}.values():
        others = rules.overlays or rules.rollups or rules.owner is None or rules.owner.share != 1
        shared = rules.shares.field in events.cells
        if others or (shared and any(_split_cell(events, rules, place) is not None for place, _ in counted)):
            return False
    return all(events.rep_id[place] is not None for place, _ in counted)


def _split_groups(events: Events, counted: list, made: Credits) -> tuple[dict[int, int], dict[int, list]]:
    """Which rows are shares of one event: place → its group, and place → (payee, share) pairs.

    One row with ``R1:0.6; R2:0.4`` is a group of its own. Rows with one payee each belong together by deal,
    kind, time and, where rows share it, event id; a second share of one payee starts a second event.
    """
    members: dict[tuple, list[int]] = defaultdict(list)
    shares: dict[int, list[tuple[str, Fraction]]] = {}
    rule_at: dict[int, Any] = {}
    turns: Counter = Counter()
    used = Counter(events.event_id)
    for place, rules in counted:
        cell, rep = _split_cell(events, rules, place), events.rep_id[place]
        if cell is None or (rep is None and ":" not in cell):
            continue
        rule_at[place] = rules.shares
        if ":" in cell:
            shares[place] = shares_in(events, place, rules.shares.field, cell)
            members[(place,)].append(place)
            continue
        shares[place] = [(rep, share_in(events, place, rules.shares.field, cell))]
        told = events.event_id[place] if used[events.event_id[place]] > 1 else ""
        key = (events.deal_id[place], events.kind[place], events.day[place], events.time[place], told)
        turns[(key, rep)] += 1
        members[(*key, turns[(key, rep)])].append(place)
    group_of = {}
    for number, places in enumerate(members.values()):
        made.groups.append([])
        made.sums.append(Fraction(rule_at[places[0]].must_sum_to))
        group_of |= dict.fromkeys(places, number)
        _refuse_sum(events, places, shares, rule_at[places[0]])
    return group_of, shares


def _split_cell(events: Events, rules: _Rules, place: int) -> str | None:
    """What a row says of its share; without a rule for splits a share of all says nothing."""
    cell = _cell(events, rules.shares.field, place)
    return None if rules.split is None and cell in {"1", "1.0", "100%"} else cell


def _refuse_sum(events: Events, places: list[int], shares: dict, rule) -> None:
    total = sum((share for p in places for _, share in shares[p]), Fraction(0))
    wanted, place = Fraction(rule.must_sum_to), places[-1]
    if abs(total - wanted) <= Fraction(rule.tolerance):
        return
    rows = ", ".join(str(events.row[p]) for p in sorted(places))
    code = "E206" if total > wanted else "E305"
    said = f"shares in {rule.field} add up to {plain(total)}, not {plain(wanted)} (rows {rows})"
    hint = "; write 0.6 for 60 %" if total > 10 * wanted else ""
    hint = hint or ("; say who has the rest" if total < wanted else "; a deal is shared out once")
    events.complaints.add(events.row[place], code, events.deal_id[place], said + hint)


def _overlays(
    place: int, events: Events, rules: _Rules, made: Credits, holders: dict[str, Holder], once: tuple
) -> None:
    """Holders of a role named in the event's own field. ``once``: the split's number, who was credited."""
    split, seen = once
    for rule in rules.overlays:
        cell = _cell(events, rule.field, place)
        for rep in [r.strip() for r in re.split(r"[;,]", cell or "") if r.strip()]:
            spell = holders[rep].on(events.day[place]) if rep in holders else None
            if spell is not None and spell.role is not None and spell.role != rule.role:
                said = f"{rep} in {rule.field} is {spell.role} on that day, not {rule.role}"
                events.complaints.add(events.row[place], "E304", events.deal_id[place], said)
                continue
            if (split, rule.role, rule.field, rep) not in seen:
                seen.add((split, rule.role, rule.field, rep))
                made.rows.append(Credit(place, rep, Fraction(rule.share), "overlay", False))


def _rollups(
    place: int, credited: list[Credit], events: Events, rules: _Rules, made: Credits, holders
) -> None:
    """The managers above each payee of the deal, by the reporting line of the event's day."""
    direct = [(number, c) for number, c in enumerate(credited) if c.direct]
    first, told = len(made.rows) - len(credited), _cell(events, "manager_id", place)
    for rule in rules.rollups:
        share = Fraction(rule.share)
        if not direct and told is not None:
            made.rows.append(Credit(place, told, share, "rollup", False))
        for number, credit in direct:
            boss, seen = credit.rep, {credit.rep}
            for level in range(rule.levels or MAX_LEVELS):
                spell = holders[boss].on(events.day[place]) if boss in holders else None
                boss = spell.manager_id if spell is not None else None
                if boss is None and level == 0:
                    boss = told
                if boss is None or boss in seen:
                    break
                seen.add(boss)
                made.rows.append(Credit(place, boss, share, "rollup", False, -1, first + number))


def _refuse_unknown(events: Events, made: Credits, holders: dict[str, Holder]) -> None:
    """A payee whom no holder's row names; a deal credited to more than 100 % is refused by its rules."""
    told = set()
    if isinstance(made.rows, Whole) and set(made.rows.reps) <= set(holders):
        return
    for credit in made.rows:
        if credit.rep not in holders and (credit.event, credit.rep) not in told:
            told.add((credit.event, credit.rep))
            said = f"{credit.rep} ({credit.rule}) is no holder; add a row to the holders"
            events.complaints.add(events.row[credit.event], "E304", events.deal_id[credit.event], said)


def _otherwise_named(events: Events, place: int, rules: _Rules) -> bool:
    """Whether somebody can be credited although the event has no payee of its own."""
    fields = [*rules.self_fields, *(r.field for r in rules.overlays)]
    fields += ["manager_id"] if rules.rollups else []
    return any(_cell(events, name, place) is not None for name in fields)


def _cell(events: Events, name: str, place: int) -> str | None:
    column = events.cells.get(name)
    return text_of(column[place]) if column is not None else None
