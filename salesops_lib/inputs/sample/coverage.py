"""Who holds what and whom: accounts of sellers, pay plans, contacts, ties that fade."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.accounts import Accounts
from salesops_lib.inputs.sample.calendar_fx import FIRST_QUARTER, QUARTER_STARTS, dates
from salesops_lib.inputs.sample.people import TEAM_REGION, Roster, Staff, team_name
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import FIRST_DAY, LAST_DAY, World, day

TITLES = (
    "Chief Executive",
    "Head of Operations",
    "IT Director",
    "Procurement Manager",
    "Team Lead",
    "Analyst",
)
TURNS = 4  # an account has at most this many holders
_FIRST_HELD = day("2022-08-01")
PLANS = {  # role -> plan, variable at target and salary a year in USD
    "SMB": ("ae-commercial", 60_000, 60_000),
    "Mid-market": ("ae-commercial", 85_000, 85_000),
    "Enterprise": ("ae-enterprise", 120_000, 120_000),
    "Account Manager": ("am-renewal", 39_000, 91_000),
    "SDR": ("sdr-outbound", 25_500, 59_500),
    "Sales Manager": ("manager-and-se-overlay", 91_000, 169_000),
    "Sales Engineer": ("manager-and-se-overlay", 45_000, 130_000),
}


def territory_assignments(world: World, places: Accounts, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `territory_assignments`: each account's seller, and its next one when that seller is gone."""
    stream = world.stream("territory_assignments")
    draw = stream.random((len(places.ids), TURNS))
    rows: list[tuple[int, int, int, int]] = []
    stays = TEAM_REGION[sellers.team] == TEAM_REGION[sellers.team_after]
    end = np.where(stays, sellers.left, np.minimum(sellers.left, sellers.moved))
    group = (sellers.pod * 3 + TEAM_REGION[sellers.team]) * 3 + sellers.segment
    wanted = (places.pod * 3 + places.region) * 3 + places.segment
    for code in np.unique(wanted):
        members = np.flatnonzero((group == code) & ~sellers.manages)
        todo = np.flatnonzero(wanted == code)
        since = np.full(len(todo), _FIRST_HELD)
        for turn in range(TURNS):
            who = _holders(members, sellers, end, since, draw[todo, turn])
            todo, since, who = todo[who >= 0], since[who >= 0], who[who >= 0]
            rows += list(zip(todo.tolist(), since.tolist(), end[who].tolist(), who.tolist(), strict=True))
            again = end[who] <= LAST_DAY
            todo, since = todo[again], end[who][again]
    table = np.array(rows)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    who = table[:, 3]
    return pd.DataFrame(
        {
            "account_id": places.ids[table[:, 0]],
            "start_date": dates(table[:, 1]),
            "end_date": dates(np.where(table[:, 2] <= LAST_DAY, table[:, 2], -1)),
            "rep_id": people.ids[who],
            "territory": [
                team_name(t, p)
                for t, p in zip(sellers.team_on(who, table[:, 1]), sellers.pod[who], strict=True)
            ],
        }
    )


def _holders(
    members: np.ndarray, sellers: Roster, end: np.ndarray, since: np.ndarray, draw: np.ndarray
) -> np.ndarray:
    """A present member of the group per account; early members hold more than late ones. -1: nobody."""
    who = np.full(len(since), -1)
    for day_ in np.unique(since):
        on = np.full(len(members), max(int(day_), FIRST_DAY))
        able = members[sellers.present(members, on) & (end[members] > on)]
        here = since == day_
        if len(able):
            who[here] = able[(draw[here] ** 1.25 * len(able)).astype(int)]
    return who


def plan_assignments(reps: pd.DataFrame, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `plan_assignments`: a row per person and fiscal year in a role that has a plan.

    ``target_cash`` is all pay at target, salary included.
    """
    segment = dict(
        zip(
            people.ids[: len(sellers)],
            np.array(["SMB", "Mid-market", "Enterprise"])[sellers.segment],
            strict=True,
        )
    )
    years = QUARTER_STARTS[FIRST_QUARTER::4]
    spans = (
        reps.sort_values(["rep_id", "start_date"]).drop_duplicates("rep_id", keep="last").set_index("rep_id")
    )
    spans["first"] = reps.groupby("rep_id")["start_date"].min()
    spans = spans.rename(columns={"end_date": "last"})
    rows = []
    for rep, span in spans.iterrows():
        kind = segment[rep] if span["role"] == "Account Executive" else span["role"]
        if kind not in PLANS:
            continue
        plan, variable, salary = PLANS[kind]
        for year, (start, end) in enumerate(pairwise(years[:4])):
            a = max(pd.Timestamp(start, unit="D"), span["first"])
            b = min(
                pd.Timestamp(end, unit="D"),
                span["last"] if pd.notna(span["last"]) else pd.Timestamp(end, unit="D"),
            )
            if a < b:
                rise = 1 + TRUTH.pay_rise * year
                rows.append(
                    (rep, a, b, plan, round((variable + salary) * rise, -2), round(salary * rise, -2), "USD")
                )
    names = ["rep_id", "start_date", "end_date", "plan_id", "target_cash", "base_salary", "currency"]
    return pd.DataFrame(rows, columns=names)


def contacts(world: World, places: Accounts) -> pd.DataFrame:
    """The table `contacts`: one to three people per account, by title, without names."""
    stream = world.stream("contacts")
    each = 1 + (stream.random(len(places.ids)) * np.array([1.2, 2, 3])[places.segment]).astype(int)
    account = np.repeat(np.arange(len(places.ids)), each)
    return pd.DataFrame(
        {
            "contact_id": [f"P{n:05d}" for n in range(1, len(account) + 1)],
            "account_id": places.ids[account],
            "title": np.array(TITLES, object)[(stream.random(len(account)) * len(TITLES)).astype(int)],
        }
    )


def relationships(world: World, people_known: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """The table `relationships`: the seller's ties to an account's people; strength halves with silence."""
    stream = world.stream("relationships")
    holder = held.drop_duplicates("account_id", keep="last").set_index("account_id")["rep_id"]
    rep = people_known["account_id"].map(holder)
    keep = rep.notna() & (stream.random(len(rep)) < 0.7)
    count = int(keep.sum())
    silent = np.floor(-120 * np.log(1 - stream.random(count))).astype(int) + 1
    start = 40 + 60 * stream.random(count)
    strength = start * 0.5 ** (silent / TRUTH.tie_half_life_days)
    kind = np.array(["worked with", "met at event", "introduced by"], object)[
        (stream.random(count) * 3).astype(int)
    ]
    return pd.DataFrame(
        {
            "from_id": rep[keep].to_numpy(),
            "to_id": people_known.loc[keep, "contact_id"].to_numpy(),
            "kind": kind,
            "strength": np.round(strength, 1),
            "last_touch_date": dates(np.maximum(LAST_DAY - silent, FIRST_DAY)),
            "declared_by": rep[keep].to_numpy(),
            "consent": stream.random(count) < 0.85,
        }
    )
