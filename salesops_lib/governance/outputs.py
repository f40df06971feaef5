"""The tables the brief hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table


def _c(name: str, kind: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, kind, meaning, nullable=nullable)


_REPORT = _c("report", "text", "Notebook and run.", nullable=False)
_CODE = _c("code", "text", "Finding code.", nullable=False)
_TITLE = _c("title", "text", "What was judged.")
_PLACE = _c("place", "text", "Where, without the period; empty: the company.")
_PERIOD = _c("period", "text", "Fiscal period, where the finding is of one.")

DECISIONS = Table(
    "decisions",
    "a pressing finding nobody has settled",
    ("report", "code", "place", "period"),
    (
        _c("severity", "text", "ACT or WATCH.", nullable=False),
        _REPORT,
        _CODE,
        _TITLE,
        _PLACE,
        _PERIOD,
        _c("statement", "text", "What was found."),
        _c("next_step", "text", "What to do."),
        _c("owner", "text", "Role, or who it was assigned to."),
        _c("state", "text", "new, returned, assigned; accepted or closed among the settled.", nullable=False),
        _c("first_due", "date", "Due day of the run that opened it, or the one it was assigned with."),
        _c("overdue", "bool", "That day has passed."),
        _c("open_since", "date", "First day of the unbroken row of runs in which it pressed."),
        _c("open_days", "days", "Since then."),
        _c("runs", "count", "Good runs in that row."),
        _c("money_base", "money", "At stake; stakes overlap and are never added."),
        _c("playbook", "text", "Page and section that say how."),
    ),
)
PLACES = Table(
    "places",
    "a place that several reports point at",
    ("place",),
    (
        _c("place", "text", "Where.", nullable=False),
        _c("reports", "count", "Reports that press there."),
        _c("act", "count", "Findings to act on."),
        _c("watch", "count", "Findings to watch."),
        _c("largest_base", "money", "Largest single stake; stakes overlap and are never added."),
        _c("says", "text", "The most urgent of them."),
    ),
)
CHANGES = Table(
    "changes",
    "what moved between the last two good runs of a report",
    ("report", "code", "place", "period"),
    (
        _c("kind", "text", "opened, worse, better, closed, moved.", nullable=False),
        _REPORT,
        _c("since", "date", "Day of the earlier run."),
        _CODE,
        _TITLE,
        _PLACE,
        _PERIOD,
        _c("before", "text", "Severity then; empty: not there."),
        _c("before_value", "number", "Value then, in unit."),
        _c("now", "text", "Severity now."),
        _c("now_value", "number", "Value now."),
        _c("unit", "text", "ratio, money, days, count, fte."),
    ),
)
FORECASTS = Table(
    "forecasts",
    "a node and period that forecast and pace both give",
    ("level", "node_id", "period"),
    (
        _c("level", "text", "company, region, team, rep.", nullable=False),
        _c("node_id", "text", "Which.", nullable=False),
        _c("period", "text", "Fiscal period.", nullable=False),
        _c("forecast_low_base", "money", "Forecast, low end."),
        _c("forecast_mid_base", "money", "Forecast, middle."),
        _c("forecast_high_base", "money", "Forecast, high end."),
        _c("pace_low_base", "money", "Pace of attainment, low end."),
        _c("pace_mid_base", "money", "Pace, middle."),
        _c("pace_high_base", "money", "Pace, high end."),
        _c("gap_base", "money", "Forecast − pace, middles."),
        _c("gap", "ratio", "Its size ÷ mean of the two."),
        _c("ranges_overlap", "bool", "One value lies in both ranges."),
        _c("target_base", "money", "Target, or the quota."),
        _c("forecast_met", "bool", "Forecast middle reaches it."),
        _c("pace_met", "bool", "Pace middle reaches it."),
        _c("booked_base", "money", "Booked to date, forecast's count: today's rates."),
        _c("credited_base", "money", "Credited to date, attainment's count: plan rates."),
        _c("forecast_as_of", "date", "Day of the forecast."),
        _c("pace_as_of", "date", "Day of the pace."),
    ),
)
VERDICTS = Table(
    "verdicts",
    "a report's answer to a question others answer too",
    ("question", "place", "report", "code"),
    (
        _c("question", "text", "What is asked.", nullable=False),
        _PLACE,
        _REPORT,
        _CODE,
        _c("severity", "text", "The answer.", nullable=False),
        _c("value", "number", "In unit."),
        _c("unit", "text", "ratio, money, days, count, fte."),
        _c("statement", "text", "In words."),
        _c("answers", "text", "opposite, differ, alike.", nullable=False),
        _c("why", "text", "What makes them differ where nothing is wrong."),
    ),
)
UNKNOWNS = Table(
    "unknowns",
    "a finding that cannot be judged",
    ("report", "code", "place", "period"),
    (
        _REPORT,
        _CODE,
        _TITLE,
        _PLACE,
        _PERIOD,
        _c("statement", "text", "What was found."),
        _c("has", "count", "Evidence there is."),
        _c("needs", "count", "Evidence it takes."),
        _c("counts", "text", "What is counted."),
        _c("next_step", "text", "What to do."),
    ),
)
REPORTS = Table(
    "reports",
    "a report as it stands",
    ("report",),
    (
        _REPORT,
        _TITLE,
        _c(
            "state",
            "text",
            "failed, stale, never ran, no data for it, cadence not known, current.",
            nullable=False,
        ),
        _c("as_of", "date", "Day of the last good run."),
        _c("last_due", "date", "When its cadence last asked for one."),
        _c("failed_on", "date", "Day of a later run that failed."),
        _c("act", "count", "To act on."),
        _c("watch", "count", "To watch."),
        _c("unknown", "count", "Not to be judged."),
        _c("ok", "count", "Fine."),
    ),
)

OUTPUTS = (DECISIONS, PLACES, CHANGES, FORECASTS, VERDICTS, UNKNOWNS, REPORTS)
