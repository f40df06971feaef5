"""A score that is allowed to exist: audited columns, two models compared in time order, probabilities
recalibrated.

Training never sees a lead that came in after the window it is tested on, nor an outcome learnt after the
window began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.leads.audit import drop_collinear, leakage_audit
from salesops_lib.leads.evaluation import METRICS, calibration, evaluate, recalibrated
from salesops_lib.leads.models import Boosting, Logit

WINDOWS = 4
MIN_TRAIN, MIN_EVENTS = 300, 30
MODELS = ("logit", "boosting")


@dataclass(frozen=True)
class Scores:
    """What :func:`fit_scores` found.

    ``audit``: every column judged. ``dropped``: collinear ones. ``features``: used. ``windows``: model ×
    window with the measures of :func:`evaluation.evaluate`, and ``pooled`` over them. ``tested``: row
    position, probability before and after recalibration, outcome, window of the model chosen. ``model``: its
    name; ``fitted``: the model on all matured leads; ``shift``: intercept and slope of the recalibration.
    ``last``: the model that the last window was tested on, which has seen neither that window nor later
    leads. ``why``: the reason where there is no score.
    """

    audit: pd.DataFrame
    dropped: pd.DataFrame
    features: tuple[str, ...] = ()
    windows: pd.DataFrame = field(default_factory=pd.DataFrame)
    tested: pd.DataFrame = field(default_factory=pd.DataFrame)
    model: str = ""
    fitted: object = None
    shift: tuple[float, float] = (float("nan"), float("nan"))
    last: object = None
    why: str = ""


def fit_scores(
    leads: pd.DataFrame,
    converted: pd.Series,
    predicted_at: pd.Series | None = None,
    known_at: pd.Series | None = None,
    *,
    ignore: tuple[str, ...] = (),
    seed: int = 7,
) -> Scores:
    """Audit the columns, compare a logit and boosted trees over rolling windows, fit the better one.

    Parameters
    ----------
    leads
        One row per lead, oldest first (by ``predicted_at``, else by whatever order stands for time).
    converted
        True or False; missing for leads too young to tell.
    predicted_at, known_at
        When each score is made, and when its outcome was known; None where there is no clock. Then order
        alone stands for time, and an outcome counts as known at once: say so.
    ignore
        Columns that no score may use, such as the outcome.

    Returns
    -------
    Scores
        With ``why`` where no score can be fitted: under 300 matured leads or 30 of either outcome, or no
        usable column. The plainer logit is chosen unless trees beat its log loss in most windows.
    """
    hit = converted.reindex(leads.index)
    audit = leakage_audit(leads, hit, predicted_at, ignore=ignore)
    usable = [c for c in leads if c in set(audit.loc[audit["verdict"] == "usable", "column"])]
    kept, dropped = drop_collinear(leads[usable])
    ripe = hit.notna()
    events = int(hit[ripe].astype(bool).sum())
    short = min(events, int(ripe.sum()) - events)
    if ripe.sum() < MIN_TRAIN or short < MIN_EVENTS:
        needed = f"{MIN_TRAIN} and {MIN_EVENTS} of either needed"
        why = f"{int(ripe.sum())} matured leads, {events} converted; {needed}"
        return Scores(audit, dropped, tuple(kept), why=why)
    if not kept:
        return Scores(audit, dropped, why="no column is usable")
    data = _Data(leads.loc[ripe, kept].reset_index(drop=True), hit[ripe].astype(bool).to_numpy())
    clocks = [None if s is None else s[ripe].reset_index(drop=True) for s in (predicted_at, known_at)]
    windows, tested, lasts = _rolled(data, clocks, seed)
    if windows.empty:
        return Scores(audit, dropped, tuple(kept), why="no window has enough outcomes known before it began")
    chosen = _choice(windows)
    mine = tested[tested["model"] == chosen].drop(columns="model").reset_index(drop=True)
    last = mine[mine["window"] == mine["window"].max()]
    shift = calibration(last["probability"].to_numpy(), last["hit"].to_numpy())
    mine = _shifted(mine)
    fitted = _fitted((chosen,), data.x, data.y, seed)[chosen]
    return Scores(audit, dropped, tuple(kept), windows, mine, chosen, fitted, shift, lasts[chosen])


def score_blocks(
    scores: Scores, blocks: Iterable[pd.DataFrame], *, reasons: int = 3
) -> Iterator[pd.DataFrame]:
    """Scores of leads that come block by block, in one pass: no more than a block is held.

    Parameters
    ----------
    blocks
        Frames with ``lead_id`` and the columns of ``scores.features``, such as of a reader of a large file.

    Returns
    -------
    Iterator of DataFrame
        Per block ``lead_id``, ``score``, ``reasons``, in the order of its rows. None where there is no score.
    """
    if scores.fitted is None:
        return
    for part in blocks:
        x = part.reindex(columns=list(scores.features))
        p = recalibrated(scores.fitted.probability(x), *scores.shift)
        why = scores.fitted.reasons(x, reasons)
        yield pd.DataFrame({"lead_id": part["lead_id"].to_numpy(), "score": p, "reasons": why})


def score_leads(
    scores: Scores, leads: pd.DataFrame, *, block: int = 50_000, reasons: int = 3
) -> pd.DataFrame:
    """Scores of leads that have no outcome yet, best first.

    Returns
    -------
    DataFrame
        ``lead_id``, ``score`` (probability of converting within the horizon, recalibrated), ``decile`` (1 is
        best, among these leads), ``reasons`` (what moves the score most from the average lead, *for* and
        *against*). Empty where no score could be fitted.
    """
    cut = (leads.iloc[start : start + block] for start in range(0, len(leads), block))
    parts = list(score_blocks(scores, cut, reasons=reasons))
    if not parts:
        return pd.DataFrame(columns=["lead_id", "score", "decile", "reasons"])
    made = pd.concat(parts, ignore_index=True)
    rank = (-made["score"]).rank(method="first")
    made["decile"] = np.ceil(rank / len(made) * 10).astype("int64")
    return made.sort_values("score", ascending=False, kind="stable", ignore_index=True)[
        ["lead_id", "score", "decile", "reasons"]
    ]


@dataclass(frozen=True)
class _Data:
    x: pd.DataFrame
    y: np.ndarray


def _fitted(names: Iterable[str], x: pd.DataFrame, y: np.ndarray, seed: int) -> dict[str, Logit | Boosting]:
    """Models by name, fitted on the same leads; the logit once, for trees take their reasons from it."""
    logit = Logit.fit(x, y)
    return {n: logit if n == "logit" else Boosting.fit(x, y, seed, logit) for n in names}


def _rolled(data: _Data, clocks: list, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Both models on each of the last windows, trained on what was known when it began; the last ones too."""
    n = len(data.y)
    edges = np.linspace(n * 0.5, n, WINDOWS + 1).astype("int64")
    predicted, known = clocks
    rows, tested, lasts = [], [], {}
    for window, (low, high) in enumerate(pairwise(edges), 1):
        train = np.arange(n) < low
        if predicted is not None and known is not None:
            train &= (known < predicted.iloc[low]).to_numpy()
        hits = int(data.y[train].sum())
        if train.sum() < MIN_TRAIN or min(hits, train.sum() - hits) < MIN_EVENTS:
            continue
        lasts = _fitted(MODELS, data.x[train], data.y[train], seed)
        for name, fitted in lasts.items():
            p = fitted.probability(data.x.iloc[low:high])
            rows.append({"model": name, "window": str(window)} | evaluate(p, data.y[low:high]))
            tested.append(
                pd.DataFrame(
                    {
                        "model": name,
                        "window": window,
                        "row": np.arange(low, high),
                        "probability": p,
                        "hit": data.y[low:high],
                    }
                )
            )
    if not rows:
        return pd.DataFrame(), pd.DataFrame(), lasts
    pooled = pd.concat(tested, ignore_index=True)
    for name, part in pooled.groupby("model", sort=False):
        rows.append({"model": name, "window": "pooled"} | evaluate(part["probability"], part["hit"]))
    return pd.DataFrame(rows, columns=["model", "window", *METRICS]), pooled, lasts


def _choice(windows: pd.DataFrame) -> str:
    losses = windows[windows["window"] != "pooled"].pivot_table(
        index="window", columns="model", values="log_loss"
    )
    if not set(MODELS) <= set(losses):
        return "logit"
    return (
        "boosting"
        if (losses["boosting"] < losses["logit"]).mean() > 0.5
        and losses["boosting"].mean() < losses["logit"].mean()
        else "logit"
    )


def _shifted(tested: pd.DataFrame) -> pd.DataFrame:
    """Each window recalibrated by the window before it, as it would have been done then."""
    made = tested.assign(recalibrated=tested["probability"])
    before = None
    for window in sorted(tested["window"].unique()):
        mine = tested["window"] == window
        if before is not None:
            shift = calibration(before["probability"].to_numpy(), before["hit"].to_numpy())
            made.loc[mine, "recalibrated"] = recalibrated(tested.loc[mine, "probability"], *shift)
        before = tested[mine]
    return made
