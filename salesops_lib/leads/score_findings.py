"""What the audit and the score can find."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval, Severity
from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads import rules
from salesops_lib.leads.evaluation import auc_interval, population_stability, stability_interval
from salesops_lib.leads.rules import Setting
from salesops_lib.leads.scoring import Scores

LEVEL = 0.9
MIN_COMPARED = 100
"""Leads on each side under which ten bins differ by chance alone."""
SLOPE = (0.8, 1.25)
"""Slopes between which a score is neither too bold nor too timid; a house default."""


def score(
    setting: Setting, found: Scores, audit: pd.DataFrame, lift: pd.DataFrame, recent: pd.Series
) -> list[Finding]:
    """The audit and the score: five rules, UNKNOWN where there is no score.

    ``audit``, ``lift``: ``outputs.AUDIT``, ``outputs.LIFT``. ``recent``: scores of the last leads.
    """
    windows = _windows(found)
    tested = int(windows["n"].sum()) if len(windows) else 0
    return [
        _leaks(setting, audit),
        _ranks(setting, found, windows, tested),
        _level(setting, found, tested),
        _drift(setting, found, recent),
        _lift(setting, found, lift, tested),
    ]


def _leaks(setting: Setting, audit: pd.DataFrame) -> Finding:
    refused = audit[audit["verdict"] == "refused"]
    judged = audit["auc"].notna().any() or len(refused) > 0
    names = ", ".join(refused["column"].head(4))
    said, step = (
        f"None of {len(audit)} columns gives the outcome away.",
        "Audit again when a column is added.",
    )
    if not judged:
        said = f"No outcome is known to hold {len(audit)} columns against."
        step = "Name the column that says converted, as the parameter outcome."
    if len(refused):
        first = refused.iloc[0]
        said = (
            f"{len(refused)} of {len(audit)} columns must not feed a score: {names}. {first['column']}: "
            f"{first['reason']}."
        )
        step = f"Take {names} out of every score and rule that ranks leads."
    return rules.LEAK.judge(
        scope={"columns": "all"},
        value=float(len(refused)) if judged else None,
        n=len(audit),
        limit=setting.limit(rules.LEAK),
        as_of=setting.as_of,
        statement=said,
        recommendation=step,
    )


def _ranks(setting: Setting, found: Scores, windows: pd.DataFrame, tested: int) -> Finding:
    said, steps = _nothing(found), {}
    worst = interval = None
    pooled = _windows(found, pooled=True)
    if len(pooled) and windows["auc"].notna().any():
        row, last = pooled.iloc[0], windows.loc[windows["auc"].idxmin()]
        worst = float(last["auc"])
        interval = auc_interval(worst, int(last["events"]), int(last["n"] - last["events"]), LEVEL)
        said = (
            f"The {found.model} ranks with an AUC of {worst:.2f} in its worst of {len(windows)} windows and "
            f"{row['auc']:.2f} pooled; its Brier skill is {percent(row['skill'])}."
        )
        first = "Load scores.csv into the CRM and work the first ones first."
        if row["skill"] <= 0:
            first = "Use the order of scores.csv only: its level is no better than the overall rate."
        steps = {
            Severity.OK: first,
            Severity.WATCH: "Try scores.csv on half of the leads for four weeks, the other half by turns.",
            Severity.ACT: "Do not load scores.csv: order leads by source, and ask which fact nobody records.",
        }
    return _judged(
        setting,
        rules.SCORE,
        {"model": found.model or "none"},
        (worst, interval, tested),
        said,
        steps | {Severity.UNKNOWN: "Keep working leads by source until enough have matured."},
    )


def _level(setting: Setting, found: Scores, tested: int) -> Finding:
    value, interval, predicted, actual = _last_bias(found)
    said = _nothing(found)
    ok = "Trust the level of the score, recalibrated on the last matured window."
    pooled = _windows(found, pooled=True)
    if value is not None:
        slope = float(pooled["slope"].iloc[0])
        said = (
            f"In the last window {percent(predicted)} were predicted to convert, {percent(actual)} did; the "
            f"slope over all windows is {slope:.2f}, 1 is right."
        )
        if not SLOPE[0] <= slope <= SLOPE[1]:
            way = "pull the extremes in" if slope < SLOPE[0] else "spread them"
            ok = f"Recalibrate before a probability is shown: {way}; the order stands."
    return _judged(
        setting,
        rules.CALIBRATION,
        {"model": found.model or "none"},
        (value, interval, tested),
        said,
        {
            Severity.OK: ok,
            Severity.WATCH: "Use ranks; look at the level again when the next window has matured.",
            Severity.ACT: "Use ranks, no probabilities, and fit anew on the last matured leads.",
            Severity.UNKNOWN: "Nothing to calibrate.",
        },
    )


def _drift(setting: Setting, found: Scores, recent: pd.Series) -> Finding:
    tested = found.tested["probability"] if len(found.tested) else pd.Series(dtype="float64")
    if len(tested):
        tested = tested[found.tested["window"] == found.tested["window"].max()]
    enough = min(len(tested), len(recent)) >= MIN_COMPARED
    value = population_stability(tested, recent) if enough else float("nan")
    known = bool(np.isfinite(value))
    return _judged(
        setting,
        rules.DRIFT,
        {"leads": "recent"},
        (value, stability_interval(tested, recent, level=LEVEL) if known else None, len(recent)),
        f"Scores of the {len(recent):,} leads that came in last differ from those tested by a stability "
        f"index of {value:.2f}; under 0.10 they are alike."
        if known
        else f"{len(recent):,} recent leads have a score, {len(tested):,} were tested; {MIN_COMPARED} of "
        "each needed.",
        {
            Severity.OK: "Keep the score.",
            Severity.WATCH: "Keep the score, and look which source brings other leads than before.",
            Severity.ACT: "Fit the score anew on the last year, and find which source changed.",
            Severity.UNKNOWN: "Nothing to compare.",
        },
    )


def _lift(setting: Setting, found: Scores, lift: pd.DataFrame, tested: int) -> Finding:
    best = lift.iloc[0] if len(lift) and pd.notna(lift["lift"].iloc[0]) else None
    said, value, interval = _nothing(found), None, None
    if best is not None:
        value = float(best["lift"])
        overall = best["rate"] / value if value else np.nan
        rate = proportion_interval(int(best["events"]), int(best["n"]), LEVEL)
        if np.isfinite(overall) and overall > 0:
            interval = Interval(rate.low / overall, rate.high / overall, LEVEL, "Wilson over the rate of all")
        held = lift["captured"].iloc[min(2, len(lift) - 1)]
        said = (
            f"The best tenth by score converts at {percent(best['rate'])}, {value:.1f} times all; the "
            f"best three tenths hold {percent(held)} of conversions."
        )
    return _judged(
        setting,
        rules.LIFT,
        {"model": found.model or "none"},
        (value, interval, tested),
        said,
        {
            Severity.OK: "Route the best tenth to whoever is free now.",
            Severity.WATCH: "Route by turns; look at the lift again when another window has matured.",
            Severity.ACT: "Do not route by this score: its best tenth is little better than any.",
            Severity.UNKNOWN: "Do not route by a score.",
        },
    )


def _judged(setting: Setting, rule, scope, evidence, said: str, steps: dict) -> Finding:
    """The finding with the step that its severity asks for. ``evidence``: value, interval, n."""
    value, interval, n = evidence
    parts = {"scope": scope, "value": value, "interval": interval, "n": n, "statement": said}
    parts |= {"limit": setting.limit(rule), "as_of": setting.as_of}
    severity = rule.judge(**parts, recommendation="Judge first.").severity
    return rule.judge(**parts, recommendation=steps[severity])


def _windows(found: Scores, *, pooled: bool = False) -> pd.DataFrame:
    """Rows of the model chosen: its windows, or the pooled one."""
    if found.windows.empty:
        return found.windows
    mine = found.windows[found.windows["model"] == found.model]
    return mine[mine["window"].eq("pooled") == pooled]


def _nothing(found: Scores) -> str:
    return f"There is no score: {found.why or 'no window was tested'}."


def _last_bias(found: Scores) -> tuple[float | None, Interval | None, float, float]:
    """|predicted ÷ actual − 1| of the last window with its range, and both; None where nothing was tested or
    converted."""
    if found.tested.empty:
        return None, None, 0.0, 0.0
    last = found.tested[found.tested["window"] == found.tested["window"].max()]
    predicted, actual = float(last["recalibrated"].mean()), float(last["hit"].mean())
    if not actual:
        return None, None, predicted, actual
    seen = proportion_interval(int(last["hit"].sum()), len(last), LEVEL)
    ends = predicted / seen.high - 1, predicted / seen.low - 1
    low = 0.0 if ends[0] <= 0 <= ends[1] else min(map(abs, ends))
    interval = Interval(low, max(map(abs, ends)), LEVEL, "Wilson of the actual rate")
    return abs(predicted / actual - 1), interval, predicted, actual
