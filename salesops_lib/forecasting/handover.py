"""Forecasts in the form of the report's output tables (``outputs.py``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from salesops_lib.forecasting import outputs
from salesops_lib.forecasting.assembly import Forecasts
from salesops_lib.forecasting.bookings import KEY, Books
from salesops_lib.forecasting.combination import Outlook
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES
from salesops_lib.forecasting.targets import targets


def forecast_rows(made: Forecasts) -> pd.DataFrame:
    """Quantiles of every node, period and engine, columns of ``outputs.FORECAST``; money to the cent."""
    parts = []
    for outlook in made.outlooks:
        tables = outlook.view.quantiles | {
            "combined": outlook.reconciled.quantiles(), "unreconciled": outlook.base,
        }  # fmt: skip
        for engine, values in tables.items():
            wide = pd.DataFrame(values, columns=PROBABILITIES).assign(
                engine=engine, period=outlook.history.period, **_keys(outlook)
            )
            parts.append(wide.melt([*KEY, "period", "engine"], var_name="quantile", value_name="value_base"))
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["value_base"])
    rows = rows.assign(value_base=rows["value_base"].round(2), quantile=rows["quantile"].astype("float64"))
    rows = rows.assign(order=rows["level"].map({v: k for k, v in enumerate(outputs.LEVELS)}))
    rows = rows.sort_values(["period", "order", "node_id", "engine", "quantile"], kind="stable")
    return rows.reindex(columns=outputs.FORECAST.column_names).reset_index(drop=True)


def outlook_rows(
    made: Forecasts,
    quotas: pd.DataFrame | None,
    names: Mapping[str, str],
    company: str,
    interval_level: float,
) -> pd.DataFrame:
    """Each node's range against its target, and what it was a week before, columns of ``outputs.OUTLOOK``.

    The company's rows come first, then the first period's nodes from the regions down, then the next one's.
    """
    parts = []
    for place, outlook in enumerate(made.outlooks):
        nodes, period = outlook.history.nodes, outlook.history.period
        goal = targets(quotas, nodes, period, company)
        ends = np.array([(1 - interval_level) / 2, 0.5, (1 + interval_level) / 2])
        low, mid, high = outlook.reconciled.quantiles(ends).T.round(2)
        before = _middle_before(made, place, nodes)
        parts.append(
            nodes.assign(
                period=period,
                name=nodes["node_id"].map(names).fillna(nodes["node_id"]),
                booked_base=outlook.history.now.round(2),
                low_base=low,
                mid_base=mid,
                high_base=high,
                interval_level=interval_level,
                target_base=goal["target_base"].to_numpy(),
                target_source=goal["target_source"].to_numpy(),
                p_target=outlook.reconciled.reaches(goal["target_base"].to_numpy()),
                gap_base=(goal["target_base"].to_numpy() - mid).round(2),
                unreconciled_mid_base=outlook.base[:, MEDIAN].round(2),
                last_week_mid_base=before.round(2),
                moved_base=(mid - before).round(2),
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    rows = pd.concat([rows[rows["level"] == "company"], rows[rows["level"] != "company"]])
    return rows.reindex(columns=outputs.OUTLOOK.column_names).reset_index(drop=True)


def upper(outlook: pd.DataFrame, most: int = 25) -> int:
    """How many rows of an outlook to show: the company in every period, the first down to its teams."""
    first = outlook["period"] == outlook["period"].iloc[0]
    shown = (outlook["level"] == "company") | (first & outlook["level"].isin(["region", "team"]))
    return int(min(shown.sum(), most)) or 1


def level_to_show(outlook: pd.DataFrame, period: str) -> str:
    """The level to draw against targets: teams, else regions, else reps; empty where none has a target."""
    held = outlook[(outlook["period"] == period) & outlook["target_base"].notna()]
    return next((level for level in ("team", "region", "rep") if (held["level"] == level).any()), "")


def engine_rows(made: Forecasts, notes: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Which engines are on, with what weight, and why the others are off: ``outputs.ENGINE_STATE``."""
    rows = []
    for outlook in made.outlooks:
        company = outlook.history.level("company")
        for engine in outputs.ENGINES:
            values = outlook.view.quantiles[engine]
            on = bool(np.isfinite(values[:, MEDIAN]).any())
            upper, rep = (outlook.weights.get(group) for group in ("upper", "rep"))
            rows.append(
                {
                    "period": outlook.history.period,
                    "engine": engine,
                    "on": on,
                    "weight": upper.of.get(engine, 0.0) if upper else np.nan,
                    "weight_rep": rep.of.get(engine, 0.0) if rep else np.nan,
                    "company_mid_base": round(float(values[company[0], MEDIAN]), 2) if on else np.nan,
                    "past_periods": upper.periods if upper else 0,
                    "reason": outlook.view.off.get(engine) or (notes or {}).get(engine) or None,
                }
            )
    return pd.DataFrame(rows, columns=outputs.ENGINE_STATE.column_names)


def submitter_rows(outlook: Outlook, names: Mapping[str, str]) -> pd.DataFrame:
    """Standing calls and what they have been worth, widest miss first: columns of ``outputs.SUBMITTERS``."""
    found = outlook.view.submitters
    if found.empty:
        return pd.DataFrame(columns=outputs.SUBMITTERS.column_names)
    order = found["level"].map({"company": 0, "region": 1, "team": 2, "rep": 3})
    found = found.assign(period=outlook.history.period, order=order, miss=-found["bias"].abs())
    found = found.assign(name=found["rep_id"].map(names).fillna(found["rep_id"]))
    money = ["called_base", "expected_base", "called_past_base", "booked_past_base"]
    found = found.sort_values(["order", "miss", "rep_id"], kind="stable").round(dict.fromkeys(money, 2))
    return found.reindex(columns=outputs.SUBMITTERS.column_names).reset_index(drop=True)


def week_rows(books: Books, outlook: Outlook) -> pd.DataFrame:
    """Bookings by week of the running period and of past ones, latest first: ``outputs.PACE_WEEKS``."""
    history, calendar = outlook.history, books.calendar
    won = books.won(history.day)
    parts = []
    for period in [*history.past, *([history.period] if history.begun else [])]:
        start, end = calendar.bounds(period)
        mine = won[won["period"] == period]
        week = (mine["close_date"] - pd.Timestamp(start)).dt.days // 7 + 1
        last = ((history.day if period == history.period else end) - start).days // 7 + 1
        sums = mine["amount"].groupby(week).sum().reindex(range(1, last + 1), fill_value=0.0).cumsum()
        whole = sums.iloc[-1] if period != history.period and len(sums) else np.nan
        share = sums / whole if whole and whole > 0 else np.nan
        parts.append(
            pd.DataFrame({"period": period, "week": sums.index, "booked_base": sums.round(2), "share": share})
        )
    rows = pd.concat(parts[::-1], ignore_index=True) if parts else pd.DataFrame()
    return rows.reindex(columns=outputs.PACE_WEEKS.column_names)


def _keys(outlook: Outlook) -> dict[str, np.ndarray]:
    return {name: outlook.history.nodes[name].to_numpy() for name in KEY}


def _middle_before(made: Forecasts, place: int, nodes: pd.DataFrame) -> np.ndarray:
    """The reconciled middle of each node as it was a week before; missing where it was not there."""
    if not made.before:
        return np.full(len(nodes), np.nan)
    then = made.before[place]
    table = pd.Series(
        then.reconciled.quantiles(np.array([0.5]))[:, 0], pd.MultiIndex.from_frame(then.history.nodes[KEY])
    )
    return table.reindex(pd.MultiIndex.from_frame(nodes[KEY])).to_numpy()
