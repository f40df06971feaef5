"""Findings about the forecast itself and about the calls: coverage, bias, skill, parts, submitters."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.forecasting.record.over_periods import LEVEL, holm
from salesops_lib.forecasting.record.tables import Record
from salesops_lib.forecasting.rules import BIAS, CALLS, COVERED, PARTS, SILENT, SKILL, Setting

BENCHMARK_NAMES = {
    "seasonal_naive": "last year's same period", "stage_weighted": "the stage-weighted pipeline",
    "same_week": "same-week conversion", "raw_commit": "the calls as they stand",
}  # fmt: skip
PART_NAMES = {
    "run_rate": "the run rate", "pipeline": "the pipeline", "commit": "the corrected calls",
    "pace": "the pace", "unreconciled": "the figure before adding up",
}  # fmt: skip
CHANCE = 0.05  # of any part of a level to look better by luck


def coverage(setting: Setting, backtest: pd.DataFrame, period: str, ahead: int) -> list[Finding]:
    """How often the 80 % range held the company's outcome. ``backtest``: columns of ``outputs.BACKTEST``.

    UNKNOWN with fewer than four past periods, or none: forecasts of one period are one observation.
    """
    rows = backtest[
        (backtest["forecaster"] == "combined") & (backtest["level"] == "company")
        & (backtest["ahead"] == ahead) & (backtest["point"] == "all")
    ]  # fmt: skip
    row = rows.iloc[0] if len(rows) else None
    known = row is not None and pd.notna(row["coverage"])
    ends = _ends(row["coverage_low"], row["coverage_high"], "Wilson over periods") if known else None
    return [
        COVERED.judge(
            scope={"period": period}, value=row["coverage"] if known else None,
            n=int(row["periods"]) if known else 0, limit=setting.limit(COVERED), as_of=setting.as_of,
            interval=ends,
            statement=f"The 80 % range held {int(row['inside'])} of {int(row['n'])} past outcomes of "
            f"the company ({percent(row['coverage'])}), {int(row['periods'])} periods."
            if known else f"No past forecast can be made for periods as far ahead as {period}.",
            recommendation="Import more history: past forecasts need whole periods." if not known
            else "Quote the range with its record." if ends and ends.low >= setting.limit(COVERED).value
            else "Quote the range with its record, and look up which periods it missed and why.",
        )
    ]  # fmt: skip


def bias(setting: Setting, record: Record, period: str) -> list[Finding]:
    """Bias of the company's past forecasts at this week (:func:`record.bias_record`), on either side."""
    known = record.periods > 0 and pd.notna(record.value)
    side, folded = "high" if record.value > 0 else "low", _folded(record)
    return [
        BIAS.judge(
            scope={"period": period}, value=abs(record.value), n=record.periods, limit=setting.limit(BIAS),
            as_of=setting.as_of, interval=folded,
            statement=f"Past forecasts at this week lay {100 * abs(record.value):.1f} % too {side} in sum"
            f"{_signed_ends(record)}, over {record.periods} periods."
            if known else "No past forecast of the company can be made at this week.",
            recommendation="Import more history: past forecasts need whole periods." if not known
            else "Keep the engines as they are." if folded and folded.high <= setting.limit(BIAS).value
            else f"Read the middle as {side} by that much, and find the engine that drags it.",
        )
    ]  # fmt: skip


