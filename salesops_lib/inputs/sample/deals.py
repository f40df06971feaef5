"""Deals before they are written down: who, what, when created, whether and when won, for how much.

Lives are simulated to HORIZON and cut at LAST_DAY by `history`, so open deals are truly censored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from salesops_lib.inputs.sample.accounts import Accounts
from salesops_lib.inputs.sample.calendar_fx import (
    FIRST_QUARTER,
    PLAN_RATES,
    QUARTER_NAMES,
    QUARTER_STARTS,
    next_business,
    previous_business,
    quarter_of,
)
from salesops_lib.inputs.sample.people import TEAM_REGION, Roster, monthly_output
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import HORIZON, WARM_UP, World

NEW, EXPANSION, RENEWAL = 0, 1, 2
TYPES = ("New", "Expansion", "Renewal")
SOURCES = ("Web", "Paid search", "Event", "Referral", "Partner", "Outbound", "Customer")
SOURCE_SHARE = (0.24, 0.14, 0.12, 0.10, 0.10, 0.30)
DEALS_PER_MONTH = (5.8, 4.5, 3.2)  # of a ramped account executive, by segment
AMOUNT_MEDIAN = (17_000.0, 41_000.0, 98_000.0)
AMOUNT_SPREAD = (0.42, 0.42, 0.45)
AMOUNT_STEP = (100.0, 100.0, 100.0, 10_000.0)  # list amounts are rounded to this, by currency


@dataclass(frozen=True)
class Deals:
    """Deals as arrays, one element per deal; sorted by created day. ``close`` may lie after LAST_DAY."""

    owner: np.ndarray
    account: np.ndarray
    kind: np.ndarray
    segment: np.ndarray
    source: np.ndarray
    created: np.ndarray
    close: np.ndarray
    won: np.ndarray
    amount: np.ndarray  # in the deal's currency, final
    currency: np.ndarray
    term_months: np.ndarray
    pulled: np.ndarray
    renews: np.ndarray  # position of the deal a renewal renews, -1 otherwise

    def __len__(self) -> int:
        return len(self.owner)

    def plan_base(self) -> np.ndarray:
        """Amount in USD at the plan rate of the closing year; used only to set quotas."""
        years = [QUARTER_NAMES[q][:4] for q in range(len(QUARTER_NAMES))]
        known = np.array([PLAN_RATES[y] if y in PLAN_RATES else PLAN_RATES["FY26"] for y in years])
        return self.amount * known[np.minimum(quarter_of(self.close), len(known) - 1), self.currency]


def deals(world: World, sellers: Roster, places: Accounts, treated_from: np.ndarray) -> Deals:
    """New and expansion deals of the account executives. ``treated_from``: day each seller got the tool."""
    stream = world.stream("opportunities")
    owner, created = _creation(world, sellers, stream)
    account = _accounts(owner, created, sellers, places, stream)
    segment = sellers.segment[owner]
    source = np.searchsorted(np.cumsum(SOURCE_SHARE), stream.random(len(owner)) * 0.999999)
    base = Deals(
        owner=owner,
        account=account,
        kind=np.zeros(len(owner), int),
        segment=segment,
        source=source,
        created=created,
        close=created,
        won=np.zeros(len(owner), bool),
        amount=_amounts(world, segment, created, sellers.skill[owner], places.currency[account], stream),
        currency=places.currency[account],
        term_months=np.array([12, 24, 36])[np.searchsorted([0.45, 0.75], stream.random(len(owner)))],
        pulled=np.zeros(len(owner), bool),
        renews=np.full(len(owner), -1),
    )
    return _expansions(_outcomes(world, base, sellers, treated_from, stream))


def _creation(world: World, sellers: Roster, stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Owner and created day of every deal, sorted by day."""
    months = np.arange("2022-09", "2026-03", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
    quarter = quarter_of(months[:-1]) % 4
    season = np.array(TRUTH.creation_season)[quarter] if world.seasonal else np.ones(len(quarter))
    growth = (1 + TRUTH.yearly_growth) ** ((months[:-1] - WARM_UP) / 365)
    pace = np.array(DEALS_PER_MONTH)[sellers.segment] * ~sellers.manages * np.exp(0.08 * sellers.skill)
    expected = pace[:, None] * monthly_output(sellers, months) * season * growth * world.density
    count = np.floor(expected + stream.random(expected.shape)).astype(int)
    seller, month = np.indices(count.shape)
    owner, month = np.repeat(seller.ravel(), count.ravel()), np.repeat(month.ravel(), count.ravel())
    low = np.maximum(months[month], sellers.hired[owner])
    high = np.minimum(months[month + 1], sellers.left[owner])
    created = previous_business(low + (stream.random(len(owner)) * (high - low)).astype(int))
    created = np.maximum(created, next_business(low))
    keep = (created <= HORIZON) & (created < sellers.left[owner])
    order = np.lexsort((owner[keep], created[keep]))
    return owner[keep][order], created[keep][order]


def _accounts(owner, created, sellers: Roster, places: Accounts, stream) -> np.ndarray:
    """An account of the seller's pod, region and segment; a few accounts take most deals."""
    region = TEAM_REGION[sellers.team_on(owner, created)]
    group = (sellers.pod[owner] * 3 + region) * 3 + sellers.segment[owner]
    has = (places.pod * 3 + places.region) * 3 + places.segment
    order = np.argsort(has, kind="stable")
    starts = np.searchsorted(has[order], group, side="left")
    ends = np.searchsorted(has[order], group, side="right")
    chosen = starts + (stream.random(len(owner)) ** 1.6 * np.maximum(ends - starts, 1)).astype(int)
    return order[np.minimum(chosen, len(order) - 1)]


def _amounts(world: World, segment, created, skill, currency, stream) -> np.ndarray:
    """List amounts in the deal's currency; 30 % are round thousands."""
    if world.heavy_tail:
        spread = 0.6 * (1 - stream.random(len(segment))) ** (-1 / 1.3)
    else:
        spread = np.exp(np.array(AMOUNT_SPREAD)[segment] * stream.standard_normal(len(segment)))
    growth = (1 + TRUTH.price_growth) ** ((created - WARM_UP) / 365)
    base = np.array(AMOUNT_MEDIAN)[segment] * spread * growth * np.exp(0.06 * skill)
    step = np.array(AMOUNT_STEP)[currency] * np.where(stream.random(len(segment)) < 0.3, 10, 1)
    local = base / np.array(PLAN_RATES["FY25"])[currency]
    return np.maximum(np.round(local / step), 1) * step


def _outcomes(world: World, base: Deals, sellers: Roster, treated_from, stream) -> Deals:
    """Competing outcomes: each deal is won or lost, losses come earlier; wins pile up at quarter ends."""
    count, segment = len(base), base.segment
    wait_won = np.exp(np.log(TRUTH.days_to_win)[segment] + 0.45 * stream.standard_normal(count))
    wait_lost = np.exp(np.log(TRUTH.days_to_loss)[segment] + 0.70 * stream.standard_normal(count))
    natural = np.minimum(base.created + np.maximum(wait_won, 5), HORIZON + 500).astype(int)
    quarter = np.minimum(quarter_of(natural), len(QUARTER_NAMES) - 1)
    shock = world.market_sd * world.stream("market").standard_normal(len(QUARTER_NAMES))
    odds = np.log(TRUTH.win_share)[segment] - np.log1p(-np.array(TRUTH.win_share))[segment]
    odds = odds + TRUTH.skill_log_odds * sellers.skill[base.owner] + shock[quarter]
    if world.seasonal:
        odds = odds + np.array(TRUTH.win_season_log_odds)[quarter % 4]
    if world.source_effect:
        odds = odds + TRUTH.referral_log_odds * (base.source == SOURCES.index("Referral"))
    if world.tool_effect:
        odds = odds + TRUTH.tool_log_odds * (base.created >= treated_from[base.owner])
    odds = odds + world.win_drift * (base.created - QUARTER_STARTS[FIRST_QUARTER]) / 365
    won = stream.random(count) < 1 / (1 + np.exp(-odds))
    stale = ~won & (stream.random(count) < TRUTH.zombie_share)
    close = np.where(won, natural, base.created + np.maximum(wait_lost, 2) + np.where(stale, 420, 0))
    close = _hockey_stick(np.minimum(close, HORIZON + 600).astype(int), won, base, stream)
    return replace(base, won=won, close=close)


def _hockey_stick(close, won, base: Deals, stream) -> np.ndarray:
    """Move a share of the wins to the last days of their quarter, never to before the natural day."""
    last = len(QUARTER_STARTS) - 2
    end = QUARTER_STARTS[np.minimum(quarter_of(close), last) + 1]
    rush = stream.random(len(close)) < np.array(TRUTH.quarter_end_share)[base.segment]
    late = end - 1 - np.floor(-4.5 * np.log(1 - stream.random(len(close)))).astype(int)
    moved = np.where(won & rush & (late > close), late, close)
    rolled = previous_business(np.minimum(moved, end - 1))
    rolled = np.where(moved > HORIZON, moved, rolled)
    return np.maximum(rolled, next_business(base.created + 1))


def _expansions(base: Deals) -> Deals:
    """A deal of an account that had already won one is an expansion; it comes from the customer."""
    first = np.full(base.account.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, base.account[base.won], base.close[base.won])
    grows = base.created > first[base.account]
    source = np.where(
        grows & (base.source == SOURCES.index("Outbound")), SOURCES.index("Customer"), base.source
    )
    return replace(base, kind=np.where(grows, EXPANSION, NEW), source=source)
