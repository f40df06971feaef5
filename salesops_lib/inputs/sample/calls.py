"""What people say and score: forecast submissions with a bias per submitter; events that count for pay."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import QUARTER_NAMES, QUARTER_STARTS, next_business, stamps
from salesops_lib.inputs.sample.people import MANAGER_CHANGE, TEAMS, Roster, Staff
from salesops_lib.inputs.sample.quotas import QUARTERS
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import LAST_DAY, World

WEEKS = np.array([2, 4, 6, 8, 10, 12, 13])  # of the quarter; a call is made at 16:00 UTC of its Monday
SPREAD = np.array([0.40, 0.34, 0.28, 0.22, 0.16, 0.10, 0.07])  # log standard deviation of a call by week


def forecast_submissions(world: World, sellers: Roster, people: Staff, booked: np.ndarray) -> pd.DataFrame:
    """The table `forecast_submissions`. ``booked``: what comes in, seller x quarter, USD."""
    stream = world.stream("forecast_submissions")
    starts = QUARTER_STARTS[QUARTERS]
    bias = np.array(TRUTH.submitter_bias)[np.arange(len(sellers)) % 5]
    team = (
        sellers.team_on(np.arange(len(sellers))[:, None], starts[None, :]) + len(TEAMS) * sellers.pod[:, None]
    )
    seller, quarter = np.nonzero(
        (sellers.hired[:, None] < starts - 30) & (sellers.left[:, None] > starts + 91)
    )
    parts = [_calls(people.ids[seller], quarter, booked[seller, quarter], bias[seller], stream)]
    for position in range(len(QUARTERS)):
        total = np.bincount(team[:, position], booked[:, position], len(TEAMS) * world.pods)
        boss = people.ids[people.managers[:, :, 1].ravel()]
        late = starts[position] < np.array([MANAGER_CHANGE.get(t, 0) for t in range(len(TEAMS))] * world.pods)
        boss = np.where(late, people.ids[people.managers[:, :, 0].ravel()], boss)
        where = np.full(len(total), position)
        parts.append(_calls(boss, where, total, np.full(len(total), TRUTH.manager_bias), stream))
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values(["day", "rep_id", "category"], kind="stable")
    table = table[table["day"] <= LAST_DAY].reset_index(drop=True)
    table.insert(0, "submitted_at", stamps(table.pop("day").to_numpy() * 86400 + 16 * 3600))
    return table


def _calls(rep: np.ndarray, quarter: np.ndarray, final: np.ndarray, bias: np.ndarray, stream) -> pd.DataFrame:
    """Commit and best case of each week."""
    week = np.arange(len(WEEKS))
    row, at = (x.ravel() for x in np.meshgrid(np.arange(len(rep)), week, indexing="ij"))
    noise = np.exp(SPREAD[at] * stream.standard_normal(len(row)) - SPREAD[at] ** 2 / 2)
    commit = np.round(final[row] * (1 + bias[row]) * noise, -2)
    best = np.round(commit * (1.15 + 0.3 * stream.random(len(row))), -2)
    day = next_business(QUARTER_STARTS[QUARTERS[quarter[row]]] + 7 * (WEEKS[at] - 1))
    frame = pd.DataFrame(
        {"day": day, "rep_id": rep[row], "period": np.array(QUARTER_NAMES, object)[QUARTERS[quarter[row]]]}
    )
    both = [
        frame.assign(category="Commit", amount_base=commit),
        frame.assign(category="Best Case", amount_base=best),
    ]
    return pd.concat(both, ignore_index=True)


def measure_events(
    world: World, sellers: Roster, people: Staff, terms: pd.DataFrame, managed: np.ndarray
) -> pd.DataFrame:
    """The table `measure_events`: MBO scores, and opening ARR, closing ARR and churn per account manager.

    ``terms``: the table `contracts`. ``managed``: per contract the position of its account manager.
    """
    stream = world.stream("measure_events")
    parts = []
    for quarter in QUARTERS:
        last = QUARTER_STARTS[quarter + 1] - 1
        if last > LAST_DAY:
            continue
        parts += [(*p, last) for p in _recurring(sellers, terms, managed, quarter)]
        who = np.arange(len(sellers))
        who = who[~sellers.manages & sellers.present(who, np.full(len(who), last))]
        score = np.round(np.clip(0.9 + 0.18 * stream.standard_normal(len(who)), 0.3, 1.3), 2)
        parts.append((who, "mbo_score", score, last))
    who, measure, value, day = zip(*parts, strict=True)
    count = np.array([len(w) for w in who])
    at = np.repeat(np.array(day), count) * 86400 + 22 * 3600
    return pd.DataFrame(
        {
            "event_id": [f"M{n:05d}" for n in range(1, count.sum() + 1)],
            "holder_id": people.ids[np.concatenate(who)],
            "measure": np.repeat(np.array(measure, object), count),
            "at": stamps(at),
            "value": np.concatenate(value),
            "recorded_at": stamps(at + 6 * 86400),
        }
    )


def _recurring(sellers: Roster, terms: pd.DataFrame, managed: np.ndarray, quarter: int) -> list[tuple]:
    """Opening and closing ARR and churn of a quarter: sellers, measure, values."""
    start, end = (
        terms[c].to_numpy().astype("datetime64[D]").astype(np.int64) for c in ("start_date", "end_date")
    )
    endless = terms["auto_renew"].to_numpy() & (terms["status"] == "renewed").to_numpy()
    end = np.where(endless, LAST_DAY + 4000, end)
    arr, churned = terms["arr_base"].to_numpy(), (terms["status"] == "churned").to_numpy()
    first, last = QUARTER_STARTS[quarter], QUARTER_STARTS[quarter + 1]
    rows = {
        "opening_arr": (start <= first) & (end > first),
        "closing_arr": (start < last) & (end >= last),
        "churned_arr": churned & (end >= first) & (end < last),
    }
    who = np.flatnonzero(sellers.manages)
    found = []
    for measure, held in rows.items():
        held = held & (managed >= 0)
        total = np.bincount(managed[held], arr[held], len(sellers))
        found.append((who, measure, np.round(total[who], 2)))
    return found
