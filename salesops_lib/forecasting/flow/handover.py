"""The open pipeline in the form of the report's output tables (``outputs.py``).

Without a history of stages, amounts and dates most of them are empty: what a deal was on a past day is not
known then.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.periods import Period
from salesops_lib.forecasting.combination import Outlook
from salesops_lib.forecasting.deals.pipeline import Forecast
from salesops_lib.forecasting.engines import Engines
from salesops_lib.forecasting.flow import leakage, outputs
from salesops_lib.forecasting.flow import scenarios as what_if
from salesops_lib.forecasting.flow.fx_effect import Rates
from salesops_lib.forecasting.flow.measures import win_rates
from salesops_lib.forecasting.flow.slippage import movers, needed, pushes, slippage
from salesops_lib.forecasting.flow.waterfall import TERMS, long, waterfall

WEEK = timedelta(days=7)
AUDITED = timedelta(days=182)  # back: most deals open then are decided by now
_KEYS = frozenset({"name", "account_id", "currency", "source_row"})
BASE = "base"
_SOURCES = {
    "commit": "committed deals", "other_due": "the other deals due", "not_due": "deals due later",
    "new": "deals not created yet",
}  # fmt: skip


def waterfall_steps(
    engines: Engines, day: date, period: Period, rates: pd.DataFrame | None = None, currency: str = ""
) -> pd.DataFrame:
    """Weekly steps of the period up to a day, all nodes, in cents (:func:`waterfall.waterfall`).

    ``rates``: the table ``fx_rates``, to tell what an exchange rate did from what a seller did; ``currency``
    is the reporting one. Without rates nothing is put down to them.

    The first step goes from the eve of the period, the last to ``day``, each earlier one seven days before
    the next. Before the period begins there is one step, of the last week. Empty without history.
    """
    log = engines.books.log
    if log.no_history:
        return pd.DataFrame()
    eve = log.calendar.bounds(period)[0] - timedelta(days=1)
    days = [day]
    while days[-1] - WEEK > eve:
        days.append(days[-1] - WEEK)
    days.append(min(eve, days[-1] - WEEK) if eve >= day else eve)
    fx = None if rates is None or rates.empty else Rates(rates, currency)
    told = {"company": engines.books.company, "rates": fx}
    return waterfall(log, engines.books.reps, period, sorted(set(days)), **told)


def waterfall_rows(steps: pd.DataFrame, company: str) -> pd.DataFrame:
    """Every step and term, the last step first, the company on top: columns of ``outputs.WATERFALL``."""
    if steps.empty:
        return pd.DataFrame(columns=outputs.WATERFALL.column_names)
    rows = long(steps)
    order = rows["level"].map({name: at for at, name in enumerate(outputs.LEVELS)})
    place = rows["term"].map({name: at for at, name in enumerate(TERMS)})
    rows = rows.assign(order=order, place=place, back=-rows["end_date"].astype("int64"))
    rows = rows.sort_values(["back", "order", "node_id", "place"], kind="stable")
    return rows.reindex(columns=outputs.WATERFALL.column_names).reset_index(drop=True)


def last_step(steps: pd.DataFrame) -> pd.DataFrame:
    """The last week's step of every node; empty where there is none."""
    return steps[steps["end_date"] == steps["end_date"].max()] if len(steps) else steps


def node_step(steps: pd.DataFrame, company: str) -> pd.DataFrame:
    """The company's row of one step; empty where there is none."""
    return steps[(steps["level"] == "company") & (steps["node_id"] == company)] if len(steps) else steps


def slippage_rows(engines: Engines, day: date, period: Period) -> pd.DataFrame:
    """Slippage of every node, most money first in each level: columns of ``outputs.SLIPPAGE``."""
    books = engines.books
    if books.log.no_history:
        return pd.DataFrame(columns=outputs.SLIPPAGE.column_names)
    rows = slippage(books.log, books.reps, period, day, company=books.company)
    order = rows["level"].map({name: at for at, name in enumerate(outputs.LEVELS)})
    rows = rows.assign(order=order).sort_values(
        ["order", "slipped_base", "node_id"], ascending=[True, False, True]
    )
    return rows.reindex(columns=outputs.SLIPPAGE.column_names).reset_index(drop=True)


