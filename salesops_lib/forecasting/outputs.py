"""The tables the forecasting report hands over: a contract, checked on writing."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table
from salesops_lib.forecasting.flow.outputs import PIPELINE_OUTPUTS

LEVELS = ("company", "region", "team", "rep", "segment")
ENGINES = ("run_rate", "pipeline", "commit", "pace")
FORECASTERS = (
    *ENGINES,
    "combined",
    "unreconciled",
    "seasonal_naive",
    "stage_weighted",
    "same_week",
    "raw_commit",
)


def node(period: bool = True) -> tuple[Column, ...]:
    """Level, node and period, the key of most tables."""
    columns = (
        Column("level", "text", "What the node is.", nullable=False, values=LEVELS),
        Column("node_id", "text", "Rep id, or name of team, region, segment or company.", nullable=False),
        Column("period", "text", "Fiscal period, FY26-Q4.", nullable=False),
    )
    return columns if period else columns[:2]


FORECAST = Table(
    "forecast",
    "a quantile of a node's bookings in a period, from one engine",
    ("level", "node_id", "period", "engine", "quantile"),
    (
        *node(),
        Column(
            "engine", "text",
            "Engine, combined (weighted, recalibrated, reconciled: the forecast), or unreconciled.",
            nullable=False, values=(*ENGINES, "combined", "unreconciled"),
        ),
        Column("quantile", "ratio", "Probability that bookings stay below.", nullable=False, low=0, high=1),
        Column("value_base", "money", "Bookings of the whole period.", nullable=False),
    ),
)  # fmt: skip

OUTLOOK = Table(
    "outlook",
    "a node's forecast of a period against its target",
    ("level", "node_id", "period"),
    (
        *node(),
        Column("name", "text", "Name of the node.", nullable=False),
        Column("team", "text", "Rep: team on the day."),
        Column("region", "text", "Rep: region on the day."),
        Column("booked_base", "money", "Booked to date.", nullable=False),
        Column("low_base", "money", "Low end of the range."),
        Column("mid_base", "money", "Middle: as likely above as below."),
        Column("high_base", "money", "High end of the range."),
        Column("interval_level", "ratio", "Probability inside the range.", low=0, high=1),
        Column("target_base", "money", "Quota of the node; missing where none is set."),
        Column("target_source", "text", "Own quota, or the sum that stands in for it.", nullable=False),
        Column("p_target", "ratio", "Chance to book at least the target.", low=0, high=1),
        Column("gap_base", "money", "Target − middle; negative is a surplus."),
        Column("unreconciled_mid_base", "money", "Middle before the levels were made to add up."),
        Column("last_week_mid_base", "money", "Middle as it was seven days before."),
        Column("moved_base", "money", "Middle − middle of last week."),
    ),
)

ENGINE_STATE = Table(
    "engines",
    "an engine in a period",
    ("period", "engine"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("engine", "text", "The engine.", nullable=False, values=ENGINES),
        Column("on", "bool", "It says something of some node.", nullable=False),
        Column("weight", "ratio", "Share in the combination of company, regions and teams.", low=0, high=1),
        Column("weight_rep", "ratio", "Share in the combination of reps.", low=0, high=1),
        Column("company_mid_base", "money", "Its middle for the company."),
        Column(
            "past_periods", "count", "Past periods its weight rests on; equal weights where there are none."
        ),
        Column("reason", "text", "Why it is off, or what it did without."),
    ),
)

BACKTEST = Table(
    "backtest",
    "a forecaster at a level, over the past forecasts of one distance and week",
    ("forecaster", "level", "ahead", "point"),
    (
        Column("forecaster", "text", "Engine, combination or benchmark.", nullable=False, values=FORECASTERS),
        Column("level", "text", "What the nodes are.", nullable=False, values=LEVELS),
        Column("ahead", "count", "0: the running period; 1: the next.", nullable=False),
        Column("point", "text", "Share of the period's business days gone, or all.", nullable=False),
        Column("periods", "count", "Past periods in which it and the forecast stand.", nullable=False),
        Column("n", "count", "Past forecasts where both stand; all measures are over these.", nullable=False),
        Column("wape", "ratio", "Σ|booked − middle| ÷ Σ booked."),
        Column("combined_wape", "ratio", "That of the forecast (combined) on the same rows."),
        Column("bias", "ratio", "Σ(middle − booked) ÷ Σ booked; above 0 is too high."),
        Column("mase", "number", "Mean error in units of the seasonal naive's own; below 1 is better."),
        Column("pinball", "ratio", "Mean quantile loss ÷ the node's usual period."),
        Column("inside", "count", "Outcomes inside their 80 % range."),
        Column("coverage", "ratio", "inside ÷ n; .80 is promised."),
        Column("coverage_low", "ratio", "Low end of the 90 % range of coverage, over periods (Wilson)."),
        Column("coverage_high", "ratio", "High end of the 90 % range of coverage, over periods (Wilson)."),
        Column("range_level", "ratio", "Probability inside the range as printed.", low=0, high=1),
        Column("range_inside", "count", "Outcomes inside the range as printed."),
        Column(
            "loss_difference", "ratio",
            "Mean error of the combination − of this one, ÷ usual period; below 0 it is better.",
        ),
        Column("p_value", "ratio", "Diebold–Mariano test of it, one value a period.", low=0, high=1),
        Column(
            "p_holm", "ratio", "The same for all tests of this level, distance and point at once (Holm).",
            low=0, high=1,
        ),
    ),
)  # fmt: skip

SUBMITTERS = Table(
    "submitters",
    "a submitter's standing call for a node, and what such calls have been worth",
    ("rep_id", "level", "node_id", "period"),
    (
        Column("rep_id", "text", "Who called.", nullable=False),
        *node(),
        Column("name", "text", "Name of the submitter.", nullable=False),
        Column("called_base", "money", "The call that stands.", nullable=False),
        Column("expected_base", "money", "The call, corrected for what earlier ones were worth."),
        Column("periods", "count", "Past periods with a call at this week.", nullable=False),
        Column("called_past_base", "money", "Their calls, added up.", nullable=False),
        Column("booked_past_base", "money", "What came in, added up.", nullable=False),
        Column(
            "raw_bias", "ratio", "called_past_base ÷ booked_past_base − 1; missing where nothing came in."
        ),
        Column("bias", "ratio", "The same by empirical Bayes: above 0 calls too much."),
        Column("bias_low", "ratio", "Low end of its 80 % range."),
        Column("bias_high", "ratio", "High end of its 80 % range."),
    ),
)

PACE_WEEKS = Table(
    "pace_by_week",
    "a week of a period",
    ("period", "week"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("week", "count", "Week of the period.", nullable=False),
        Column("booked_base", "money", "Booked from the period's start to the week's end.", nullable=False),
        Column("share", "ratio", "booked_base ÷ the period's bookings in all; missing while it runs."),
    ),
)

OUTPUTS = (
    FORECAST, OUTLOOK, ENGINE_STATE, BACKTEST, SUBMITTERS, PACE_WEEKS, *PIPELINE_OUTPUTS,
)  # fmt: skip
