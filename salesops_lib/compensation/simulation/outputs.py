"""The tables the compensation simulation hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.compensation.simulation.plan_outputs import PLAN, PLAN_OUTPUTS, ROLE, VARIANT
from salesops_lib.core.contracts import Column, Table

COST = Table(
    "comp_cost",
    "the year's incentive pay under the old or new plans",
    ("variant",),
    (
        VARIANT,
        Column("p10", "money", "P10 of the scenarios.", nullable=False),
        Column("p10_error", "money", "Standard Monte Carlo error of it."),
        Column("p50", "money", "P50.", nullable=False),
        Column("p50_error", "money", "Its error."),
        Column("p90", "money", "P90.", nullable=False),
        Column("p90_error", "money", "Its error."),
        Column("mean", "money", "Mean.", nullable=False),
        Column("mean_error", "money", "Its error."),
        Column("target", "money", "Target incentive of the seats: what pay is at 100 % of everything."),
        Column("budget", "money", "Budget it is held against.", nullable=False),
        Column("over_chance", "ratio", "Share of scenarios above the budget.", low=0, high=1),
        Column("over_chance_error", "ratio", "Its error."),
        Column("over_mean", "money", "Mean excess over the budget, 0 where there is none."),
        Column("over_p90", "ratio", "P90 ÷ budget − 1."),
        Column("over_p90_error", "ratio", "Its error."),
        Column("reserve", "money", "P90 − P50: what to hold beside the middle."),
    ),
)
LATER = Table(
    "comp_later",
    "the year's pay under the old or new plans after it is earned",
    ("variant",),
    (
        VARIANT,
        Column("drawn", "money", "Mean recoverable draw still owed at the year's end."),
        Column("held", "money", "Mean pay still held back at the year's end; missing where nobody can tell."),
        Column("returned", "money", "Mean of what the year's deals give back by clawback, not taken off pay; "
               "of the roles whose past deals can tell, missing without one."),
        Column("returned_p90", "money", "P90 of it."),
    ),
)  # fmt: skip
AFTER = Table(
    "comp_after",
    "a role whose pay is held back or clawed back: what became of its past deals under a version's terms",
    ("variant", "role"),
    (
        VARIANT,
        PLAN,
        ROLE,
        Column("deals", "count", "Past deals that have seen the clawback's whole window."),
        Column("came_back", "count", "Of them those that gave pay back."),
        Column("rate", "ratio", "Share of pay by deal that came back, deals weighed by their value."),
        Column("low", "ratio", "Low end, 90 %."),
        Column("high", "ratio", "High end; none came back: of the share of deals."),
        Column("held_share", "ratio", "Share of pay on held components that is held back at first."),
        Column("released_90", "ratio", "Share of held pay released within 90 days."),
        Column("unseen", "text", "Triggers of which the data has no event."),
    ),
)
WINNERS = Table(
    "comp_winners",
    "a plan's seats, or those of all: who wins and who loses by expected pay",
    ("plan_id",),
    (
        Column("plan_id", "text", "Id of the plan, or all.", nullable=False),
        Column("seats", "count", "Seats.", nullable=False),
        Column("wins", "count", "Seats that earn more, by half a percent at least.", nullable=False),
        Column("loses", "count", "Seats that earn less.", nullable=False),
        Column("wins_share", "ratio", "wins ÷ seats.", low=0, high=1),
        Column("loses_share", "ratio", "loses ÷ seats.", low=0, high=1),
        Column("gained", "money", "What those with more expected pay gain together."),
        Column("lost", "money", "What those with less lose, below 0."),
        Column("change", "money", "gained + lost."),
        Column("change_share", "ratio", "change ÷ expected pay under the old plan."),
    ),
)
MARGINAL = Table(
    "comp_marginal",
    "the next dollar of sales under the old or new plans",
    ("variant",),
    (
        VARIANT,
        Column("pay", "money", "Expected incentive pay.", nullable=False),
        Column("sales", "money", "Credited sales.", nullable=False),
        Column("average", "ratio", "pay ÷ sales."),
        Column("per_sale", "ratio", "Pay for the next dollar of sales."),
        Column("per_sale_error", "ratio", "Standard Monte Carlo error of it."),
        Column(
            "break_even",
            "ratio",
            "Lift of sales at which its gross margin pays for what the new plans "
            "cost more; below 0: what sales may lose.",
        ),
    ),
)
AT_LEVEL = Table(
    "comp_cost_at_attainment",
    "old or new plans at a company attainment",
    ("variant", "attained"),
    (
        VARIANT,
        Column("attained", "ratio", "Credited sales ÷ quotas of the seats.", nullable=False),
        Column("pay", "money", "Expected incentive pay.", nullable=False),
        Column("error", "money", "Standard Monte Carlo error."),
        Column("pay_sd", "money", "Spread of pay at this one company result."),
        Column("sales", "money", "Credited sales.", nullable=False),
        Column("ccos", "ratio", "(base salaries + incentive pay incl. SPIFFs) ÷ credited sales."),
        Column("per_sale", "ratio", "Pay per dollar of sales from here to the next level."),
    ),
)
SEATS = Table(
    "comp_seats",
    "a seat under both plans: who wins, who loses",
    ("rep_id",),
    (
        Column("rep_id", "text", "The seat's holder today.", nullable=False),
        Column("name", "text", "Name."),
        PLAN,
        ROLE,
        Column("region", "text", "Region."),
        Column("team", "text", "Team."),
        Column("target_old", "money", "Target incentive under the old plan."),
        Column("target_new", "money", "Target incentive under the new plan."),
        Column("pay_old", "money", "Expected incentive pay, old."),
        Column("pay_new", "money", "Expected incentive pay, new, on the same draws."),
        Column("change", "money", "pay_new − pay_old."),
        Column("change_share", "ratio", "change ÷ pay_old."),
        Column("better_chance", "ratio", "Chance to earn more under the new plan.", low=0, high=1),
        Column(
            "outcome", "text", "By expected pay, within half a percent.", values=("wins", "loses", "same")
        ),
        Column("attained", "ratio", "Median attainment of the year, main measure."),
        Column("real_old", "money", "Earned on the last finished year's events, old plan, exact."),
        Column("real_new", "money", "The same under the new plan."),
        Column("needed", "ratio", "Attainment needed under the new plan to earn what that year paid."),
        Column("real_attained", "ratio", "Attainment of that year."),
    ),
)
DECILES = Table(
    "comp_deciles",
    "a tenth of the drawn seat-years by attainment",
    ("decile",),
    (
        Column("decile", "count", "1 is the weakest.", nullable=False),
        Column("attained", "ratio", "Mean attainment."),
        Column("n", "count", "Seat-years.", nullable=False),
        Column("pay_old", "money", "Mean pay, old."),
        Column("pay_new", "money", "Mean pay, new."),
        Column("change", "money", "pay_new − pay_old."),
        Column("change_share", "ratio", "change ÷ pay_old."),
        Column("winners", "ratio", "Share of seat-years that earn more.", low=0, high=1),
        Column("losers", "ratio", "Share that earn less.", low=0, high=1),
    ),
)
CHANGE = Table(
    "comp_change",
    "a part of the way from the old plan's cost to the new one's, or a behaviour scenario",
    ("position",),
    (
        Column("position", "count", "Order.", nullable=False),
        Column("part", "text", "What changes.", nullable=False),
        Column("kind", "text", "A total, a change, or a scenario that is off by default.", nullable=False,
               values=("total", "change", "scenario")),
        Column("pay", "money", "Money of a total, else the change of expected pay.", nullable=False),
        Column("error", "money", "Standard Monte Carlo error of a change."),
        Column("sales", "money", "What a scenario adds to sales."),
    ),
)  # fmt: skip
TORNADO = Table(
    "comp_tornado",
    "an assumption moved alone",
    ("assumption",),
    (
        Column("assumption", "text", "What was moved.", nullable=False),
        Column("low", "number", "Low value."),
        Column("high", "number", "High value."),
        Column("p50_low", "money", "P50 of the new plan's pay at the low value."),
        Column("p50_high", "money", "P50 at the high value."),
        Column("p90_low", "money", "P90 at the low value."),
        Column("p90_high", "money", "P90 at the high value."),
        Column("p50", "money", "P50 as assumed."),
        Column("p90", "money", "P90 as assumed."),
        Column("p90_error", "money", "Standard Monte Carlo error of it."),
        Column("swing", "money", "Largest distance of a P90 from the one as assumed."),
    ),
)
STANDING = Table(
    "comp_standing",
    "a role in the drawn years under the old or new plan",
    ("variant", "role"),
    (
        VARIANT,
        PLAN,
        ROLE,
        Column("seats", "count", "Seats.", nullable=False),
        Column("at_threshold", "ratio", "Share at the lowest attainment that pays.", low=0, high=1),
        Column("at_quota", "ratio", "Share at quota.", low=0, high=1),
        Column("at_excellence", "ratio", "Share at 125 % and more.", low=0, high=1),
        Column("excellence", "ratio", "Attainment one in ten reaches."),
        Column("excellence_error", "ratio", "Standard Monte Carlo error of it."),
        Column("median_attained", "ratio", "Median attainment."),
        Column("pay_p10", "ratio", "P10 of pay ÷ target."),
        Column("pay_p50", "ratio", "P50 of pay ÷ target."),
        Column("pay_p90", "ratio", "P90 of pay ÷ target."),
        Column("pay_error", "ratio", "Largest standard Monte Carlo error of these three."),
        Column("differentiation", "number", "P90 ÷ P10 of pay ÷ target."),
        Column("correlation", "ratio", "Spearman, attainment and pay ÷ target.", low=-1, high=1),
        Column("cap_share", "ratio", "Windows of capped components at the cap.", low=0, high=1),
        Column("withheld", "money", "Money a year that caps withheld."),
    ),
)
BACKTEST = Table(
    "comp_backtest",
    "a role in the last finished year, as it was",
    ("role",),
    (
        ROLE,
        Column("reps", "count", "Reps with a quota in every period of the year.", nullable=False),
        Column("at_quota", "count", "Of them at quota.", nullable=False),
        Column("share", "ratio", "at_quota ÷ reps."),
        Column("low", "ratio", "Low end, Wilson 90 %."),
        Column("high", "ratio", "High end."),
        Column("drawn", "ratio", "Share at quota in the drawn years."),
    ),
)
ACCRUAL = Table(
    "comp_accrual",
    "a month of the fiscal year",
    ("month",),
    (
        Column("month", "count", "Month of the fiscal year, 1 to 12.", nullable=False),
        Column("accrued_old", "money", "Expected incentive pay earned in it, old plans.", nullable=False),
        Column("accrued_new", "money", "The same, new plans.", nullable=False),
        Column("to_date_old", "money", "Running total of the year, old plans.", nullable=False),
        Column("to_date_new", "money", "The same, new plans.", nullable=False),
    ),
)
EQUITY = Table(
    "comp_equity",
    "a group of seats against the rest, new plan",
    ("grouping", "group"),
    (
        Column("grouping", "text", "What seats are grouped by.", nullable=False),
        Column("group", "text", "The group.", nullable=False),
        Column("n", "count", "Seats of the group.", nullable=False),
        Column("rest", "count", "Seats of the rest.", nullable=False),
        Column("raw", "ratio", "Pay ÷ target of the group over the rest's, − 1."),
        Column("raw_low", "ratio", "Low end, 90 %."),
        Column("raw_high", "ratio", "High end."),
        Column("adjusted", "ratio", "The same at equal role and attainment."),
        Column("adjusted_low", "ratio", "Low end, 90 %."),
        Column("adjusted_high", "ratio", "High end."),
    ),
)
SIMULATION_OUTPUTS = (
    COST, LATER, AFTER, WINNERS, MARGINAL, AT_LEVEL, SEATS, DECILES, CHANGE, TORNADO, STANDING, BACKTEST,
    ACCRUAL, EQUITY, *PLAN_OUTPUTS,
)  # fmt: skip
