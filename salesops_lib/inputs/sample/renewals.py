"""Renewal deals: contracts of new customers, and of those before the extract, come up at their end."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from salesops_lib.inputs.sample.accounts import Accounts
from salesops_lib.inputs.sample.calendar_fx import PLAN_RATES, next_business, previous_business
from salesops_lib.inputs.sample.deals import AMOUNT_MEDIAN, AMOUNT_STEP, NEW, RENEWAL, SOURCES, Deals
from salesops_lib.inputs.sample.people import TEAM_REGION, Roster
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import FIRST_DAY, HORIZON, World

LEGACY = 200  # contracts of customers won before the extract, per pod
LEAD_DAYS = 90  # a renewal is opened this long before the contract's end
GENERATIONS = 4


def contract_end(close: np.ndarray, term_months: np.ndarray) -> np.ndarray:
    """Contracts start on the first day after closing and run whole months of 30.4375 days."""
    return close + 1 + np.round(term_months * 30.4375).astype(int)


def auto_renews(deal: np.ndarray) -> np.ndarray:
    """Half of the contracts renew by themselves, without an opportunity."""
    return deal % 2 == 1


def renewals(world: World, base: Deals, sellers: Roster, places: Accounts) -> Deals:
    """``base`` and its renewals, sorted by created day, ``renews`` pointing into the result."""
    stream = world.stream("renewals")
    managers = account_managers(sellers, places)
    parents = np.flatnonzero(base.won & (base.kind == NEW) & (managers[base.account] >= 0))
    due = [_due(base, parents, parents, stream), _legacy(world, places, managers, stream)]
    found, offset = [base], len(base)
    for _ in range(GENERATIONS):
        later = []
        for part in due:
            again = np.flatnonzero(part.won)
            later.append(_due(part, again, offset + again, stream))
            found.append(replace(part, owner=managers[part.account]))
            offset += len(part)
        due = later
    return _sorted(found)


def account_managers(sellers: Roster, places: Accounts) -> np.ndarray:
    """The account manager of each account: one of the pod's and region's, -1 where there is none."""
    owner = np.full(len(places.ids), -1)
    manager_region = TEAM_REGION[sellers.team]
    for pod in range(int(sellers.pod.max()) + 1):
        for region in range(3):
            who = np.flatnonzero(sellers.manages & (sellers.pod == pod) & (manager_region == region))
            where = np.flatnonzero((places.pod == pod) & (places.region == region))
            if len(who):
                owner[where] = who[np.arange(len(where)) % len(who)]
    return owner


def _due(part: Deals, rows: np.ndarray, parents: np.ndarray, stream: np.random.Generator) -> Deals:
    """Renewals of the contracts in ``rows``; those due after HORIZON are left out."""
    end = contract_end(part.close[rows], part.term_months[rows])
    keep = (end - LEAD_DAYS <= HORIZON) & ~auto_renews(parents)
    rows, parents, end = rows[keep], parents[keep], end[keep]
    terms = {name: getattr(part, name)[rows] for name in _CARRIED}
    return _renewal(terms, end, parents, stream)


_CARRIED = ("account", "segment", "amount", "currency", "term_months")


def _renewal(terms: dict[str, np.ndarray], end: np.ndarray, parents: np.ndarray, stream) -> Deals:
    """The renewal of each contract that ends on ``end``. ``terms``: what it carries over, by name."""
    count = len(end)
    won = stream.random(count) < TRUTH.renewal_share
    close = end - 1 - np.floor(-9 * np.log(1 - stream.random(count))).astype(int)
    slip = stream.random(count) < 0.18
    close = np.where(slip, end + (stream.random(count) * 25).astype(int), close)
    change = np.where(stream.random(count) < 0.12, 0.8, 1 + TRUTH.renewal_uplift)
    step = np.array(AMOUNT_STEP)[terms["currency"]]
    created = next_business(end - LEAD_DAYS)
    return Deals(
        owner=np.zeros(count, int),
        account=terms["account"],
        kind=np.full(count, RENEWAL),
        segment=terms["segment"],
        source=np.full(count, SOURCES.index("Customer")),
        created=created,
        close=np.maximum(previous_business(np.maximum(close, created + 5)), next_business(created + 1)),
        won=won,
        amount=np.maximum(np.round(terms["amount"] * change / step), 1) * step,
        currency=terms["currency"],
        term_months=terms["term_months"],
        pulled=np.zeros(count, bool),
        renews=parents,
    )


def _legacy(world: World, places: Accounts, managers, stream) -> Deals:
    """Renewals of contracts signed before the extract; their end falls in the first fiscal year."""
    able = np.flatnonzero(managers >= 0)
    count = min(round(LEGACY * world.density) * world.pods, len(able))
    account = np.sort(stream.permutation(able)[:count])
    segment, currency = places.segment[account], places.currency[account]
    base = np.array(AMOUNT_MEDIAN)[segment] * np.exp(0.4 * stream.standard_normal(count))
    step = np.array(AMOUNT_STEP)[currency]
    amount = np.maximum(np.round(base / np.array(PLAN_RATES["FY24"])[currency] / step), 1) * step
    end = FIRST_DAY + 20 + (stream.random(count) * 360).astype(int)
    terms = dict(zip(_CARRIED, (account, segment, amount, currency, np.full(count, 12)), strict=True))
    return _renewal(terms, end, np.full(count, -1), stream)


def _sorted(parts: list[Deals]) -> Deals:
    values = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Deals)}
    order = np.lexsort((values["owner"], values["created"]))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    values = {name: array[order] for name, array in values.items()}
    values["renews"] = np.where(values["renews"] >= 0, place[values["renews"]], -1)
    return Deals(**values)
