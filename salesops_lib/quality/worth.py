"""What faulty rows are worth: the distinct deals they belong to, open or won lately, in base currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.quality.faults import Basis, Fault, day
from salesops_lib.quality.patterns import DUE, FAULTY

if TYPE_CHECKING:
    import ibis.expr.types as ir

_DEAL = ("opportunity_id", "amount_base", "is_closed", "is_won", "close_date")
_LINKS = {"accounts": ("account_id", "account"), "reps": ("rep_id", "owner")}
_OWN = ("opportunity_id", "opportunity_id")
_CENTS = "decimal(38, 2)"  # a sum of floats depends on the order threads add them in
OUTCOMES = ("open", "won", "lost")


@dataclass(frozen=True)
class Money:
    """One fault: value of the deals due and of the deals faulty; deals of unknown value among the latter."""

    due_base: float | None = None
    bad_base: float | None = None
    unpriced: int = 0


@dataclass(frozen=True)
class Worth:
    """The money of one table's faults, by number of the fault; ``affected`` holds the deals with one."""

    faults: dict[int, Money] = field(default_factory=dict)
    affected: ir.Table | None = None

    def of(self, number: int) -> Money:
        """The money of a fault; unknown where its table leads to no deal."""
        return self.faults.get(number, Money())

    @staticmethod
    def total(worths: Sequence[Worth], deals: ir.Table | None) -> pd.DataFrame:
        """Deals by outcome: all, and those with a judged fault in any table, each deal counted once."""
        columns = ["outcome", "deals", "deals_base", "affected", "affected_base"]
        if deals is None:
            return pd.DataFrame(columns=columns)
        held = [w.affected for w in worths if w.affected is not None]
        marked = deals.mutate(hit=_is_hit(deals, held))
        found = marked.group_by("outcome").aggregate(
            deals=marked.count(),
            deals_base=marked.amount_base.sum(),
            affected=marked.hit.sum(),
            affected_base=marked.amount_base.sum(where=marked.hit),
        )
        frame = found.execute().set_index("outcome").reindex(OUTCOMES).reset_index()
        for count, money in (("deals", "deals_base"), ("affected", "affected_base")):
            frame[count] = frame[count].fillna(0).astype("int64")
            # No deal is worth 0; deals of which no value is known stay unknown.
            frame[money] = frame[money].astype("float64").where(frame[count] > 0, 0.0)
        return frame[columns]


def _is_hit(deals: ir.Table, held: list[ir.Table]) -> ir.BooleanValue:
    import ibis

    if not held:
        return ibis.literal(False)
    ids = held[0]
    for other in held[1:]:
        ids = ids.union(other)
    return deals.opportunity_id.isin(ids.distinct().opportunity_id)


def deals_of(tables: Mapping[str, ir.Table], basis: Basis) -> ir.Table | None:
    """One row per deal that counts: open, closed in the last ``closed_days``, or closed without a date.

    ``stake_base`` is its amount, but 0 where it is lost: that money is no longer at stake.
    """
    import ibis

    deals = tables.get("opportunities")
    if deals is None or not set(_DEAL) <= set(deals.columns):
        return None
    closed = deals.is_closed.fill_null(False)
    counts = ~closed | (day(deals.close_date) > basis.before(basis.closed_days)).fill_null(True)
    outcome = ibis.ifelse(~closed, "open", ibis.ifelse(deals.is_won.fill_null(False), "won", "lost"))
    missing = ibis.null("string")  # untyped columns cannot be stored
    chosen = deals.filter(counts & deals.opportunity_id.notnull()).select(
        opportunity_id=deals.opportunity_id.cast("string"),
        account=deals.account_id.cast("string") if "account_id" in deals.columns else missing,
        owner=deals.owner_id.cast("string") if "owner_id" in deals.columns else missing,
        amount_base=deals.amount_base.cast(_CENTS),
        stake_base=ibis.ifelse(
            outcome == "lost", ibis.literal(0).cast(_CENTS), deals.amount_base.cast(_CENTS)
        ),
        outcome=outcome,
    )
    first = ibis.row_number().over(group_by=chosen.opportunity_id, order_by=chosen.amount_base)
    numbered = chosen.mutate(number=first)
    return numbered.filter(numbered.number == 0).drop("number").cache()


def link_of(name: str) -> str:
    """The column that leads from a table's rows to deals."""
    return _LINKS.get(name, _OWN)[0]


def worth_of(
    name: str, coded: ir.Table, faults: Sequence[Fault], faulty: Sequence[int], deals: ir.Table | None
) -> Worth:
    """The money of a table's faults: through its deal, its account's deals, or its owner's deals.

    ``coded`` has a column ``code_i`` per fault (:mod:`.patterns`); ``faulty`` numbers the faults
    found. For deals themselves ``due_base`` is filled too, for every fault.
    """
    mine, theirs = _LINKS.get(name, _OWN)
    if deals is None or mine not in coded.columns:
        return Worth()
    own = name == "opportunities"
    clean = {i: Money(None, 0.0) for i in range(len(faults))}
    if not faulty and not own:
        return Worth(clean)
    numbers = range(len(faults)) if own else faulty
    flags = {f"bad_{i}": (coded[f"code_{i}"] == FAULTY).any() for i in numbers}
    if own:
        flags |= {f"due_{i}": coded[f"code_{i}"].isin([DUE, FAULTY]).any() for i in numbers}
    linked = coded.filter(coded[mine].notnull()).group_by(link=coded[mine]).aggregate(**flags)
    joined = linked.inner_join(deals, linked.link == deals[theirs]).cache()
    totals = joined.aggregate(**_sums(joined, numbers, own)).execute().iloc[0]
    return Worth(clean | {i: _money(totals, i) for i in numbers}, _affected(joined, faults, faulty))


def _sums(joined: ir.Table, numbers: Sequence[int], own: bool) -> dict:
    sums = {}
    for i in numbers:
        bad = joined[f"bad_{i}"]
        sums[f"bad_{i}"] = joined.stake_base.sum(where=bad)
        sums[f"unpriced_{i}"] = (bad & joined.stake_base.isnull()).sum()
        sums[f"deals_{i}"] = bad.sum()
        if own:
            sums[f"due_{i}"] = joined.stake_base.sum(where=joined[f"due_{i}"])
    return sums


def _affected(joined: ir.Table, faults: Sequence[Fault], faulty: Sequence[int]) -> ir.Table | None:
    """The deals with a judged fault, stored."""
    judged = [i for i in faulty if faults[i].judged]
    if not judged:
        return None
    hit = joined[f"bad_{judged[0]}"]
    for i in judged[1:]:
        hit = hit | joined[f"bad_{i}"]
    return joined.filter(hit).select("opportunity_id").distinct().cache()


def _money(totals: pd.Series, i: int) -> Money:
    def number(name: str) -> float:
        return 0.0 if pd.isna(totals[name]) else float(totals[name])

    due = number(f"due_{i}") if f"due_{i}" in totals else None
    unpriced = int(number(f"unpriced_{i}"))
    unknown = unpriced > 0 and unpriced == int(number(f"deals_{i}"))
    return Money(due, None if unknown else number(f"bad_{i}"), unpriced)
