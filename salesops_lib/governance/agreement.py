"""Whether the reports agree: two forecasts of one period, and questions that several reports answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from salesops_lib.core.changes import identity
from salesops_lib.core.findings import Finding, Severity
from salesops_lib.core.standing import Standing
from salesops_lib.governance.decisions import place

FORECAST, PACE = "forecasting", "attainment"
TABLES = {FORECAST: ("outlook",), PACE: ("pacing",)}
"""Tables of other reports the brief reads, by notebook."""

FORECAST_COLUMNS = (
    "level", "node_id", "period", "forecast_low_base", "forecast_mid_base", "forecast_high_base",
    "pace_low_base", "pace_mid_base", "pace_high_base", "gap_base", "gap", "ranges_overlap", "target_base",
    "forecast_met", "pace_met", "booked_base", "credited_base", "forecast_as_of", "pace_as_of",
)  # fmt: skip
VERDICT_COLUMNS = (
    "question", "place", "report", "code", "severity", "value", "unit", "statement", "answers", "why",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What several reports judge, each by its own rule: ``answers`` are codes, ``asks`` narrows the scope.

    ``why`` says what makes the answers differ where nothing is wrong.
    """

    text: str
    answers: tuple[str, ...]
    why: str
    asks: Mapping[str, Mapping[str, str]]  # by code: scope values a finding must have to be an answer
    whole: tuple[str, ...] = ()  # codes that speak of the company, whatever their scope says


QUESTIONS = (
    Question(
        "Is the target of the period in reach?",
        ("F-FCST-TARGET", "F-ATTN-PACE", "F-PIPE-COVERDUE", "F-PIPE-COVERAGE"),
        "The forecast counts deals not yet created, the pace only past quarters, coverage only open deals "
        "due now.",
        {},
        whole=("F-PIPE-COVERDUE", "F-PIPE-COVERAGE"),
    ),
    Question(
        "Do open deals have a next step?",
        ("F-PIPE-NEXTSTEP", "F-DATA-COMPLETE"),
        "Hygiene weighs by money, data quality counts rows.",
        {"F-DATA-COMPLETE": {"table": "opportunities", "field": "next_step"}},
        whole=("F-PIPE-NEXTSTEP", "F-DATA-COMPLETE"),
    ),
    Question(
        "Are open deals past their close date?",
        ("F-PIPE-OVERDUE", "F-DATA-PASTDUE"),
        "Both weigh by money; a difference means that they ran on different days.",
        {},
        whole=("F-PIPE-OVERDUE", "F-DATA-PASTDUE"),
    ),
)


def forecasts(reports: Sequence[Standing]) -> pd.DataFrame:
    """The forecast beside the pace, for each node and period both give.

    Returns
    -------
    pandas.DataFrame
        One row a level, node and period, :data:`FORECAST_COLUMNS`: money in the reporting currency;
        ``gap_base`` forecast − pace, ``gap`` its size ÷ the mean of the two middles; ``ranges_overlap``
        whether one value lies in both ranges; ``forecast_met``, ``pace_met`` whether each middle reaches the
        target. Widest nodes first. Empty where a report or its table is not there.
    """
    ours, theirs = (_table(reports, notebook) for notebook in (FORECAST, PACE))
    if ours is None or theirs is None:
        return pd.DataFrame(columns=list(FORECAST_COLUMNS))
    left = ours.rename(columns={
        "low_base": "forecast_low_base", "mid_base": "forecast_mid_base", "high_base": "forecast_high_base",
        "as_of": "forecast_as_of",
    })  # fmt: skip
    right = theirs.rename(columns={
        "holder_id": "node_id", "finish_low_base": "pace_low_base", "finish_mid_base": "pace_mid_base",
        "finish_high_base": "pace_high_base", "to_date_base": "credited_base", "as_of": "pace_as_of",
    })  # fmt: skip
    keys = ["level", "node_id", "period"]
    paced = ["pace_low_base", "pace_mid_base", "pace_high_base"]
    right = right[[*keys, *paced, "credited_base", "quota_base", "pace_as_of"]]
    both = left.astype(dict.fromkeys(keys, str)).merge(right.astype(dict.fromkeys(keys, str)), on=keys)
    both = both[both["forecast_mid_base"].notna() & both["pace_mid_base"].notna()]
    both = both.assign(
        gap_base=both["forecast_mid_base"] - both["pace_mid_base"],
        target_base=both["target_base"].fillna(both["quota_base"]),
        ranges_overlap=(both["forecast_low_base"] <= both["pace_high_base"])
        & (both["pace_low_base"] <= both["forecast_high_base"]),
    )
    mean = (both["forecast_mid_base"] + both["pace_mid_base"]) / 2
    both["gap"] = (both["gap_base"].abs() / mean).where(mean > 0)
    for name in ("forecast", "pace"):
        met = (both[f"{name}_mid_base"] >= both["target_base"]).astype("boolean")
        both[f"{name}_met"] = met.mask(both["target_base"].isna())
    order = {level: k for k, level in enumerate(("company", "region", "team", "rep"))}
    both["_order"] = both["level"].map(order).fillna(len(order))
    both = both.sort_values(["_order", "gap"], ascending=[True, False], kind="stable", ignore_index=True)
    return both[list(FORECAST_COLUMNS)]


