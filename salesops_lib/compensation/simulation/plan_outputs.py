"""Tables of the simulation about plans and their basis: terms, curves, gaming, shapes, the real year."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table

VARIANT = Column(
    "variant",
    "text",
    "Plans in force (old) or with the proposals (new).",
    nullable=False,
    values=("old", "new"),
)
PLAN = Column("plan_id", "text", "Id of the plan.", nullable=False)
ROLE = Column("role", "text", "The plan's id, with the role where a plan has several.", nullable=False)

CURVES = Table(
    "comp_curves",
    "a knot of a component's payout curve",
    ("variant", "plan_id", "component", "knot"),
    (
        VARIANT,
        PLAN,
        Column("version", "count", "Version of the plan.", nullable=False),
        Column("component", "text", "Component.", nullable=False),
        Column("knot", "count", "Number of the knot.", nullable=False),
        Column("method", "text", "marginal, retroactive, interpolated, step or matrix.", nullable=False),
        Column("unit", "text", "What x is: attainment, amount, value or score.", nullable=False),
        Column("x", "number", "Where the knot stands.", nullable=False),
        Column("pay_share", "ratio", "Payout at x ÷ target of the component."),
        Column("pay", "money", "Money a year at the plan's own target."),
        Column("slope", "number", "Payout per unit of x from here; 1 pays the target at x = 1."),
        Column("jump", "money", "Money a year by which pay jumps here."),
    ),
)
TERMS = Table(
    "comp_terms",
    "a plan's terms under the old or new version",
    ("variant", "plan_id"),
    (
        VARIANT,
        PLAN,
        Column("version", "count", "Version.", nullable=False),
        Column("target_cash", "money", "Target total cash of the plan."),
        Column("base_salary", "money", "Base salary of the plan."),
        Column("target_incentive", "money", "Target total cash − base salary."),
        Column("base_share", "ratio", "Pay mix: base ÷ target total cash."),
        Column("quota", "money", "Mean yearly quota of the main measure."),
        Column("quota_to_target_cash", "number", "Quota ÷ target total cash; 4 to 8 is common."),
        Column("base_rate", "ratio", "Target incentive × weight ÷ quota."),
        Column("threshold", "ratio", "Lowest attainment that pays."),
        Column("excellence", "ratio", "Attainment one drawn seat-year in ten reaches."),
        Column("leverage", "ratio", "Incentive at excellence ÷ target incentive, target counted in."),
        Column("upside", "money", "Incentive at excellence − target incentive."),
    ),
)
GAMING = Table(
    "comp_gaming",
    "an action that pays a rep more for the same or worse business",
    ("variant", "plan_id", "action"),
    (
        VARIANT,
        PLAN,
        Column("action", "text", "What the rep does.", nullable=False),
        Column("attained", "ratio", "Attainment at which it pays best."),
        Column("gain", "money", "Money of the first seat."),
        Column("gain_share", "ratio", "gain ÷ target incentive of a window."),
        Column("sales_change", "ratio", "What the company sells more or less ÷ a window's quota."),
        Column("guard", "text", "What stops it."),
    ),
)
SHAPES = Table(
    "comp_shapes",
    "a role's measure: the shape its draws have, and how much is shared",
    ("role", "measure"),
    (
        ROLE,
        Column("measure", "text", "What was measured.", nullable=False),
        Column("family", "text", "Family of the shape.", nullable=False),
        Column("n", "count", "Rep-periods it rests on.", nullable=False),
        Column("rep_years", "number", "The same in rep-years."),
        Column("pooled", "bool", "Under 30 rep-years: the shape of all roles.", nullable=False),
        Column("mean", "number", "Mean of the past (attainment, or the measure's unit)."),
        Column("pit_distance", "ratio", "Largest gap of the PIT from the uniform (Kolmogorov)."),
        Column("lasting_share", "ratio", "Share of variance that lasts with the rep."),
        Column("rho", "ratio", "Share of the rest that all reps share in a period."),
        Column("rho_low", "ratio", "Low end, 90 %."),
        Column("rho_high", "ratio", "High end."),
        Column("rho_segment", "ratio", "Further share that a region shares."),
        Column("drawn_as", "text", "How the coming year is drawn.", nullable=False),
    ),
)
FAMILIES = Table(
    "comp_families",
    "a family fitted to a role's attainment",
    ("role", "measure", "family"),
    (
        ROLE,
        Column("measure", "text", "What was measured.", nullable=False),
        Column("family", "text", "Family.", nullable=False),
        Column("n", "count", "Rep-periods.", nullable=False),
        Column("aic", "number", "Akaike's criterion; missing where the family cannot hold the sample."),
        Column("aic_over_best", "number", "AIC − the smallest."),
        Column("pit_distance", "ratio", "Kolmogorov's D of the PIT."),
    ),
)
REAL = Table(
    "comp_real",
    "a part of a plan on the last finished year's events, exact to the cent",
    ("plan_id", "part"),
    (
        PLAN,
        Column("part", "text", "Component, SPIFF or pool.", nullable=False),
        Column("earned_old", "money", "Earned in the year under the old plan; missing: it has no such part."),
        Column("earned_new", "money", "The same under the new plan."),
    ),
)
REPLAYED = Table(
    "comp_replay",
    "a plan: the simulation's formulas fed the last year's results, against the engine",
    ("variant", "plan_id"),
    (
        VARIANT,
        PLAN,
        Column("compared", "count", "Totals of holder, component and window compared.", nullable=False),
        Column("cents_apart", "count", "Cents they differ by in all.", nullable=False),
        Column("exact", "count", "Totals that floating point could not settle.", nullable=False),
    ),
)

PLAN_OUTPUTS = (CURVES, TERMS, GAMING, SHAPES, FAMILIES, REAL, REPLAYED)
