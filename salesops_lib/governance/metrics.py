"""What the brief measures about the reports themselves, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.core.metrics import Metric

_PRESSING = (
    "Findings to act on or to watch in the last good run of each report, but for accepted and closed ones."
)


def _metric(name: str, title: str, meaning: str, formula: str, **more) -> Metric:
    usual = {
        "unit": "ratio",
        "grain": "company × day of the brief",
        "population": _PRESSING,
        "clock": "The day of the brief.",
        "exclusions": "Reports run with parameters given by hand; runs on other data.",
        "maturity": "At once.",
        "good_direction": "down",
        "owner": "sales ops manager",
    }
    return Metric(id=f"governance.{name}", name=title, meaning=meaning, formula=formula, **usual | more)


OVERDUE = _metric(
    "overdue_share",
    "Share of pressing findings past their first due day",
    "How much of what the reports ask for was not done by the day it was first due.",
    "pressing findings whose first due day has passed ÷ pressing findings",
    clock="The due day of the run that opened the finding, or the one it was assigned with.",
    maturity="From 5 pressing findings.",
    look_alikes="The due day of the latest run, which each run moves on.",
    source="salesops_lib.governance.decisions.decisions",
)
STALE = _metric(
    "stale_reports",
    "Reports behind their cadence",
    "How many reports the brief reads are older than their cadence asks, failed last, or never ran.",
    "reports with no good run since the day they were last due, or with a later failed run",
    unit="count",
    population="Every report of a run file.",
    exclusions="Reports that never ran because the company has no data for them; cadences nobody can date.",
    clock="The cadence of the run file, on the company's calendar.",
    look_alikes="Stale data, which a report of today can rest on.",
    source="salesops_lib.governance.reports.state",
)
APART = _metric(
    "forecast_gap",
    "Gap between the forecast and the pace",
    "How far the two published middles of the same node and period stand from each other.",
    "|forecast middle − pace middle| ÷ mean of the two",
    grain="node × period",
    population="Company and regions that both reports give a middle for.",
    clock="The last good run of each report.",
    exclusions="Periods only one of them has.",
    look_alikes="Forecast error, which compares with what happened.",
    source="salesops_lib.governance.agreement.forecasts",
)
CONTRADICT = _metric(
    "contradictions",
    "Questions answered both ways",
    "How many questions one report answers with ACT and another with OK.",
    "questions with at least one ACT and one OK among the reports that answer them",
    unit="count",
    population="Questions that at least two reports judge for the same place.",
    clock="The last good run of each report.",
    exclusions="WATCH and UNKNOWN, which contradict nothing.",
    maturity="From one such question.",
    look_alikes="Different questions about one place.",
    source="salesops_lib.governance.agreement.verdicts",
)
UNKNOWN = _metric(
    "unknown_share",
    "Share of findings that cannot be judged",
    "How much of what the reports look at rests on too little evidence.",
    "findings that are UNKNOWN ÷ findings",
    population="Findings of the last good run of each report.",
    maturity="From 10 findings.",
    look_alikes="Findings to watch, whose evidence suffices and straddles the limit.",
    source="salesops_lib.governance.reports.unknown",
)

METRICS = (OVERDUE, STALE, APART, CONTRADICT, UNKNOWN)
