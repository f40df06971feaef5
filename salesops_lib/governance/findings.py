"""What the brief finds about the reports themselves: overdue, stale, apart, contradicting, unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Rule
from salesops_lib.core.policy import Policy, PolicyValue
from salesops_lib.governance import metrics
from salesops_lib.governance.reports import BEHIND, NOT_LATE

_PAGE = "how-to/analytics/decide-from-the-brief.md"


def _rule(code: str, metric, title: str, policy: str, *, n: tuple[int, str], due: tuple[str, int]) -> Rule:
    return Rule(
        code=f"F-GOV-{code}", metric=metric, title=title, policy=policy, keep="below", min_n=n[0],
        counts=n[1], owner=metric.owner, due=due[0], due_days=due[1], playbook=_PAGE,
    )  # fmt: skip


_TODAY, _FRIDAY, _MONTH = ("the same day", 0), ("by Friday", 4), ("within a month", 30)
OVERDUE = _rule(
    "OVERDUE",
    metrics.OVERDUE,
    "Decisions past their day",
    "overdue_max",
    n=(5, "pressing findings"),
    due=_FRIDAY,
)
STALE = _rule(
    "STALE", metrics.STALE, "Reports behind their cadence", "stale_max", n=(1, "reports"), due=_TODAY
)
APART = _rule("APART", metrics.APART, "Forecast and pace apart", "apart_max", n=(2, "reports"), due=_FRIDAY)
CONTRADICT = _rule(
    "CONTRADICT",
    metrics.CONTRADICT,
    "Reports answer both ways",
    "contradictions_max",
    n=(1, "questions"),
    due=_FRIDAY,
)
UNKNOWN = _rule(
    "UNKNOWN",
    metrics.UNKNOWN,
    "Findings without enough evidence",
    "unknown_max",
    n=(10, "findings"),
    due=_MONTH,
)
RULES = (OVERDUE, STALE, APART, CONTRADICT, UNKNOWN)


@dataclass(frozen=True)
class Setting:
    """What every judgement needs: the policy, the day, the company and its currency."""

    policy: Policy
    as_of: date
    company: str
    currency: str

    def judge(self, rule: Rule, **told) -> Finding:
        """The rule's finding by the value in force on the day."""
        return rule.judge(limit=self._limit(rule), as_of=self.as_of, **told)

    def _limit(self, rule: Rule) -> PolicyValue:
        return self.policy.value(rule.policy, self.as_of)


def overdue(setting: Setting, decisions: pd.DataFrame) -> Finding:
    """Share of pressing findings past their first due day. ``decisions``: ``outputs.DECISIONS``.

    The stakes are those of the findings themselves: here they stand in words, and are no stake of their own.
    """
    late = decisions[decisions["overdue"].astype(bool)]
    stake = late["money_base"].max()
    said = "No report has a pressing finding."
    step = "Run the reports first."
    if len(decisions):
        said = (
            f"{len(late)} of {len(decisions)} pressing findings still stand after the day they were first due"
        )
        said += f"; the largest puts {short_money(stake)} {setting.currency} at stake." if stake > 0 else "."
        step = "Keep it so."
    if len(late):
        oldest = late.sort_values("first_due", kind="stable").iloc[0]
        step = (
            f"Ask the {oldest['owner']} for a day or an acceptance of {oldest['code']}, due since "
            f"{oldest['first_due']}, then of the next, with salesops findings assign or accept."
        )
    return setting.judge(
        OVERDUE, scope={"company": setting.company}, n=len(decisions),
        value=len(late) / len(decisions) if len(decisions) else None,
        statement=said, recommendation=step,
    )  # fmt: skip


def stale(setting: Setting, state: pd.DataFrame) -> Finding:
    """Reports that failed, are older than their cadence, or never ran. ``state``: ``outputs.REPORTS``."""
    state = state[~state["state"].isin(NOT_LATE)]  # nobody can say, or running them would not help
    behind = state[state["state"].isin(BEHIND)]
    names = ", ".join(f"{r.report} ({r.state})" for r in behind.head(3).itertuples())
    said = f"{len(behind)} of {len(state)} reports are behind their cadence" + (
        f": {names}." if names else "."
    )
    return setting.judge(
        STALE, scope={"company": setting.company}, n=len(state),
        value=float(len(behind)) if len(state) else None,
        statement=said if len(state) else "No report has a cadence that can be dated.",
        recommendation="Run salesops run --due now today, and read the failing cell of what fails."
        if len(behind) else "Keep the schedule.",
    )  # fmt: skip


