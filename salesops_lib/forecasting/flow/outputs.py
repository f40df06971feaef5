"""Output tables about the open pipeline: waterfall, slippage, pushes, coverage, deals, needs, scenarios."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table
from salesops_lib.forecasting.flow.waterfall import TERMS

LEVELS = ("company", "region", "team", "rep", "segment")
SOURCES = ("closed", "commit", "other_due", "not_due", "new", "gap")
_NODE = (
    Column("level", "text", "What the node is.", nullable=False, values=LEVELS),
    Column("node_id", "text", "Rep id, or name of team, region, segment or company.", nullable=False),
    Column("period", "text", "Fiscal period, FY26-Q4.", nullable=False),
)

WATERFALL = Table(
    "waterfall",
    "a term of a node's open value due in the period, from the end of one day to the end of another",
    ("level", "node_id", "period", "start_date", "end_date", "term"),
    (
        *_NODE,
        Column("start_date", "date", "Day whose end the step goes from.", nullable=False),
        Column("end_date", "date", "Day whose end it goes to.", nullable=False),
        Column("term", "text", "Start, reason of the change, or end.", nullable=False, values=TERMS),
        Column(
            "value_base", "money", "Signed: what leaves is negative. Start + terms = end.", nullable=False
        ),
    ),
)

SLIPPAGE = Table(
    "slippage",
    "a node's value due in the period at its start, and what became of it",
    ("level", "node_id", "period"),
    (
        *_NODE,
        Column("due_base", "money", "Open and due in the period at its start.", nullable=False),
        Column("slipped_base", "money", "Of it, open with a date after the period.", nullable=False),
        Column("slippage", "ratio", "slipped_base ÷ due_base."),
        Column("won_base", "money", "Of it, won.", nullable=False),
        Column("lost_base", "money", "Of it, lost.", nullable=False),
        Column("open_base", "money", "Of it, open and due in the period still.", nullable=False),
        Column("n_due", "count", "Deals due.", nullable=False),
        Column("n_slipped", "count", "Deals slipped.", nullable=False),
        Column("n_unpriced", "count", "Deals due without an amount: in no money here.", nullable=False),
    ),
)

PUSHES = Table(
    "pushes",
    "open deals by how often they were moved to a later period",
    ("pushes",),
    (
        Column("pushes", "text", "Moves so far; 3+ is three or more.", nullable=False),
        Column("n", "count", "Open deals.", nullable=False),
        Column("n_unpriced", "count", "Of them without an amount: in no value.", nullable=False),
        Column("value_base", "money", "Their value.", nullable=False),
        Column("share", "ratio", "Of all open value."),
    ),
)

COVERAGE = Table(
    "coverage",
    "a node's open value due against what is left to its target",
    ("level", "node_id", "period"),
    (
        *_NODE,
        Column("target_base", "money", "Target.", nullable=False),
        Column("closed_base", "money", "Booked to date; not in coverage.", nullable=False),
        Column("left_base", "money", "Target − booked."),
        Column("open_base", "money", "Open value due in the period."),
        Column("coverage", "number", "open_base ÷ left_base; missing once nothing is left."),
        Column(
            "needed",
            "number",
            "1 ÷ win_rate; missing without a past. The pipeline report has that of decided deals too.",
        ),
        Column(
            "win_rate",
            "ratio",
            "The node's win rate by value at this week of past periods, drawn towards that of the node above "
            "as far as its few deals could be chance: pushed deals are not won.",
        ),
        Column("own_win_rate", "ratio", "The same of its own deals alone."),
        Column(
            "weighted_base",
            "money",
            "Σ amount × own probability of its stage at this week; missing where no stage of its has a past.",
        ),
        Column("unweighted_base", "money", "Open value in stages without a past: in no weighted value."),
        Column("stages_without_past", "text", "Those stages."),
        Column("n_open", "count", "Open deals due."),
        Column(
            "n_past", "count", "Deals of past periods the node's own win rate rests on, each counted once."
        ),
    ),
)

MOVERS = Table(
    "deals_moved",
    "a deal that changed the number in the last week",
    ("opportunity_id",),
    (
        Column("opportunity_id", "text", "The deal.", nullable=False),
        Column("owner_id", "text", "Its owner."),
        Column("stage", "text", "Its stage now."),
        Column("before_base", "money", "In the number a week ago.", nullable=False),
        Column("after_base", "money", "In it now.", nullable=False),
        Column("change_base", "money", "Now − before.", nullable=False),
        Column("reason", "text", "Why.", nullable=False),
    ),
)

NEEDED = Table(
    "what_has_to_be_true",
    "a source of bookings, and what it must bring for the target to be met",
    ("period", "source"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("source", "text", "Where bookings come from.", nullable=False, values=SOURCES),
        Column("n", "count", "Deals."),
        Column("n_unpriced", "count", "Of them open without an amount: in no value."),
        Column("value_base", "money", "Their value; missing for deals not created yet."),
        Column("expected_base", "money", "What the pipeline engine expects; of gap: target − all expected."),
        Column("own_rate", "ratio", "expected_base ÷ value_base."),
        Column("needed_base", "money", "What it must bring if the others bring what is expected."),
        Column("needed_rate", "ratio", "needed_base ÷ value_base."),
        Column("reachable", "bool", "Whether that is at most its whole value."),
    ),
)

SCENARIOS = Table(
    "scenarios",
    "a scenario in a period",
    ("scenario", "period"),
    (
        Column("scenario", "text", "What changes; base is the forecast.", nullable=False),
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("low_base", "money", "P10 of the company's bookings.", nullable=False),
        Column("mid_base", "money", "P50.", nullable=False),
        Column("high_base", "money", "P90.", nullable=False),
        Column("target_base", "money", "Target of the company."),
        Column("p_target", "ratio", "Chance to book at least the target.", low=0, high=1),
        Column("change_base", "money", "Mean change against the base, draw by draw.", nullable=False),
        Column("change_p", "ratio", "Change of the chance."),
    ),
)

WIN_RATES = Table(
    "win_rates",
    "a win rate of the last four periods, by its definition",
    ("name",),
    (
        Column("name", "text", "by_count, by_value or by_cohort.", nullable=False),
        Column("rate", "ratio", "The rate."),
        Column("low", "ratio", "Low end of its 90 % range."),
        Column("high", "ratio", "High end of its 90 % range."),
        Column("numerator", "number", "What is above the line."),
        Column("denominator", "number", "What is below it."),
        Column("unit", "text", "What both count."),
        Column("open", "number", "Deals of the cohort still open."),
        Column("horizon_days", "days", "Age up to which the cohort is followed."),
        Column("method", "text", "How it is made.", nullable=False),
        Column("provisional", "bool", "Many of the cohort have not had the time yet.", nullable=False),
    ),
)

FEATURES = Table(
    "features",
    "a column of deals, audited for knowing the outcome",
    ("feature", "used"),
    (
        Column("feature", "text", "The column.", nullable=False),
        Column("used", "bool", "Read by the pipeline engine, as known on the day.", nullable=False),
        Column(
            "verdict", "text", "refused: must not be used; not dated: its past is not recorded.",
            nullable=False, values=("refused", "passed", "unknown", "not dated"),
        ),
        Column("reason", "text", "Why it is refused, or cannot be judged."),
        Column("evidence", "text", "What was found."),
        Column("auc", "number", "How well it alone ranks outcomes: 0.5 says nothing.", low=0, high=1),
        Column("n", "count", "Decided deals."),
    ),
)  # fmt: skip

PIPELINE_OUTPUTS = (WATERFALL, SLIPPAGE, PUSHES, COVERAGE, MOVERS, NEEDED, SCENARIOS, WIN_RATES, FEATURES)
