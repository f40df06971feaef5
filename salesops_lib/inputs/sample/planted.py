"""Reads what was planted off a simulated company; serves `truth.planted`, which tests call."""

from __future__ import annotations

import numpy as np

from salesops_lib.inputs.sample import accounts, tools_training
from salesops_lib.inputs.sample.calendar_fx import QUARTER_NAMES, dates, rate_on
from salesops_lib.inputs.sample.generate import Company, simulated
from salesops_lib.inputs.sample.history import WON
from salesops_lib.inputs.sample.people import NEVER
from salesops_lib.inputs.sample.pipeline import deal_ids
from salesops_lib.inputs.sample.quotas import QUARTERS, absent_quarters, forgotten, restated
from salesops_lib.inputs.sample.truth import TRUTH, Planted
from salesops_lib.inputs.sample.world import LAST_DAY
from salesops_lib.inputs.sample.world import world as named_world


def read_off(seed: int, scale: float, world: str) -> Planted:
    """The planted truths of one company."""
    made = simulated(named_world(seed, scale, world))
    sellers, ids = made.sellers, made.staff.ids
    tool = tools_training.treated_from(made.world, sellers)
    has = np.flatnonzero((tool <= LAST_DAY) & (tool < sellers.left))
    each = len(made.places.ids) // made.world.pods
    pairs = zip(*(made.places.ids[where] for where in accounts.doubles(each, made.world.pods)), strict=True)
    bias = np.array(TRUTH.submitter_bias)[np.arange(len(sellers)) % len(TRUTH.submitter_bias)]
    written = np.isin(np.arange(len(made.deals)), made.log.deal)
    pulled = made.deals.pulled & written & (made.deals.close <= LAST_DAY)
    return Planted(
        past_due_share=_past_due(made),
        double_accounts=tuple(pairs),
        missing_quota=_named(made, forgotten(sellers)),
        zero_quota=_named(made, absent_quarters(sellers, made.plan)),
        restated_quota=_named(made, restated(sellers)),
        leavers=tuple(ids[np.flatnonzero(sellers.left <= LAST_DAY)]),
        movers=tuple(ids[np.flatnonzero(sellers.moved < NEVER)]),
        on_leave=tuple(ids[np.flatnonzero(sellers.leave[:, 0] < NEVER)]),
        trainees=tuple(ids[np.sort(tools_training.trainees(made.booked, made.plan, sellers))]),
        tool_from={ids[s]: str(dates(tool[s : s + 1])[0])[:10] for s in has},
        commit_bias=dict(zip(ids[: len(sellers)], bias.tolist(), strict=True)),
        pulled_in=tuple(deal_ids(made.deals)[pulled]),
        bulk_updated=int(made.log.bulk.sum()),
        booked=tuple(np.round(made.booked.sum(axis=0), 2).tolist()),
    )


def _named(made: Company, where: tuple[np.ndarray, np.ndarray]) -> tuple[tuple[str, str], ...]:
    """Seller and quarter positions as rep and period."""
    seller, position = where
    return tuple(
        (made.staff.ids[s], QUARTER_NAMES[QUARTERS[p]]) for s, p in zip(seller, position, strict=True)
    )


def _past_due(made: Company) -> float:
    last = made.log.last()
    last = last[made.log.stage[last] < WON]
    rate = rate_on(made.fx, made.deals.currency[made.log.deal[last]], made.log.day[last])
    value = np.round(made.log.amount[last] * rate, 2)
    return float(value[made.log.due[last] < LAST_DAY].sum() / value.sum())
