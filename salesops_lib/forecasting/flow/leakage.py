"""Whether features know the outcome: an audit before a model is believed.

A feature leaks if it was stamped after the prediction day, if it is the outcome under another name, if it is
known for closed deals only, or if alone it ranks outcomes better than an honest feature can. What is refused
must not be used; what passes is reported with its own AUC, so that a weak model is seen to be weak. A field
whose past nobody recorded is not dated: it may have been corrected since, and is not used either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.forecasting.deals.known import LOST, OPEN, WON, DealLog, known_on, recorded_on
from salesops_lib.forecasting.deals.panel import UNDATED
from salesops_lib.forecasting.deals.states import GROUPS

LIMIT_AUC = 0.9  # of one feature alone, either way round
MIN_ROWS = 30  # with an outcome, and of each class MIN_EACH, to judge an AUC
MIN_EACH = 5
FOLDS = 5
OUTCOME_NAMES = frozenset(
    {
        "is_won", "is_closed", "won", "lost", "outcome", "stage_final", "deal_stage", "close_value",
        "close_date", "closed_at", "won_at", "lost_at", "closed_date", "loss_reason", "lost_reason",
        "win_reason", "actual_close_date", "actualclosedate", "actual_value", "actualvalue", "statecode",
        "statuscode",
    }
)  # fmt: skip
"""Names that say how or when a deal ended. A planned close date as known on the day is no such name."""

# share of closed deals whose probability is exactly 0 or 1: the field was set at the close
CODED_STATES = 0.5
COLUMNS = ["feature", "verdict", "reason", "evidence", "auc", "n"]
REFUSED, PASSED, UNKNOWN, NOT_DATED = "refused", "passed", "unknown", "not dated"


@dataclass(frozen=True)
class Audited:
    """``table``: one row a feature (:data:`COLUMNS`), refused ones first. ``best_auc``: the best AUC of one
    feature among those that passed, NaN where none could be judged."""

    table: pd.DataFrame
    best_auc: float

    @property
    def refused(self) -> list[str]:
        """Features that must not be used."""
        return self.table.loc[self.table["verdict"] == REFUSED, "feature"].tolist()

    @property
    def clean(self) -> list[str]:
        """Features that may be used."""
        return self.table.loc[self.table["verdict"] != REFUSED, "feature"].tolist()


def audit(
    features: pd.DataFrame,
    won: pd.Series,
    *,
    day: pd.Series | pd.Timestamp | None = None,
    stamps: pd.DataFrame | None = None,
    as_known: frozenset[str] | set[str] = frozenset(),
) -> Audited:
    """Audit every column of ``features`` against the outcome.

    Parameters
    ----------
    features
        One row a deal, one column a feature: number, date, flag or text.
    won
        Same index: True won, False lost, missing not decided.
    day
        The prediction day: one, or each deal's own. None: stamps cannot be judged.
    stamps
        Same shape: when the value of a feature was written, in columns of the same names; also dates among
        the features themselves are read as such a stamp, unless the column is in ``as_known``.
    as_known
        Features proven to be read as known on the day (from :func:`known.known_on`): neither their names nor
        future dates in them count, what they give away still does.

    Returns
    -------
    Audited
        Verdict ``refused`` with the first reason that holds and its evidence; ``passed``; ``unknown`` where
        too few outcomes are there to judge and nothing else speaks against the feature.
    """
    outcome = won.astype("boolean").reindex(features.index)
    rows = [
        _judged(
            name, features[name], outcome, day, None if stamps is None else stamps.get(name), name in as_known
        )
        for name in features.columns
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    rank = table["verdict"].map({REFUSED: 0, UNKNOWN: 1, PASSED: 2})
    table = table.assign(rank=rank, size=(table["auc"] - 0.5).abs().fillna(-1))
    table = table.sort_values(["rank", "size", "feature"], ascending=[True, False, True], kind="stable")
    usable = table.loc[table["verdict"] == PASSED, "auc"].dropna()
    best = float(np.maximum(usable, 1 - usable).max()) if len(usable) else float("nan")
    return Audited(table[COLUMNS].reset_index(drop=True), best)


def own_features(log: DealLog, day: date) -> tuple[pd.DataFrame, pd.Series]:
    """What the pipeline engine looks at on a day, and how each deal open then ended by ``log.as_of``.

    Returns features (one row a deal, index ``opportunity_id``) and won (missing while open), for
    :func:`audit` with ``as_known`` = all of them: they are read from the states and versions known on the
    day. What is in :func:`undated` is missing here or of today, and must not be used.
    """
    deals = known_on(log, day)
    deals = deals[deals["outcome"] == OPEN]
    today = pd.Timestamp(day)
    recorded = recorded_on(log, day).reindex(deals["deal"])
    deals = deals.assign(**{name: recorded[name].to_numpy() for name in GROUPS})
    deals = deals.set_index("opportunity_id")
    features = deals[["stage", "amount_base", "pushes", "segment", "type", "lead_source", "owner_id"]].assign(
        age_days=(today - deals["created_date"]).dt.days,
        days_in_stage=(today - deals["stage_since"]).dt.days,
        days_to_close=(deals["close_date"] - today).dt.days,
    )
    ended = known_on(log, log.as_of).set_index("opportunity_id")["outcome"].reindex(features.index)
    won = ended.eq(WON).astype("boolean").where(ended.isin([WON, LOST]))
    return features, won


def undated(log: DealLog, day: date) -> dict[str, str]:
    """Features of :func:`own_features` whose past is not recorded, and the evidence for it.

    No history follows the field, or what the deals open on the day were is first recorded later: a value that
    was corrected since looks as if it had been known.
    """
    found = dict.fromkeys(log.untracked, "the history does not follow it")
    for state, name in (
        ("close_date", "days_to_close"),
        ("stage", "days_in_stage"),
        ("close_date", "pushes"),
    ):
        if state in found:
            found[name] = found[state]
    deals = known_on(log, day)
    mine = deals.loc[deals["outcome"] == OPEN, "deal"]
    without = int((~mine.isin(recorded_on(log, day).index)).sum())
    if without > UNDATED * len(mine):
        said = f"first recorded after the day for {without:,} of {len(mine):,} deals"
        found |= dict.fromkeys(GROUPS, said)
    return found


def single_auc(values: pd.Series, won: pd.Series) -> tuple[float, int]:
    """AUC of one feature alone over the deals decided, and how many they are; NaN where too few.

    Numbers and dates rank as they are; missing is a rank of its own, since a value that is there for one
    outcome only gives it away. Text ranks by its share won in the other folds, judged within each fold,
    so that a name of every deal's own gives nothing.
    """
    decided = won.notna()
    label, value = won[decided].astype(bool).to_numpy(), values[decided]
    n, wins = len(label), int(label.sum())
    if n < MIN_ROWS or min(wins, n - wins) < MIN_EACH:
        return float("nan"), n
    missing = value.isna().to_numpy()
    found = [_auc(missing.astype("float64"), label)] if missing.any() else []
    if pd.api.types.is_numeric_dtype(value) or pd.api.types.is_datetime64_any_dtype(value):
        found.append(_auc(np.where(missing, -np.inf, _numbers(value)), label))
    else:
        found.append(_text_auc(value.astype("object").where(value.notna(), None), label))
    return max(found, key=lambda auc: abs(auc - 0.5)), n


def model_auc(features: pd.DataFrame, won: pd.Series, day: pd.Series, *, test_share: float = 0.3) -> float:
    """AUC out of sample, split by time, of a regularised logistic model on all features together.

    ``day``: each deal's prediction day; the last ``test_share`` of the decided deals are ranked by a model
    of the earlier ones. NaN where either part has too few outcomes. An honest feature set may well be at .5.
    """
    decided = won.notna() & day.notna()
    order = day[decided].sort_values(kind="stable").index
    label = won.loc[order].astype(bool).to_numpy()
    cut = int(len(order) * (1 - test_share))
    parts = (label[:cut], label[cut:])
    if len(order) < MIN_ROWS or any(min(p.sum(), len(p) - p.sum()) < MIN_EACH for p in parts):
        return float("nan")
    from sklearn.linear_model import LogisticRegression

    design = _design(features.loc[order], cut)
    fitted = LogisticRegression(C=0.1, max_iter=500).fit(design[:cut], label[:cut])
    return _auc(fitted.decision_function(design[cut:]), label[cut:])


def _judged(name: str, values: pd.Series, won: pd.Series, day, stamp, as_known: bool) -> tuple:
    auc, n = single_auc(values, won)
    known = values.notna()
    checks = [
        ("names the outcome", "an outcome field by its name", not as_known and name.lower() in OUTCOME_NAMES),
        _stamped_late(values if stamp is None else stamp, day, known, as_known and stamp is None),
        _coded_probability(name, values, won),
        _known_when_closed(known, won),
    ]
    for reason, evidence, holds in checks:
        if holds:
            return name, REFUSED, reason, evidence, auc, n
    if np.isfinite(auc) and max(auc, 1 - auc) > LIMIT_AUC:
        return name, REFUSED, "gives the outcome away", f"AUC {auc:.2f} alone, limit {LIMIT_AUC:.2f}", auc, n
    if not np.isfinite(auc):
        return name, UNKNOWN, "too few outcomes", f"{n} decided deals, {MIN_ROWS} are needed", auc, n
    return name, PASSED, "", f"AUC {auc:.2f} alone", auc, n


def _stamped_late(stamp: pd.Series, day, known: pd.Series, exempt: bool) -> tuple[str, str, bool]:
    """Whether a value was written after the prediction day."""
    reason = "stamped after the prediction day"
    if exempt or day is None or not pd.api.types.is_datetime64_any_dtype(stamp):
        return reason, "", False
    moment = stamp.dt.tz_localize(None) if stamp.dt.tz is not None else stamp
    limit = day if isinstance(day, pd.Series) else pd.Series(pd.Timestamp(day), stamp.index)
    late = known & (moment.dt.normalize() > pd.to_datetime(limit))
    count = int(late.sum())
    if not count:
        return reason, "", False
    first = late.idxmax()
    return (
        reason,
        f"{count:,} of {int(known.sum()):,} values; first: row {first}, {stamp[first]:%Y-%m-%d}",
        True,
    )


def _coded_probability(name: str, values: pd.Series, won: pd.Series) -> tuple[str, str, bool]:
    """A probability that is exactly 0 for lost and 1 for won deals was set when they closed."""
    reason = "probability set at the close"
    if "probab" not in name.lower() or not pd.api.types.is_numeric_dtype(values):
        return reason, "", False
    closed = won.notna() & values.notna()
    top = 100.0 if (values[values.notna()] > 1).any() else 1.0
    coded = values[closed].isin([0.0, top])
    share = float(coded.mean()) if len(coded) else 0.0
    return reason, f"{share:.0%} of closed deals stand at 0 or {top:g}", share >= CODED_STATES


def _known_when_closed(known: pd.Series, won: pd.Series) -> tuple[str, str, bool]:
    """A value that closed deals have and open ones lack is written at the close."""
    reason = "known for closed deals only"
    closed, still = known[won.notna()], known[won.isna()]
    if len(closed) < MIN_ROWS or len(still) < MIN_ROWS:
        return reason, "", False
    evidence = f"there for {closed.mean():.0%} of closed and {still.mean():.0%} of open deals"
    return reason, evidence, bool(closed.mean() >= 0.5 and still.mean() <= 0.05)


def _numbers(values: pd.Series) -> np.ndarray:
    """Numbers, flags and dates as floats, missing as NaN."""
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.astype("int64").where(values.notna())
    return values.astype("float64").to_numpy(na_value=np.nan)


def _text_auc(values: pd.Series, label: np.ndarray) -> float:
    """AUC of a text ranked by its share won in the other folds, pulled to the share of all."""
    code, fold = pd.factorize(values)[0] + 1, np.arange(len(label)) % FOLDS
    found, weight = [], []
    for held in range(FOLDS):
        mine, rest = fold == held, fold != held
        if not 0 < label[mine].sum() < mine.sum():
            continue
        count = np.bincount(code[rest], minlength=code.max() + 1)
        wins = np.bincount(code[rest], weights=label[rest], minlength=code.max() + 1)
        share = (wins + 5 * label[rest].mean()) / (count + 5)
        found.append(_auc(share[code[mine]], label[mine]))
        weight.append(mine.sum())
    return float(np.average(found, weights=weight)) if found else 0.5


def _auc(score: np.ndarray, label: np.ndarray) -> float:
    """Chance that a won deal ranks above a lost one, ties count half (Mann and Whitney)."""
    from scipy.stats import rankdata

    finite = np.where(np.isneginf(score), np.nanmin(score[np.isfinite(score)], initial=0.0) - 1.0, score)
    ranks, wins = rankdata(finite), int(label.sum())
    return float((ranks[label].sum() - wins * (wins + 1) / 2) / (wins * (len(label) - wins)))


def _design(features: pd.DataFrame, cut: int) -> np.ndarray:
    """Numbers scaled, missing flagged, texts of the earlier part as flags (rare ones together)."""
    columns = []
    for name in features:
        values = features[name]
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
            number = _numbers(values)
            centre, spread = np.nanmean(number[:cut]), np.nanstd(number[:cut])
            columns.append(np.nan_to_num((number - centre) / (spread if spread > 0 else 1.0)))
            columns.append(np.isnan(number).astype("float64"))
        else:
            kept = values.iloc[:cut].value_counts().head(30).index
            columns += [(values == level).fillna(False).to_numpy(dtype="float64") for level in kept]
    return np.column_stack(columns)
