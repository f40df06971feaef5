"""Coverage of a target by open value due, and how much is needed: each node by its own win rate.

A node's win rate by value at this point of past periods is drawn towards that of the node above, as far as
the spread of its deals explains the difference (empirical Bayes): a rep with six past deals keeps little of
an own rate, a region with six hundred nearly all of it. A node without a past deal has no rate.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.charts import short_money
from salesops_lib.forecasting.deals.known import OPEN, WON, known_on, placed, segments_on
from salesops_lib.forecasting.deals.panel import ordinal
from salesops_lib.forecasting.deals.pipeline import Prepared
from salesops_lib.forecasting.deals.shocks import period_starts
from salesops_lib.forecasting.engines import Engines
from salesops_lib.forecasting.flow import outputs
from salesops_lib.forecasting.flow.past_due import by_stage, past_due, valued

LEVELS = {"company": None, "region": "region", "team": "team", "rep": "owner_id", "segment": "segment"}
ABOVE = {"region": "company", "team": "region", "rep": "team", "segment": "company"}
RATES = ["win_rate", "own_win_rate", "n_past"]
_SUMS = ["closed_base", "open_base", "weighted_base", "unweighted_base", "n_open"]


def coverage_rows(engines: Engines, day: date, outlook: pd.DataFrame) -> pd.DataFrame:
    """Coverage of nodes with a target in the running period: columns of ``outputs.COVERAGE``."""
    period = str(engines.books.calendar.period_of(day, engines.books.log.kind))
    held = outlook[(outlook["period"] == period) & outlook["target_base"].notna()]
    if engines.books.log.no_history or held.empty:
        return pd.DataFrame(columns=outputs.COVERAGE.column_names)
    asked = held[["level", "node_id"]].assign(target=held["target_base"])
    rows = coverage(engines.prepared, day, asked.reset_index(drop=True))
    rows = rows.assign(period=period, target_base=rows["target"])
    return rows.reindex(columns=outputs.COVERAGE.column_names)


def left_out(rows: pd.DataFrame, currency: str) -> list[str]:
    """What the weighted value does not hold, in a sentence for the limits. ``rows``: ``COVERAGE``."""
    top = rows[(rows["level"] == "company") & (rows["unweighted_base"] > 0)]
    return [
        f"The weighted value of {row.period} leaves out {short_money(row.unweighted_base)} {currency} of "
        f"{short_money(row.open_base)} open: no past deal stood at this week in {row.stages_without_past}."
        for row in top.itertuples()
    ]


def coverage(prepared: Prepared, day: date, targets: pd.DataFrame) -> pd.DataFrame:
    """Open value due in the running period against what is left to the target, and what is needed.

    Parameters
    ----------
    prepared, day
        From :func:`pipeline.prepare`; any day up to its ``as_of``.
    targets
        ``level``, ``node_id``, ``target`` (reporting currency) of the period ``day`` falls in.

    Returns
    -------
    DataFrame
        Rows of ``targets`` with ``closed_base``, ``left_base`` (target − closed), ``open_base`` (due in the
        period; an overdue deal of it counts), ``coverage`` (open ÷ left; missing once nothing is left),
        ``win_rate``, ``own_win_rate``, ``n_past`` (:func:`own_rates`), ``needed`` (1 ÷ ``win_rate``),
        ``weighted_base`` (Σ amount × own probability of its stage; missing where no open deal is in a stage
        with a past), ``unweighted_base`` and ``stages_without_past`` (what that leaves out), ``n_open``.
    """
    past = past_due(prepared, ordinal(day))
    starts = period_starts(prepared.log.calendar, prepared.log.kind, ordinal(day), 1)
    if starts is None:
        names = [*_SUMS, "left_base", "coverage", "needed", *RATES, "stages_without_past"]
        return targets.assign(**dict.fromkeys(names, np.nan)).assign(n_past=0)
    held, won = _due(prepared, day, starts, by_stage(past).set_index("stage")["probability"])
    sums = pd.concat([_node_sums(prepared.company, held, won, level) for level in LEVELS])
    made = targets.merge(sums, on=["level", "node_id"], how="left")
    made = made.merge(own_rates(prepared, day, past), on=["level", "node_id"], how="left")
    for name in ("closed_base", "open_base", "unweighted_base", "n_open", "n_past"):
        made[name] = made[name].fillna(0.0)
    bare = (made["open_base"] > 0) & (made["open_base"] <= made["unweighted_base"])
    made["weighted_base"] = made["weighted_base"].fillna(0.0).mask(bare)
    left = made["target"] - made["closed_base"]
    return made.assign(
        left_base=left,
        coverage=(made["open_base"] / left).where(left > 0),
        needed=1 / made["win_rate"].where(made["win_rate"] > 0),
        n_past=made["n_past"].astype(int),
    )


def own_rates(prepared: Prepared, day: date, past: pd.DataFrame) -> pd.DataFrame:
    """Win rate by value of every node at this point of past periods, as known on a day.

    Parameters
    ----------
    prepared, day
        As for :func:`coverage`.
    past
        From :func:`past_due.past_due`: deals belong to where their owner stood at each landmark.

    Returns
    -------
    DataFrame
        ``level``, ``node_id``, ``own_win_rate`` (Σ won ÷ Σ due), ``win_rate`` (the same drawn towards the
        node above), ``n_past`` (its deals of known value, each once). The company keeps its own rate. Empty
        without a past.

    Source: DerSimonian, Laird (1986) for the variance between nodes, here around the node above.
    """
    empty = pd.DataFrame(columns=["level", "node_id", *RATES]).astype(dict.fromkeys(RATES, "float64"))
    past = valued(past)
    if past.empty or not past["amount"].sum() > 0:
        return empty
    rows = _placed(prepared, past)
    top = rows["got"].sum() / rows["amount"].sum()
    share = (rows["got"] / rows["amount"].where(rows["amount"] > 0)).fillna(0.0)
    spread = float((rows["amount"] * (share - top) ** 2).sum() / rows["amount"].sum())
    parents, found = _parents(prepared, day, rows), {}
    for level in LEVELS:
        table = _by_node(rows, level, prepared.company)
        if level in ABOVE:
            above = found[ABOVE[level]]["win_rate"]
            prior = table.index.to_series().map(parents.get(level, {})).map(above).fillna(top)
            table["win_rate"] = _shrunk(table["own_win_rate"], prior, spread / table["deals_worth"])
        found[level] = table.assign(level=level)
    made = pd.concat(found.values()).rename_axis("node_id").reset_index()
    return made[["level", "node_id", *RATES]]


def _placed(prepared: Prepared, past: pd.DataFrame) -> pd.DataFrame:
    """Past deals due with what they brought, their owner and where the owner stood at the landmark."""
    log = prepared.log
    owner = log.states["owner_id"].to_numpy()[past["state"].to_numpy(dtype="int64")]
    deal, segment = past["deal"].to_numpy(dtype="int64"), np.full(len(past), None, dtype="object")
    for mark in past["mark"].unique():
        mine = (past["mark"] == mark).to_numpy()
        segment[mine] = segments_on(log, deal[mine], pd.Timestamp(int(mark), unit="D").date())
    got = past["became"].where(past["won"].astype(bool), 0.0)
    rows = past.assign(owner_id=owner, segment=segment, got=got)
    return placed(rows, prepared.reps, pd.to_datetime(rows["mark"], unit="D"))


def _by_node(rows: pd.DataFrame, level: str, company: str) -> pd.DataFrame:
    """Own rate of each node of a level, its deals, and how many of equal size they are worth."""
    column = LEVELS[level]
    node = pd.Series(company, rows.index) if column is None else rows[column]
    sums = rows.groupby(node)[["got", "amount"]].sum()
    each = rows.groupby([node, rows["deal"]])["amount"].mean()
    deals = each.groupby(level=0)
    rate = sums["got"] / sums["amount"].where(sums["amount"] > 0)
    worth = deals.sum() ** 2 / (each**2).groupby(level=0).sum()
    return pd.DataFrame(
        {"own_win_rate": rate, "win_rate": rate, "n_past": deals.size(), "deals_worth": worth}
    )


def _shrunk(own: pd.Series, prior: pd.Series, noise: pd.Series) -> pd.Series:
    """Own rates drawn towards their priors; how far nodes truly differ is estimated from all of them."""
    noise = noise.clip(lower=1e-12)
    weight = (1 / noise).where(own.notna(), 0.0)
    between = (weight * (own - prior) ** 2).sum() - own.notna().sum()
    between = max(float(between / weight.sum()), 0.0) if weight.sum() > 0 else 0.0
    keep = between / (between + noise)
    return keep * own + (1 - keep) * prior


def _parents(prepared: Prepared, day: date, rows: pd.DataFrame) -> dict[str, dict]:
    """The node above each one: as it stands on the day, else as it last stood."""
    owners = placed(rows[["owner_id"]].drop_duplicates(), prepared.reps, day)
    stood = pd.concat(
        [rows.sort_values("mark", kind="stable")[["team", "region"]], owners[["team", "region"]]]
    )
    company = dict.fromkeys([*rows["region"].dropna().unique(), *rows["segment"].dropna().unique()])
    return {
        "rep": owners.set_index("owner_id")["team"].to_dict(),
        "team": stood.drop_duplicates("team", keep="last").set_index("team")["region"].to_dict(),
        "region": dict.fromkeys(company, prepared.company),
        "segment": dict.fromkeys(company, prepared.company),
    }


def _due(
    prepared: Prepared, day: date, starts: np.ndarray, chances: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Open deals due in the period with their weighted value, and won ones; each with its place."""
    low, high = (pd.Timestamp(int(s), unit="D") for s in starts)
    deals = known_on(prepared.log, day)
    due = deals[deals["close_date"].ge(low) & deals["close_date"].lt(high) & deals["amount_base"].notna()]
    held = placed(due[due["outcome"] == OPEN], prepared.reps, day)
    chance = held["stage"].map(chances)
    amount = held["amount_base"].astype("float64")
    stage = held["stage"].astype("object")
    held = held.assign(
        weighted=amount * chance,
        unweighted=amount.where(chance.isna(), 0.0),
        without=stage.where(stage.notna(), "(unknown)").where(chance.isna()),
    )
    won = due[due["outcome"] == WON]
    return held, placed(won, prepared.reps, won["close_date"])


def _node_sums(company: str, held: pd.DataFrame, won: pd.DataFrame, level: str) -> pd.DataFrame:
    column = LEVELS[level]
    keys = [rows.assign(node_id=company if column is None else rows[column]) for rows in (held, won)]
    open_ = (
        keys[0]
        .groupby("node_id")
        .agg(
            open_base=("amount_base", "sum"),
            weighted_base=("weighted", "sum"),
            unweighted_base=("unweighted", "sum"),
            n_open=("amount_base", "size"),
            stages_without_past=("without", lambda s: ", ".join(sorted(s.dropna().unique())) or None),
        )
    )
    closed = keys[1].groupby("node_id")["amount_base"].sum().rename("closed_base")
    return open_.join(closed, how="outer").reset_index().assign(level=level)