def apart(setting: Setting, forecasts: pd.DataFrame) -> list[Finding]:
    """Gap of forecast and pace for the company and each region. ``forecasts``: ``outputs.FORECASTS``.

    The two middles are published numbers, so their gap is exact; whether the ranges overlap stands in words.
    """
    shown = forecasts[forecasts["level"].isin(("company", "region")) & forecasts["gap"].notna()]
    if shown.empty:
        return [
            setting.judge(
                APART, scope={"company": setting.company}, value=None, n=0,
                statement="Forecast and pace of one period do not both stand.",
                recommendation="Run forecasting and attainment for the period.",
            )
        ]  # fmt: skip
    return [_gap(setting, row) for row in shown.itertuples()]


def _gap(setting: Setting, row) -> Finding:
    limit = setting.policy.value(APART.policy, setting.as_of).value
    overlap = "the ranges overlap" if row.ranges_overlap else "the ranges do not overlap"
    said = (
        f"{row.period}: the forecast says {_range(row, 'forecast')}, the pace {_range(row, 'pace')}; "
        f"{percent(row.gap)} apart, {overlap}."
    )
    lower = "pace" if row.gap_base > 0 else "forecast"
    return setting.judge(
        APART, scope={"period": row.period, row.level: row.node_id}, value=row.gap, n=2,
        money_at_stake=abs(row.gap_base) if row.gap > limit else None, statement=said,
        recommendation=f"Plan spending by the {lower}, the lower one, until the gap is explained."
        if row.gap > limit else "Quote the forecast, with its range.",
    )  # fmt: skip


def contradictions(setting: Setting, verdicts: pd.DataFrame) -> Finding:
    """Questions with both an ACT and an OK. ``verdicts``: ``outputs.VERDICTS``."""
    asked = verdicts.drop_duplicates(["question", "place"])
    both = asked[asked["answers"] == "opposite"]
    first = both.iloc[0] if len(both) else None
    said = f"{len(both)} of {len(asked)} questions that several reports answer got both ACT and OK"
    said += f": {first['question']} ({first['place']})" if first is not None else "."
    if first is not None:
        sides = verdicts[(verdicts["question"] == first["question"]) & (verdicts["place"] == first["place"])]
        said += (
            " " + "; ".join(f"{r.report.split('/')[0]} says {r.severity}" for r in sides.itertuples()) + "."
        )
    return setting.judge(
        CONTRADICT, scope={"company": setting.company}, n=len(asked),
        value=float(len(both)) if len(asked) else None,
        statement=said if len(asked) else "No question is answered by two reports.",
        recommendation=f"Settle which number counts before anybody quotes one. {first['why']}"
        if first is not None else "Quote either report.",
    )  # fmt: skip


def unknown(setting: Setting, state: pd.DataFrame) -> Finding:
    """Share of findings that cannot be judged. ``state``: ``outputs.REPORTS``."""
    total, blind = int(state[["act", "watch", "unknown", "ok"]].to_numpy().sum()), int(state["unknown"].sum())
    worst = state.sort_values("unknown", ascending=False, kind="stable").head(1)
    most = f"; most in {worst['report'].iloc[0]}" if blind else ""
    return setting.judge(
        UNKNOWN, scope={"company": setting.company}, value=blind / total if total else None, n=total,
        statement=f"{blind} of {total} findings rest on too little evidence{most}."
        if total else "No report has a finding.",
        recommendation="Collect what the table of unknowns lacks, or take the finding out of the meeting."
        if blind else "Go on." if total else "Run the reports first.",
    )  # fmt: skip


def _range(row, name: str) -> str:
    mid, low, high = (short_money(getattr(row, f"{name}_{part}_base")) for part in ("mid", "low", "high"))
    return f"{mid} ({low}–{high})"
