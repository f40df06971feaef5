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
    """The audit and the score: five rules, UNKNOWN where there is no score."""
    refused = audit[audit["verdict"] == "refused"]
    names = ", ".join(refused["column"].head(4))
    made = [
        rules.LEAK.judge(
            scope={"columns": "all"},
            value=float(len(refused)) if len(audit) else None,
            n=len(audit),
            limit=setting.limit(rules.LEAK),
            as_of=setting.as_of,
            statement=f"{len(refused)} of {len(audit)} columns must not feed a score: {names}. "
            f"{refused['column'].iloc[0]}: {refused['reason'].iloc[0]}."
            if len(refused)
            else f"None of {len(audit)} columns gives the outcome away.",
            recommendation=f"Take {names} out of every score and rule that ranks leads."
            if len(refused)
            else "Audit again when a column is added.",
        )
    ]
    windows = found.windows
    mine = (
        windows[(windows["model"] == found.model) & (windows["window"] != "pooled")]
        if len(windows)
        else windows
    )
    n = int(mine["n"].sum()) if len(mine) else 0
    nothing = f"There is no score: {found.why or 'no window was tested'}."
    worst = float(mine["auc"].min()) if len(mine) else None
    pooled = (
        windows[(windows["model"] == found.model) & (windows["window"] == "pooled")]
        if len(windows)
        else windows
    )
    said = ""
    if len(pooled):
        row = pooled.iloc[0]
        said = (
            f"The {found.model} ranks with an AUC of {worst:.2f} in its worst of {len(mine)} windows and "
            f"{row['auc']:.2f} pooled; its Brier skill is {percent(row['skill'])}."
        )
    made.append(
        rules.SCORE.judge(
            scope={"model": found.model or "none"},
            value=worst,
            n=n,
            limit=setting.limit(rules.SCORE),
            as_of=setting.as_of,
            statement=said or nothing,
            recommendation="Load scores.csv into the CRM and work the first ones first."
            if said
            else "Keep working leads by source until enough have matured.",
        )
    )
    bias = _last_bias(found)
    made.append(
        rules.CALIBRATION.judge(
            scope={"model": found.model or "none"},
            value=bias[0],
            n=n,
            limit=setting.limit(rules.CALIBRATION),
            as_of=setting.as_of,
            statement=f"In the last window {percent(bias[1])} were predicted to convert and "
            f"{percent(bias[2])} did."
            if bias[0] is not None
            else nothing,
            recommendation="Trust the level of the score, recalibrated on the last matured window."
            if bias[0] is not None
            else "Nothing to calibrate.",
        )
    )
    known = len(recent) > 0 and len(found.tested) > 0
    drift = population_stability(found.tested["recalibrated"], recent) if known else float("nan")
    made.append(
        rules.DRIFT.judge(
            scope={"leads": "open"},
            value=drift,
            n=len(recent),
            limit=setting.limit(rules.DRIFT),
            as_of=setting.as_of,
            statement=f"Scores of {len(recent)} leads that came in last differ from those tested by a "
            f"stability "
            f"index of "
            f"{drift:.2f}."
            if np.isfinite(drift)
            else "No recent lead has a score.",
            recommendation="Fit the score anew on the last year, and find which source changed."
            if np.isfinite(drift) and drift > setting.limit(rules.DRIFT).value
            else "Keep the score.",
        )
    )
    best = lift.iloc[0] if len(lift) and pd.notna(lift["lift"].iloc[0]) else None
    made.append(
        rules.LIFT.judge(
            scope={"model": found.model or "none"},
            value=None if best is None else best["lift"],
            n=n,
            limit=setting.limit(rules.LIFT),
            as_of=setting.as_of,
            statement=nothing
            if best is None
            else f"The best tenth by score converts at {percent(best['rate'])}, "
            f"{best['lift']:.1f} times all; the best three tenths hold {percent(lift['captured'].iloc[2])} "
            "of "
            "conversions.",
            recommendation="Route the best tenth to whoever is free now."
            if best is not None
            else "Do not route by a score.",
        )
    )
    return made


def _last_bias(found: Scores) -> tuple[float | None, float, float]:
    if found.tested.empty:
        return None, 0.0, 0.0
    last = found.tested[found.tested["window"] == found.tested["window"].max()]
    predicted, actual = float(last["recalibrated"].mean()), float(last["hit"].mean())
    return (abs(predicted / actual - 1) if actual else None), predicted, actual