def push_rows(engines: Engines, day: date) -> pd.DataFrame:
    """Open deals by number of pushes: columns of ``outputs.PUSHES``; empty without history."""
    if engines.books.log.no_history:
        return pd.DataFrame(columns=outputs.PUSHES.column_names)
    return pushes(engines.books.log, day).reindex(columns=outputs.PUSHES.column_names)


def mover_rows(engines: Engines, day: date, period: Period, *, top: int = 12) -> pd.DataFrame:
    """Deals that changed the number most in the last week: columns of ``outputs.MOVERS``."""
    if engines.books.log.no_history:
        return pd.DataFrame(columns=outputs.MOVERS.column_names)
    rows = movers(engines.books.log, period, day - WEEK, day, top=top)
    return rows.reindex(columns=outputs.MOVERS.column_names)


def feature_rows(engines: Engines, day: date, deals: pd.DataFrame | None) -> pd.DataFrame:
    """What the engine reads and what it must not: columns of ``outputs.FEATURES``; empty without history.

    Judged on the deals open half a year before ``day``; a field whose past is not recorded is not dated, and
    the engine does without it. ``deals``: the table of opportunities as it stands;
    its other columns are audited as if somebody used them to look back.
    """
    log, past = engines.books.log, day - AUDITED
    if log.no_history:
        return pd.DataFrame(columns=outputs.FEATURES.column_names)
    features, won = leakage.own_features(log, past)
    own = leakage.audit(features, won, as_known=frozenset(features.columns)).table.assign(used=True)
    for name, evidence in leakage.undated(log, past).items():
        at = own["feature"] == name
        own.loc[at, ["verdict", "reason", "evidence"]] = [leakage.NOT_DATED, leakage.NOT_DATED, evidence]
        own.loc[at, ["used", "auc", "n"]] = [False, np.nan, 0]
    stored = pd.DataFrame(index=features.index)
    if deals is not None:
        kept = deals.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
        kept = kept[[c for c in kept if c not in {*features.columns, *_KEYS} and kept[c].notna().any()]]
        stored = kept.reindex(features.index)
    others = leakage.audit(stored, won, day=pd.Timestamp(past)).table.assign(used=False)
    rows = pd.concat([own, others], ignore_index=True) if len(others) else own
    return rows.reindex(columns=outputs.FEATURES.column_names)


def needed_rows(made: Forecast, outlook: pd.DataFrame) -> pd.DataFrame:
    """What each source must bring, for every period with a company target: columns of ``outputs.NEEDED``."""
    parts = []
    if made.simulation is not None:
        goals = outlook[(outlook["level"] == "company") & outlook["target_base"].notna()]
        for goal in goals.itertuples():
            if goal.period in made.simulation.periods:
                parts.append(needed(made, float(goal.target_base), period=goal.period))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return rows.reindex(columns=outputs.NEEDED.column_names)


def needed_said(rows: pd.DataFrame) -> str:
    """What has to be true, in words for each period: every source alone, the others as expected."""
    if rows.empty:
        return "What has to be true is not known: it needs a company target and the pipeline engine."
    said = []
    for period, part in rows.groupby("period", sort=False):
        table = part.set_index("source")
        gap = float(table.loc["gap", "expected_base"])
        side = f"{short_money(abs(gap))} {'short of' if gap > 0 else 'above'} target in the mean"
        ways = [_way(table.loc[name], words) for name, words in _SOURCES.items() if name in table.index]
        verb = "It is reached" if gap > 0 else "It still is reached"
        said.append(f"{period} is {side} by the pipeline. {verb} if {'; or '.join(filter(None, ways))}.")
    return "\n".join(said)


