"""What the audit and the score can find."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding
from salesops_lib.leads import rules
from salesops_lib.leads.evaluation import population_stability
from salesops_lib.leads.rules import Setting
from salesops_lib.leads.scoring import Scores


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
    names = ", ".join(refused["column"].head(4))
    said, step = (
        f"None of {len(audit)} columns gives the outcome away.",
        "Audit again when a column is added.",
    )
    if len(refused):
        first = refused.iloc[0]
        said = (
            f"{len(refused)} of {len(audit)} columns must not feed a score: {names}. {first['column']}: "
            f"{first['reason']}."
        )
        step = f"Take {names} out of every score and rule that ranks leads."
    return rules.LEAK.judge(
        scope={"columns": "all"},
        value=float(len(refused)) if len(audit) else None,
        n=len(audit),
        limit=setting.limit(rules.LEAK),
        as_of=setting.as_of,
        statement=said,
        recommendation=step,
    )


def _ranks(setting: Setting, found: Scores, windows: pd.DataFrame, tested: int) -> Finding:
    worst = float(windows["auc"].min()) if len(windows) else None
    said, step = _nothing(found), "Keep working leads by source until enough have matured."
    pooled = _windows(found, pooled=True)
    if len(pooled):
        row = pooled.iloc[0]
        said = (
            f"The {found.model} ranks with an AUC of {worst:.2f} in its worst of {len(windows)} windows and "
            f"{row['auc']:.2f} pooled; its Brier skill is {percent(row['skill'])}."
        )
        step = "Load scores.csv into the CRM and work the first ones first."
    return rules.SCORE.judge(
        scope={"model": found.model or "none"},
        value=worst,
        n=tested,
        limit=setting.limit(rules.SCORE),
        as_of=setting.as_of,
        statement=said,
        recommendation=step,
    )


def _level(setting: Setting, found: Scores, tested: int) -> Finding:
    value, predicted, actual = _last_bias(found)
    known = value is not None
    return rules.CALIBRATION.judge(
        scope={"model": found.model or "none"},
        value=value,
        n=tested,
        limit=setting.limit(rules.CALIBRATION),
        as_of=setting.as_of,
        statement=f"In the last window {percent(predicted)} were predicted to convert, {percent(actual)} did."
        if known
        else _nothing(found),
        recommendation="Trust the level of the score, recalibrated on the last matured window."
        if known
        else "Nothing to calibrate.",
    )


def _drift(setting: Setting, found: Scores, recent: pd.Series) -> Finding:
    known = len(recent) > 0 and len(found.tested) > 0
    value = population_stability(found.tested["recalibrated"], recent) if known else float("nan")
    known = bool(np.isfinite(value))
    limit = setting.limit(rules.DRIFT)
    return rules.DRIFT.judge(
        scope={"leads": "recent"},
        value=value,
        n=len(recent),
        limit=limit,
        as_of=setting.as_of,
        statement=f"Scores of {len(recent)} leads that came in last differ from those tested by a stability "
        f"index of {value:.2f}."
        if known
        else "No recent lead has a score.",
        recommendation="Fit the score anew on the last year, and find which source changed."
        if known and value > limit.value
        else "Keep the score.",
    )


def _lift(setting: Setting, found: Scores, lift: pd.DataFrame, tested: int) -> Finding:
    best = lift.iloc[0] if len(lift) and pd.notna(lift["lift"].iloc[0]) else None
    said, step = _nothing(found), "Do not route by a score."
    if best is not None:
        said = (
            f"The best tenth by score converts at {percent(best['rate'])}, {best['lift']:.1f} times all; the "
            f"best three tenths hold {percent(lift['captured'].iloc[2])} of conversions."
        )
        step = "Route the best tenth to whoever is free now."
    return rules.LIFT.judge(
        scope={"model": found.model or "none"},
        value=None if best is None else best["lift"],
        n=tested,
        limit=setting.limit(rules.LIFT),
        as_of=setting.as_of,
        statement=said,
        recommendation=step,
    )


def _windows(found: Scores, *, pooled: bool = False) -> pd.DataFrame:
    """Rows of the model chosen: its windows, or the pooled one."""
    if found.windows.empty:
        return found.windows
    mine = found.windows[found.windows["model"] == found.model]
    return mine[mine["window"].eq("pooled") == pooled]


def _nothing(found: Scores) -> str:
    return f"There is no score: {found.why or 'no window was tested'}."


def _last_bias(found: Scores) -> tuple[float | None, float, float]:
    """|predicted ÷ actual − 1| of the last window, and both; None where nothing was tested or converted."""
    if found.tested.empty:
        return None, 0.0, 0.0
    last = found.tested[found.tested["window"] == found.tested["window"].max()]
    predicted, actual = float(last["recalibrated"].mean()), float(last["hit"].mean())
    return (abs(predicted / actual - 1) if actual else None), predicted, actual
