"""A made-up pipeline with a known truth, drawn deal by deal; it shares no code with what is tested.

A deal is won with probability WIN_RATE. Wins take 57 days on average, losses 14. It passes three stages at
even parts of its life (a loss stops in any of them), promises a close date that is pushed when it passes, and
is worth a lognormal amount that drifts before the win. A market shock moves the win rate of all deals created
in a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core import periods
from salesops_lib.forecasting.deals.known import deal_log
from salesops_lib.forecasting.deals.pipeline import prepare

WIN_RATE, WIN_DAYS, LOSS_DAYS = 0.30, 57.0, 14.0
CALENDAR = periods.monthly(1, range(2021, 2027))
STAGES = pd.DataFrame(
    {
        "stage": ["Talk", "Offer", "Terms", "Won", "Lost"],
        "outcome": ["open", "open", "open", "won", "lost"],
    }
)
FIRST, LAST = date(2022, 1, 1), date(2025, 6, 30)


@dataclass(frozen=True)
class World:
    """Frames as a snapshot gives them, and what was drawn: ``created``, ``close`` (days), ``won``, …"""

    opportunities: pd.DataFrame
    history: pd.DataFrame
    truth: pd.DataFrame
    reps: pd.DataFrame


def world(seed: int, *, per_day: float = 3.0, shock: float = 0.0, drift: float = 0.95) -> World:
    """Deals of three and a half years, known to the end, so that a forecast of any day can be judged."""
    random = np.random.default_rng(seed)
    start, end = np.datetime64(FIRST).astype(int), np.datetime64(LAST).astype(int)
    created = np.sort(
        start + random.integers(0, end - start + 1, random.poisson(per_day * (end - start + 1)))
    )
    n = len(created)
    quarter = (created - start) // 91
    odds = np.log(WIN_RATE / (1 - WIN_RATE)) + shock * random.standard_normal(quarter.max() + 1)[quarter]
    won = random.random(n) < 1 / (1 + np.exp(-odds))
    # gamma lives with shape 3: mean 57 for wins, 14 for losses, at least a day
    life = np.maximum(np.rint(random.gamma(3.0, np.where(won, WIN_DAYS, LOSS_DAYS) / 3.0)), 1).astype(int)
    close = created + life
    amount = np.round(np.exp(10 + 0.6 * random.standard_normal(n)), 2)
    signed = np.where(won, np.round(amount * drift, 2), amount)
    owner = np.array([f"R{k}" for k in random.integers(0, 6, n)], dtype=object)
    ids = np.array([f"D{k:05d}" for k in range(n)], dtype=object)
    reached = np.where(won, 3, random.integers(1, 4, n))
    promised = created + 30 + random.integers(0, 60, n)
    rows = [(ids, created, 0, "Talk", amount, promised)]
    for place, stage in ((1, "Offer"), (2, "Terms")):
        mine = (reached > place) & (life > 3)
        rows.append(
            (ids[mine], (created + life * place // 3)[mine], place, stage, amount[mine], promised[mine])
        )
    pushed = promised < close
    later = np.where(pushed, promised + 45, promised)
    stage_then = np.where(won, "Terms", np.where(reached > 1, "Offer", "Talk")).astype(object)
    rows.append((ids[pushed], promised[pushed], 3, stage_then[pushed], amount[pushed], later[pushed]))
    ended = np.where(won, "Won", "Lost").astype(object)
    rows.append((ids, close, 4, ended, signed, close))
    history = pd.concat(
        [
            pd.DataFrame(
                {"opportunity_id": i, "day": d, "order": o, "stage": s, "amount_base": a, "close_date": c}
            )
            for i, d, o, s, a, c in rows
        ]
    )
    history = history.sort_values(["opportunity_id", "day", "order"], kind="stable").reset_index(drop=True)
    history["owner_id"] = history["opportunity_id"].map(dict(zip(ids, owner, strict=True)))
    history["close_date"] = history["close_date"].to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    moment = history.pop("day").to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    history["changed_at"] = pd.Series(moment).dt.tz_localize("UTC") + pd.Timedelta(hours=12)
    history["sequence"] = history.groupby("opportunity_id").cumcount() + 1
    history = history.drop(columns="order").assign(forecast_category=None)
    return World(*cut(history, ids, created), pd.DataFrame(
        {"opportunity_id": ids, "created": created, "close": close, "won": won, "amount": signed,
         "owner_id": owner}
    ), _reps())  # fmt: skip


def cut(history: pd.DataFrame, ids: np.ndarray, created: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The opportunities that a history ends in, and the history."""
    last = history.drop_duplicates("opportunity_id", keep="last").rename(
        columns={"changed_at": "recorded_at"}
    )
    born = dict(zip(ids, created.astype("datetime64[D]").astype("datetime64[ns]"), strict=True))
    deals = last.drop(columns="sequence").assign(
        created_date=last["opportunity_id"].map(born),
        account_id=None,
        type=None,
        segment=None,
        lead_source=None,
        currency="USD",
        is_closed=last["stage"].isin(["Won", "Lost"]).astype("boolean"),
        is_won=last["stage"].eq("Won").astype("boolean"),
    )
    return deals.reset_index(drop=True), history


def _reps() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rep_id": [f"R{k}" for k in range(6)],
            "start_date": pd.Timestamp("2021-01-01"),
            "end_date": pd.NaT,
            "team": ["North", "North", "North", "South", "South", "South"],
            "region": ["EMEA"] * 3 + ["AMER"] * 3,
        }
    )


def prepared(opportunities: pd.DataFrame, history: pd.DataFrame | None, reps=None, as_of: date = LAST):
    """The frames as the engine takes them."""
    log = deal_log(opportunities, history, STAGES, as_of=as_of, zone="UTC", calendar=CALENDAR)
    return prepare(log, reps, "Co")


def won_in(truth: pd.DataFrame, period: str) -> pd.DataFrame:
    """What was truly won in a period."""
    low, high = (np.datetime64(day, "D").astype(int) for day in CALENDAR.bounds(period))
    return truth[truth["won"] & (truth["close"] >= low) & (truth["close"] < high)]


def only(given: World, rows: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames of some deals of a world."""
    ids = given.truth.loc[rows, "opportunity_id"].to_numpy()
    history = given.history[given.history["opportunity_id"].isin(ids)].reset_index(drop=True)
    return cut(history, ids, given.truth.loc[rows, "created"].to_numpy())