def parts(setting: Setting, backtest: pd.DataFrame, period: str, ahead: int) -> list[Finding]:
    """Whether an engine alone, or the figures before adding up, beat the forecast beyond chance.

    ``backtest``: columns of ``outputs.BACKTEST``; each part is held against the forecast where both stand,
    one test a level and part, those of a level corrected together. UNKNOWN with fewer than four past periods.
    """
    rows = backtest[
        backtest["forecaster"].isin(list(PART_NAMES)) & (backtest["ahead"] == ahead)
        & (backtest["point"] == "all") & backtest["p_value"].notna()
    ]  # fmt: skip
    raised = rows.groupby("level", sort=False)["p_value"].transform(lambda p: holm(p.to_numpy()))
    ahead_of = rows[(raised < CHANCE) & (rows["loss_difference"] > 0)].sort_values("p_value", kind="stable")
    known = len(rows) > 0
    return [
        PARTS.judge(
            scope={"period": period}, value=float(len(ahead_of)) if known else None,
            n=int(rows["periods"].max()) if known else 0, limit=setting.limit(PARTS), as_of=setting.as_of,
            statement=_parts_said(rows, ahead_of)
            if known else f"No part can be held against the forecast as far ahead as {period}.",
            recommendation="Import more history: past forecasts need whole periods." if not known
            else "Quote the forecast; no part does better beyond chance." if ahead_of.empty
            else f"Print {_listed([PART_NAMES[n] for n in ahead_of['forecaster'].unique()])} beside the "
            f"forecast, and find in the table of engines whose weight drags it.",
        )
    ]  # fmt: skip


def skill(setting: Setting, record: Record, period: str) -> list[Finding]:
    """Error against the benchmark hardest to beat (:func:`record.error_record`)."""
    known = record.periods > 0 and pd.notna(record.value)
    name = BENCHMARK_NAMES.get(record.name, record.name)
    return [
        SKILL.judge(
            scope={"period": period}, value=record.value, n=record.periods, limit=setting.limit(SKILL),
            as_of=setting.as_of, interval=_ends(record.low, record.high),
            statement=f"At this week the forecast's error was {percent(record.value)} of that of the "
            f"benchmark hardest to beat, {name}, over the same {record.periods} past periods."
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
    side = "above" if record.value > 0 else "below"
    money = None
    if len(submitters):
        money = float((submitters["called_base"] - submitters["expected_base"]).abs().sum())
    sure, worst = _off_to_one_side(submitters)
    return [
        CALLS.judge(
            scope={"period": period}, value=abs(record.value), n=record.periods, limit=setting.limit(CALLS),
            as_of=setting.as_of, interval=_folded(record), money_at_stake=money,
            statement=f"The calls as they stand at this week lay {percent(abs(record.value))} {side} what "
            f"came in{_signed_ends(record)}, over {record.periods} periods; {sure} of {len(submitters)} "
            f"submitters are off to one side."
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


def _parts_said(rows: pd.DataFrame, ahead_of: pd.DataFrame) -> str:
    """The parts that beat the forecast, or the one that came closest for the company."""
    if len(ahead_of):
        said = [f"{PART_NAMES[r.forecaster]} ({r.level}: {_pair(r)})" for r in ahead_of.head(3).itertuples()]
        more = f" and {len(ahead_of) - 3} more" if len(ahead_of) > 3 else ""
        return f"Beyond chance better than the forecast, on the same past forecasts: {', '.join(said)}{more}."
    shown = rows[rows["level"] == "company"] if (rows["level"] == "company").any() else rows
    best = max(shown.itertuples(), key=lambda r: r.loss_difference)
    return (
        f"No engine alone, and no figure before adding up, beat the forecast beyond chance; the best, "
        f"{PART_NAMES[best.forecaster]}, was off by {_pair(best)} on the same {best.n} past forecasts."
    )


def _pair(row) -> str:
    """``3.4 % against 3.6 %``: errors of a part and of the forecast."""
    return f"{100 * row.wape:.1f} % against {100 * row.combined_wape:.1f} %"


def _ends(low: float, high: float, method: str = "t over periods") -> Interval | None:
    return None if pd.isna(low) or pd.isna(high) else Interval(low, high, LEVEL, method)


def _folded(record: Record) -> Interval | None:
    """The range of the size, from that with its sign: from 0 where both signs are possible."""
    if pd.isna(record.low) or pd.isna(record.high):
        return None
    low = max(record.low, -record.high, 0.0)
    return _ends(low, max(-record.low, record.high), "t over periods, folded at 0")


def _signed_ends(record: Record) -> str:
    ends = f" ({100 * record.low:+.0f} % to {100 * record.high:+.0f} %)"
    return "" if pd.isna(record.low) else ends.replace("-", "−")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
