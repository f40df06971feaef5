"""Line items that add up to the deal, contracts of what was won, invoices and payments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import QUARTER_STARTS, dates, quarter_of, rate_on
from salesops_lib.inputs.sample.deals import NEW, RENEWAL, Deals
from salesops_lib.inputs.sample.history import WON, History
from salesops_lib.inputs.sample.people import Roster, Staff
from salesops_lib.inputs.sample.pipeline import Won, deal_ids
from salesops_lib.inputs.sample.renewals import contract_end
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import LAST_DAY, World

PRODUCTS = ("Platform", "Analytics", "Automation", "Security")
SERVICE = "Onboarding"
REASONS = ("volume", "competitor", "multi-year", "end of quarter", "reference customer")


def line_items(world: World, base: Deals, log: History, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `line_items` of deals that reached Proposal; net price x quantity adds up to the amount."""
    stream = world.stream("line_items")
    last = log.last()
    quoted = last[(log.stage[last] == WON) | (log.stage[last] == 3) | (log.stage[last] == 4)]
    deal, amount, day = log.deal[quoted], log.amount[quoted], log.day[quoted]
    count = len(deal)
    lines = np.where(base.kind[deal] == RENEWAL, 1, 2 + (stream.random(count) < 0.3))
    row = np.repeat(np.arange(count), lines)
    start = np.cumsum(lines) - lines
    number = np.arange(len(row)) - start[row] + 1
    final = number == lines[row]
    weight = 0.3 + stream.random(len(row))
    part = amount[row] * weight / np.bincount(row, weight)[row]
    quantity = np.where(
        final, 1, np.maximum(1, np.round(part / np.array([900, 1200, 1500])[base.segment[deal]][row]))
    )
    net = np.round(part / quantity, 2)
    other = np.bincount(row, np.where(final, 0, np.round(quantity * net, 2)), count)
    net = np.where(final, np.round(amount[row] - other[row], 2), net)
    discount = _discount(base, deal, day, stream)[row]
    needs = discount > TRUTH.discount_limit
    skipped = needs & (stream.random(len(row)) < TRUTH.unapproved_share)
    owner = log.owner[quoted][row]
    boss = people.managers[sellers.pod[owner], sellers.team_on(owner, day[row]), 1]
    reason = np.array(REASONS, object)[(stream.random(len(row)) * len(REASONS)).astype(int)]
    product = np.array(PRODUCTS, object)[(number - 1 + (deal[row] % 4)) % 4]
    listed = np.round(net / (1 - discount), 2)
    return pd.DataFrame(
        {
            "opportunity_id": deal_ids(base)[deal[row]],
            "line": number,
            "product": np.where(final & (lines[row] > 1), SERVICE, product),
            "quantity": quantity.astype(int),
            "list_price": listed,
            "net_price": net,
            "unit_cost": np.round(listed * np.where(final & (lines[row] > 1), 0.6, 0.24), 2),
            "approved_by": np.where(needs & ~skipped, people.ids[boss], None),
            "reason": np.where(needs, reason, None),
        }
    )


def _discount(base: Deals, deal: np.ndarray, day: np.ndarray, stream) -> np.ndarray:
    """Share off list: larger in larger segments and in a quarter's last two weeks."""
    typical = np.array(TRUTH.discount_mean)[base.segment[deal]]
    end = QUARTER_STARTS[quarter_of(day) + 1]
    rush = (end - day <= 14) & (base.kind[deal] != RENEWAL)
    share = typical + TRUTH.quarter_end_discount * rush + 0.05 * stream.standard_normal(len(deal))
    return np.round(np.clip(share, 0.0, 0.55), 3)


def contracts(world: World, base: Deals, log: History, won: Won, ids: np.ndarray) -> pd.DataFrame:
    """The table `contracts`: the terms won by new and renewal deals. ``ids``: account ids."""
    stream = world.stream("contracts")
    keep = np.flatnonzero(np.isin(base.kind[won.deal], (NEW, RENEWAL)))
    deal = won.deal[keep]
    end = contract_end(won.day[keep], base.term_months[deal])
    renewed, lost = _renewal_outcome(base, log)
    offered = np.isin(deal, base.renews[base.renews >= 0])
    ended = np.where(lost[deal], "churned", np.where(renewed[deal] | ~offered, "renewed", "expired"))
    return pd.DataFrame(
        {
            "contract_id": [f"K{n:05d}" for n in range(1, len(deal) + 1)],
            "account_id": ids[base.account[deal]],
            "opportunity_id": deal_ids(base)[deal],
            "start_date": dates(won.day[keep] + 1),
            "end_date": dates(end),
            "arr_base": np.round(won.amount_base[keep] * 12 / base.term_months[deal], 2),
            "notice_days": np.array([30, 60, 90])[base.segment[deal]],
            "auto_renew": ~offered,
            "uplift_share": np.where(stream.random(len(deal)) < 0.6, TRUTH.renewal_uplift, 0.0),
            "status": np.where(end > LAST_DAY, "active", ended),
        }
    )


def _renewal_outcome(base: Deals, log: History) -> tuple[np.ndarray, np.ndarray]:
    """Per deal: its contract was renewed, or lost, as known on LAST_DAY."""
    renewed, lost = np.zeros(len(base), bool), np.zeros(len(base), bool)
    last = log.last()
    deal, stage = log.deal[last], log.stage[last]
    known = base.renews[deal] >= 0
    renewed[base.renews[deal[known & (stage == WON)]]] = True
    lost[base.renews[deal[known & (stage > WON)]]] = True
    return renewed, lost


def invoices(world: World, base: Deals, won: Won, region: np.ndarray, fx: np.ndarray) -> pd.DataFrame:
    """The table `invoices`: one a year of the term; EMEA pays later, a few never."""
    stream = world.stream("invoices")
    years = np.maximum(base.term_months[won.deal] // 12, 1)
    row = np.repeat(np.arange(len(won.deal)), years)
    number = np.arange(len(row)) - (np.cumsum(years) - years)[row]
    invoiced = won.day[row] + 3 + 365 * number
    deal = won.deal[row]
    due = invoiced + np.array([30, 30, 45])[base.segment[deal]]
    late = np.array(TRUTH.days_late)[region[deal]] + 12 * stream.standard_normal(len(row))
    paid = due + np.round(late).astype(int)
    unpaid = stream.random(len(row)) < TRUTH.unpaid_share
    paid = np.where(unpaid | (paid > LAST_DAY), -1, np.maximum(paid, invoiced))
    local = np.round(won_local(base, won)[row] / years[row], 2)
    amount = np.round(local * rate_on(fx, base.currency[deal], invoiced), 2)
    keep = invoiced <= LAST_DAY
    table = pd.DataFrame(
        {
            "opportunity_id": deal_ids(base)[deal],
            "invoiced_date": dates(invoiced),
            "due_date": dates(due),
            "paid_date": dates(paid),
            "amount_base": amount,
        }
    )[keep].reset_index(drop=True)
    table.insert(0, "invoice_id", [f"I{n:05d}" for n in range(1, len(table) + 1)])
    return table


def won_local(base: Deals, won: Won) -> np.ndarray:
    """Final amount of the won deals in their own currency."""
    return base.amount[won.deal]
