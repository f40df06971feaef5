"""Deal by deal or not: which roles are drawn by their deals, and what each past deal is worth to a SPIFF."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.events import Events
from salesops_lib.compensation.engine.filters import passing, self_fields
from salesops_lib.compensation.engine.history import Records, deals_of
from salesops_lib.compensation.engine.rows import text_of
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.terms import Spiff

PER_DEAL, PER_SIZE = "spiff_deal_", "spiff_size_"
"""What columns of a SPIFF's worth start with: the same on every deal, or growing with it."""


def needs_deals(plans: Iterable[Plan]) -> bool:
    """Whether a version pays by the deal beyond what its measure says: a SPIFF, or a cap per deal."""
    return any(
        plan.spiffs or any(c.cap and c.cap.per_deal is not None for c in plan.components) for plan in plans
    )


def past_deals(records: Records, versions: list[Plan], used: Iterable[Plan], measure: str) -> pd.DataFrame:
    """The credited deals behind a measure: `history.deals_of`, and what each is worth to SPIFFs.

    A column for each SPIFF of the versions and of those ``used``, proposed ones too, as if it had run all the
    time: the payee's share of a deal (``PER_DEAL``), units or money (``PER_SIZE``), then its id. A SPIFF on
    another event than the measure's has none; nor has one that counts a field the events lack.
    """
    deals = deals_of(records, versions, measure)
    spiffs = {s.id: s for p in [*versions, *used] for s in p.spiffs}
    deals = deals.drop(columns=[c for c in (f"flag_{name}" for name in spiffs) if c in deals])
    paying = records.prepared(versions)
    tallying = paying.measured.tallying
    entries = [e for e in paying.measured.tally(measure).entries if not e.drop]
    for spiff in spiffs.values():
        worth = _worth(spiff, tallying, entries)
        if worth is not None:
            deals[(PER_DEAL if spiff.per == "deal" else PER_SIZE) + spiff.id] = worth
    return deals


def _worth(spiff: Spiff, tallying, entries: list) -> np.ndarray | None:
    events: Events = tallying.events
    kinds = {events.kind[e.event] for e in entries}
    lacks = spiff.per != "deal" and events.column(spiff.field) is None
    if lacks or not kinds & {None, spiff.event}:
        return None
    passed, named = passing(events, spiff.where, spiff.id), self_fields(spiff.where)
    worth = np.zeros(len(entries))
    for place, entry in enumerate(entries):
        good = passed[entry.event] and events.kind[entry.event] in {None, spiff.event}
        credit = tallying.credits.rows[entry.credit] if entry.credit >= 0 else None
        if credit is None or credit.rule == "base" or not good:
            continue
        if named and text_of(events.column(named[0])[entry.event]) != entry.rep:
            continue
        if spiff.per == "deal":
            worth[place] = float(credit.share)
        else:
            value = tallying.amounts.of(spiff.field, entry.credit, spiff.per == "percent")
            worth[place] = float(value or 0)
    return worth