def verdicts(reports: Sequence[Standing]) -> pd.DataFrame:
    """Each answer to a question that at least two reports judge for the same place.

    Returns
    -------
    pandas.DataFrame
        One row an answer, :data:`VERDICT_COLUMNS`; ``answers`` is ``opposite`` (one ACT and one OK),
        ``differ`` (other severities side by side) or ``alike``. Opposite ones first.
    """
    # Of several periods the first is asked about: the running one, which every report knows.
    told = [(r.report, f) for r in reports for f in _of_first_period(r.findings)]
    rows = [row for question in QUESTIONS for row in _answers(question, told)]
    frame = pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))
    rank = {"opposite": 0, "differ": 1, "alike": 2}
    order = frame["answers"].map(rank)
    return frame.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _of_first_period(findings: Sequence[Finding]) -> list[Finding]:
    first: dict[tuple, Finding] = {}
    for finding in sorted(findings, key=lambda f: f.scope.get("period", "")):
        first.setdefault(identity(finding), finding)
    return list(first.values())


def _answers(question: Question, told: list[tuple[str, Finding]]) -> list[dict]:
    by_place: dict[str, list[tuple[str, Finding]]] = {}
    for report, finding in told:
        if finding.code in question.answers and _asked(question, finding):
            where = "" if finding.code in question.whole else place(finding.scope)
            by_place.setdefault(where or "company", []).append((report, finding))
    rows = []
    for where, answers in by_place.items():
        if len({report for report, _ in answers}) < 2:
            continue
        seen = {f.severity for _, f in answers}
        both_ways = {Severity.ACT, Severity.OK} <= seen
        state = "opposite" if both_ways else "differ" if len(seen) > 1 else "alike"
        rows += [
            {
                "question": question.text, "place": where, "report": report, "code": f.code,
                "severity": f.severity.value, "value": f.value, "unit": f.unit, "statement": f.statement,
                "answers": state, "why": question.why,
            }
            for report, f in answers
        ]  # fmt: skip
    return rows


def _asked(question: Question, finding: Finding) -> bool:
    wanted = question.asks.get(finding.code, {})
    return all(finding.scope.get(k) == v for k, v in wanted.items())


def _table(reports: Sequence[Standing], notebook: str) -> pd.DataFrame | None:
    name = TABLES[notebook][0]
    found = [
        r.tables[name].assign(as_of=r.as_of)
        for r in reports
        if r.report.split("/")[0] == notebook and name in r.tables and len(r.tables[name])
    ]
    if not found:
        return None
    keys = [c for c in ("level", "node_id", "holder_id", "period") if c in found[0]]
    return pd.concat(found).drop_duplicates(keys)
