"""The report's first screen: this period and the next, their chance, the range's record, what moved."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from salesops_lib.core.charts import percent, short_money

Card = tuple[str, str, str, str]  # label, value, range, note


def cards(
    outlook: pd.DataFrame, backtest: pd.DataFrame, *, currency: str, elapsed: float, hole: str = "",
    aheads: Sequence[int] = (0, 1),
) -> list[Card]:  # fmt: skip
    """A figure for each of the first two periods, the first one's chance, coverage so far, and the move.

    Parameters
    ----------
    outlook, backtest
        Columns of ``outputs.OUTLOOK`` and ``outputs.BACKTEST``.
    elapsed
        Share of the first period's business days gone.
    hole
        The last finished period where it has hardly a booking; empty where it has.
    aheads
        How far ahead of the day's own period each of the outlook's is.

    Returns
    -------
    list of (label, value, range, note)
        A figure that cannot be defended shows ``–`` and says why in its note.
    """
    company = outlook[outlook["level"] == "company"].to_dict("records")
    first = company[0]
    label, value, ends, note = _forecast(first, currency, elapsed)
    note = f"hardly a booking in {hole}: mend the data before quoting this; {note}" if hole else note
    made = [(label, value, ends, note), _chance(first, currency)]
    made += [_forecast(row, currency, 0.0) for row in company[1:2]]
    return [*made, _coverage(backtest, company, aheads), _moved(first, currency)]


def _forecast(row: dict, currency: str, elapsed: float) -> Card:
    label = f"Forecast {row['period']}"
    if pd.isna(row["mid_base"]):
        return label, "–", "", "no engine is on; see Which engines speak?"
    ends = f"{short_money(row['low_base'])} to {short_money(row['high_base'])}"
    goal = ""
    if pd.notna(row["target_base"]):
        goal = f"; target {short_money(row['target_base'])}"
        goal += f", {percent(row['p_target'])} chance" if elapsed == 0 else ""
    elif elapsed == 0:
        goal = "; no target set yet"
    done = f"{short_money(row['booked_base'])} booked"
    done += f", {percent(elapsed)} of business days gone" if elapsed > 0 else ""
    return label, f"{short_money(row['mid_base'])} {currency}", f"{_name(row)} {ends}", f"{done}{goal}"


def _name(row: dict) -> str:
    """``P10–P90`` of an 80 % range."""
    low = round(50 * (1 - row["interval_level"]))
    return f"P{low}–P{100 - low}"


def _chance(row: dict, currency: str) -> Card:
    label = f"Chance to reach {row['period']} target"
    if pd.isna(row["p_target"]):
        return label, "–", "", "no target for the company: enter it as a quota"
    gap = row["gap_base"]
    side = f"{short_money(abs(gap))} {currency} {'short of' if gap > 0 else 'above'} target in the middle"
    own = row["target_source"]
    return label, _share(row["p_target"]), f"target {short_money(row['target_base'])}", (
        side if own == "own" else f"{side}; target is the {own}"
    )  # fmt: skip


def _share(chance: float) -> str:
    """A chance is never shown as certain."""
    return "over 99 %" if chance > 0.99 else "under 1 %" if chance < 0.01 else percent(chance)


def _coverage(backtest: pd.DataFrame, company: list[dict], aheads: Sequence[int]) -> Card:
    """How many past outcomes the range as printed held, for the first two periods, each by its own record."""
    label, promised = "Range's coverage so far", f"{percent(company[0]['interval_level'])} promised"
    held, notes = [], []
    for row, ahead in list(zip(company, aheads, strict=False))[:2]:
        found = backtest[
            (backtest["forecaster"] == "combined") & (backtest["level"] == "company")
            & (backtest["ahead"] == ahead) & (backtest["point"] == "all")
        ]  # fmt: skip
        if found.empty or pd.isna(found["range_inside"].iloc[0]):
            held.append("–")
            notes.append(f"{row['period']}: too few whole periods for past forecasts")
            continue
        record = found.iloc[0]
        held.append(f"{int(record['range_inside'])}/{int(record['n'])}")
        far = {0: "this period", 1: "one period ahead"}.get(ahead, f"{ahead} periods ahead")
        error = f"middle off {percent(record['wape'])}"
        notes.append(f"{far}: {record['periods']} past periods, {error}")
    if set(held) == {"–"}:
        return label, "–", promised, "too few whole periods for past forecasts"
    return label, ", ".join(held), promised, "; ".join(notes)


def _moved(row: dict, currency: str) -> Card:
    label = "Since last week"
    if pd.isna(row["moved_base"]):
        return label, "–", "", "no forecast could be made a week before"
    sign = "+" if row["moved_base"] >= 0 else "−"
    was = f"{short_money(row['last_week_mid_base'])} → {short_money(row['mid_base'])}"
    return label, f"{sign}{short_money(abs(row['moved_base']))} {currency}", was, f"middle of {row['period']}"
