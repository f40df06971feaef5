"""Findings about the forecast itself and about the calls: coverage, bias, skill, submitters."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.forecasting.record import LEVEL, Record
from salesops_lib.forecasting.rules import BIAS, CALLS, COVERED, SILENT, SKILL, Setting

BENCHMARK_NAMES = {
    "seasonal_naive": "last year's same period", "stage_weighted": "the stage-weighted pipeline",
    "same_week": "same-week conversion", "raw_commit": "the calls as they stand",
}  # fmt: skip


def coverage(setting: Setting, backtest: pd.DataFrame, period: str, ahead: int) -> list[Finding]:
    """How often the printed range held the company's outcome. ``backtest``: columns of ``outputs.BACKTEST``.

    UNKNOWN with fewer than eight past forecasts, or none.
    """
    rows = backtest[
        (backtest["forecaster"] == "combined") & (backtest["level"] == "company")
        & (backtest["ahead"] == ahead) & (backtest["point"] == "all")
    ]  # fmt: skip
    row = rows.iloc[0] if len(rows) else None
    known = row is not None and pd.notna(row["coverage"])
    return [
        COVERED.judge(
            scope={"period": period}, value=row["coverage"] if known else None,
            n=int(row["n"]) if known else 0, limit=setting.limit(COVERED), as_of=setting.as_of,
            interval=Interval(row["coverage_low"], row["coverage_high"], LEVEL, "Wilson") if known else None,
            statement=f"The 80 % range printed held {int(row['inside'])} of {int(row['n'])} past outcomes of "
            f"the company ({percent(row['coverage'])}), {int(row['periods'])} periods."
            if known else f"No past forecast can be made for periods as far ahead as {period}.",
            recommendation="Import more history: past forecasts need whole periods." if not known
            else "Quote the range with its record." if row["coverage_low"] >= setting.limit(COVERED).value
            else "Quote the range with its record, and look up which periods it missed and why.",
        )
    ]  # fmt: skip


def bias(setting: Setting, record: Record, period: str) -> list[Finding]:
    """Bias of the company's past forecasts at this week (:func:`record.bias_record`)."""
    known = record.periods > 0 and pd.notna(record.value)
    side = "high" if record.sign > 0 else "low"
    return [
        BIAS.judge(
            scope={"period": period}, value=record.value, n=record.periods, limit=setting.limit(BIAS),
            as_of=setting.as_of, interval=_range(record),
            statement=f"Past forecasts at this week lay {percent(record.value)} too {side} in sum, over "
            f"{record.periods} periods."
            if known else "No past forecast of the company can be made at this week.",
            recommendation="Import more history: past forecasts need whole periods." if not known
            else "Keep the engines as they are." if record.high <= setting.limit(BIAS).value
            else f"Read the middle as {side} by that much, and find the engine that drags it.",
        )
    ]  # fmt: skip


def skill(setting: Setting, record: Record, period: str) -> list[Finding]:
    """Error against the best benchmark (:func:`record.error_record`)."""
    known = record.periods > 0 and pd.notna(record.value)
    name = BENCHMARK_NAMES.get(record.name, record.name)
    return [
        SKILL.judge(
            scope={"period": period}, value=record.value, n=record.periods, limit=setting.limit(SKILL),
            as_of=setting.as_of, interval=_range(record),
            statement=f"At this week the forecast's error was {percent(record.value)} of that of the best "
            f"benchmark, {name}, over {record.periods} past periods."
            if known else "No benchmark can be held against past forecasts at this week.",
            recommendation="Import more history: benchmarks need whole periods." if not known
            else "Quote the forecast." if record.high <= setting.limit(SKILL).value
            else f"Quote {name} beside the forecast until the forecast beats it.",
        )
    ]  # fmt: skip


def calls(setting: Setting, record: Record, submitters: pd.DataFrame, period: str) -> list[Finding]:
    """Bias of the calls as they stand, and whose are furthest off. ``submitters``: ``outputs.SUBMITTERS``.

    UNKNOWN without calls or past ones.
    """
    known = record.periods > 0 and pd.notna(record.value)
    side = "above" if record.sign > 0 else "below"
    money = None
    if len(submitters):
        money = float((submitters["called_base"] - submitters["expected_base"]).abs().sum())
    sure, worst = _off_to_one_side(submitters)
    return [
        CALLS.judge(
            scope={"period": period}, value=record.value, n=record.periods, limit=setting.limit(CALLS),
            as_of=setting.as_of, interval=_range(record), money_at_stake=money,
            statement=f"The calls as they stand at this week lay {percent(record.value)} {side} what came "
            f"in, over {record.periods} periods; {sure} of {len(submitters)} submitters are off to one side."
            if known else "No calls of past periods stand beside what came in.",
            recommendation=f"Show {_listed(worst)} their own record, and ask for the deals behind the call."
            if worst else "Keep submitting calls every week; they are corrected once three periods stand.",
        )
    ]  # fmt: skip


def silent(setting: Setting, expected: int, called: int, missing: list[str], period: str) -> list[Finding]:
    """Submitters of the last period without a standing call (:func:`record.called_record`).

    UNKNOWN where nobody called in the last whole period.
    """
    few = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return [
        SILENT.judge(
            scope={"period": period}, value=called / expected if expected else None, n=expected,
            limit=setting.limit(SILENT), as_of=setting.as_of,
            statement=f"{called} of {expected} submitters of the last period have called {period}."
            if expected else "Nobody called the last whole period.",
            recommendation=f"Ask {few} for a call: salesops forecast submit."
            if missing else "Submit calls every week: salesops forecast submit."
            if not expected else "Keep the calls coming every week.",
        )
    ]  # fmt: skip


def _off_to_one_side(submitters: pd.DataFrame) -> tuple[int, list[str]]:
    """How many submitters' bias is surely not 0, and the three furthest off."""
    if submitters.empty:
        return 0, []
    sure = submitters[(submitters["bias_low"] > 0) | (submitters["bias_high"] < 0)]
    order = sure["bias"].abs().sort_values(ascending=False, kind="stable").index[:3]
    named = [f"{sure.loc[k, 'name']} ({100 * sure.loc[k, 'bias']:+.0f} %)" for k in order]
    return len(sure), named


def _range(record: Record) -> Interval | None:
    if pd.isna(record.low) or pd.isna(record.high):
        return None
    return Interval(record.low, record.high, LEVEL, "bootstrap over periods")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
