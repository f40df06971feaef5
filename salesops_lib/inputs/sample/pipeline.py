"""The tables `opportunities`, `opportunity_history` and `credits`, written from the changes of each deal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.accounts import Accounts
from salesops_lib.inputs.sample.calendar_fx import CURRENCIES, dates, rate_on, stamps
from salesops_lib.inputs.sample.deals import RENEWAL, SOURCES, TYPES, Deals
from salesops_lib.inputs.sample.handovers import colleagues
from salesops_lib.inputs.sample.history import CATEGORY, LOST, PROBABILITY, STAGES, WON, History
from salesops_lib.inputs.sample.people import SEGMENTS, TEAM_REGION, Roster, Staff
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import LAST_DAY, World

NEXT_STEPS = (
    "Send proposal",
    "Book demo",
    "Legal review",
    "Meet economic buyer",
    "Agree success plan",
    "Call back",
)
LOSS_REASONS = ("Price", "Competitor", "No decision", "No budget", "Missing feature", "Timing")


def deal_ids(base: Deals) -> np.ndarray:
    """``O00001``, in order of creation."""
    return np.array([f"O{n:05d}" for n in range(1, len(base) + 1)], object)


def history_table(base: Deals, log: History, people: Staff, fx: np.ndarray) -> pd.DataFrame:
    """The table `opportunity_history`: amounts at the rate of the change's own day."""
    owner = people.ids[log.owner]
    return pd.DataFrame(
        {
            "opportunity_id": deal_ids(base)[log.deal],
            "sequence": log.sequence,
            "changed_at": stamps(log.stamp),
            "stage": np.array(STAGES, object)[log.stage],
            "amount_base": np.round(log.amount * rate_on(fx, base.currency[log.deal], log.day), 2),
            "close_date": dates(log.due),
            "forecast_category": np.array(CATEGORY, object)[log.stage],
            "probability": np.array(PROBABILITY)[log.stage],
            "owner_id": owner,
            "actor_id": np.where(log.bulk, people.ids[people.operations], owner),
        }
    )


def opportunities(
    world: World, base: Deals, log: History, places: Accounts, people: Staff, fx
) -> pd.DataFrame:
    """The table `opportunities`: one version as created and one as last changed."""
    stream = world.stream("opportunity_fields")
    text = _texts(base, stream)
    first, last = log.first(), log.last()
    rows = np.concatenate([first, last[last != first]])
    version = np.concatenate([np.zeros(len(first), int), np.ones((last != first).sum(), int)])
    rows, version = rows[np.lexsort((version, log.deal[rows]))], np.sort(version)
    deal, stage = log.deal[rows], log.stage[rows]
    names = places.table["name"].to_numpy()
    return pd.DataFrame(
        {
            "opportunity_id": deal_ids(base)[deal],
            "account_id": places.ids[base.account[deal]],
            "owner_id": people.ids[log.owner[rows]],
            "name": names[base.account[deal]] + np.array([f" {t}" for t in TYPES], object)[base.kind[deal]],
            "type": np.array(TYPES, object)[base.kind[deal]],
            "segment": np.array(SEGMENTS, object)[base.segment[deal]],
            "lead_source": text["lead_source"][deal],
            "created_date": dates(base.created[deal]),
            "close_date": dates(log.due[rows]),
            "recorded_at": stamps(log.stamp[rows]),
            "stage": np.array(STAGES, object)[stage],
            "is_closed": stage >= WON,
            "is_won": stage == WON,
            "amount": log.amount[rows],
            "currency": np.array(CURRENCIES, object)[base.currency[deal]],
            "amount_base": np.round(log.amount[rows] * rate_on(fx, base.currency[deal], log.day[rows]), 2),
            "forecast_category": np.array(CATEGORY, object)[stage],
            "probability": np.array(PROBABILITY)[stage],
            "next_step": np.where(stage < WON, text["next_step"][deal], None),
            "term_months": base.term_months[deal],
            "loss_reason": np.where(stage == LOST, text["loss_reason"][deal], None),
        }
    )