def _way(row: pd.Series, words: str) -> str:
    needed, expected = row["needed_base"], row["expected_base"]
    if row.name == "new":
        return f"{words} bring {short_money(needed)} ({short_money(expected)} expected)"
    if pd.isna(row["needed_rate"]) or not row["value_base"] > 0:
        return ""
    if needed > row["value_base"]:
        return f"{words} cannot close it alone"
    return f"{words} bring {percent(row['needed_rate'])} of their value ({percent(row['own_rate'])} expected)"


def default_scenarios(made: Forecast, period: str) -> list[str]:
    """Scenarios worth asking every week: the deal most hangs on lost, or late; conversion and inflow off."""
    deals = made.deals
    if deals is None or deals.empty:
        return []
    expected = (deals[f"p_{period}"] * deals["amount_base"]).fillna(0.0)
    texts = []
    if expected.max() > 0:
        largest = deals.loc[expected.idxmax(), "opportunity_id"]
        texts = [f"drop {largest}", f"delay {largest} 60d"]
    return [*texts, "win_rate -10%", "win_rate +10%", "inflow -20%"]


def scenario_rows(
    made: Forecast, outlooks: list[Outlook], texts: list[str], outlook: pd.DataFrame
) -> pd.DataFrame:
    """The forecast under each scenario: columns of ``outputs.SCENARIOS``.

    The pipeline engine's draws say by how much a scenario changes each draw; every combined draw, coupled
    with them rank by rank, is moved by that. So base and headline are the same figures.
    """
    base = made.draws()
    if base is None:
        return pd.DataFrame(columns=outputs.SCENARIOS.column_names)
    rows = []
    for text in [BASE, *texts]:
        changed = base if text == BASE else what_if.apply(made, what_if.parse(text))
        for seen in outlooks:
            period = seen.history.period
            goal = outlook[(outlook["level"] == "company") & (outlook["period"] == period)].iloc[0]
            before, after = (d.of("company", goal["node_id"], period) for d in (base, changed))
            if before is None:
                continue
            own, drawn = _coupled(seen, before)
            moved = np.maximum(own + (after - before)[drawn], seen.history.now[0])
            rows.append({"scenario": text, "period": period} | _measured(moved, own, goal["target_base"]))
    made_rows = pd.DataFrame(rows, columns=outputs.SCENARIOS.column_names)
    return made_rows.round({c: 2 for c in made_rows.columns if c.endswith("_base")})


def win_rate_rows(engines: Engines, day: date) -> pd.DataFrame:
    """The three win rates over the last four whole periods: columns of ``outputs.WIN_RATES``."""
    calendar, kind = engines.books.calendar, engines.books.log.kind
    end = calendar.bounds(calendar.period_of(day, kind))[0]
    begun = calendar.periods(kind, end=end)
    if engines.books.log.no_history or len(begun) < 4:
        return pd.DataFrame(columns=outputs.WIN_RATES.column_names)
    rows = win_rates(engines.prepared, day, calendar.bounds(begun[-4])[0], end)
    return rows.reindex(columns=outputs.WIN_RATES.column_names)


def _coupled(seen: Outlook, ranked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The company's combined draws, ascending, and for each the one of other draws at the same rank."""
    own = np.sort(seen.reconciled.draws[0])
    rank = ((np.arange(len(own)) + 0.5) / len(own) * len(ranked)).astype("int64")
    return own, np.argsort(ranked, kind="stable")[rank]


def _measured(values: np.ndarray, before: np.ndarray, target: float) -> dict[str, float]:
    low, mid, high = np.quantile(values, [0.1, 0.5, 0.9])
    chance = [np.nan, np.nan]
    if np.isfinite(target):
        chance = [((v >= target - 0.005).sum() + 0.5) / (len(v) + 1) for v in (values, before)]
    return {
        "low_base": low, "mid_base": mid, "high_base": high, "target_base": target, "p_target": chance[0],
        "change_base": float((values - before).mean()), "change_p": chance[0] - chance[1],
    }  # fmt: skip