def _texts(base: Deals, stream: np.random.Generator) -> dict[str, np.ndarray]:
    """Free fields, a share of them left blank: faults the data-quality report should find."""
    count = len(base)

    def chosen(options: tuple[str, ...], blank: float) -> np.ndarray:
        picked = np.array(options, object)[(stream.random(count) * len(options)).astype(int)]
        return np.where(stream.random(count) < blank, None, picked)

    source = np.array(SOURCES, object)[base.source]
    source = np.where(stream.random(count) < TRUTH.blank_source_share, None, source)
    return {
        "next_step": chosen(NEXT_STEPS, TRUTH.blank_next_step_share),
        "loss_reason": chosen(LOSS_REASONS, TRUTH.blank_loss_reason_share),
        "lead_source": source,
    }


@dataclass(frozen=True)
class Won:
    """Deals won by LAST_DAY: position in Deals, position of the closing change, owner at closing."""

    deal: np.ndarray
    stamp: np.ndarray
    day: np.ndarray
    owner: np.ndarray
    amount_base: np.ndarray


def won_deals(base: Deals, log: History, fx: np.ndarray) -> Won:
    """The deals whose last change is the win."""
    last = log.last()
    last = last[log.stage[last] == WON]
    deal, day = log.deal[last], log.day[last]
    amount = np.round(log.amount[last] * rate_on(fx, base.currency[deal], day), 2)
    return Won(deal, log.stamp[last], day, log.owner[last], amount)


def credits_table(world: World, base: Deals, won: Won, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `credits`: the owner's whole share or halves with a colleague; engineers as overlay."""
    stream = world.stream("credits")
    count = len(won.deal)
    new = base.kind[won.deal] != RENEWAL
    split = new & (stream.random(count) < TRUTH.split_share)
    restated = new & ~split & (stream.random(count) < TRUTH.restated_credit_share)
    restated &= won.day < LAST_DAY - 60
    lag = ((20 + 30 * stream.random(count)) * 86400).astype(int)
    partner = _partners(sellers, won, split | restated, stream)
    split, restated = split & (partner >= 0), restated & (partner >= 0)
    overlay = new & (base.segment[won.deal] > 0) & (stream.random(count) < TRUTH.overlay_share)
    region = TEAM_REGION[sellers.team_on(won.owner, won.day)]
    engineer = people.engineers[sellers.pod[won.owner], region]
    half, whole = np.full(count, 0.5), np.ones(count)
    parts = [
        (won.owner, "direct", won.stamp, np.where(split, half, whole), np.ones(count, bool)),
        (partner, "direct", won.stamp, half, split),
        (won.owner, "direct", won.stamp + lag, half, restated),
        (partner, "direct", won.stamp + lag, half, restated),
        (engineer, "overlay", won.stamp, whole, overlay),
    ]
    ids = deal_ids(base)[won.deal]
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "opportunity_id": ids[keep],
                    "rep_id": people.ids[who[keep]],
                    "credit_type": kind,
                    "recorded_at": stamps(at[keep]),
                    "share": share[keep],
                }
            )
            for who, kind, at, share, keep in parts
        ],
        ignore_index=True,
    )
    return table.sort_values(["opportunity_id", "rep_id", "recorded_at"], kind="stable").reset_index(
        drop=True
    )


def _partners(sellers: Roster, won: Won, wanted: np.ndarray, stream) -> np.ndarray:
    """A colleague for each wanted deal, -1 where there is none."""
    partner, draw = np.full(len(won.deal), -1), stream.random(len(won.deal))
    for row in np.flatnonzero(wanted):
        others = colleagues(sellers, int(won.owner[row]), int(won.day[row]))
        if len(others):
            partner[row] = others[int(draw[row] * len(others))]
    return partner
