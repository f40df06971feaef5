"""What the compensation simulation measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.core.metrics import Metric

_DRAWS = "Draws of the coming fiscal year; Monte Carlo error stands beside each figure."
_SEATS = "Seats in a plan on the day of the report, at their target pay and last known quotas."
_MATURITY = "From four finished quarters of history; under 30 rep-years a role takes the shape of all roles."

OVERSPEND = Metric(
    id="compensation.overspend_p90",
    name="Overspend at P90",
    meaning="How far incentive pay lies above its budget in a dear year.",
    formula="P90 of incentive pay of the year ÷ budget − 1",
    unit="ratio",
    grain="company × fiscal year × plan variant",
    population=_SEATS,
    clock=_DRAWS,
    exclusions="Base salary; employer's taxes; what clawbacks bring back, which stands beside it.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="Payout at the mean attainment, which an accelerator always exceeds on average.",
    owner="manager",
    source="salesops_lib.compensation.simulation.cost.costs",
)
OVER_CHANCE = Metric(
    id="compensation.overspend_chance",
    name="Chance of overspend",
    meaning="How likely incentive pay exceeds its budget.",
    formula="scenarios with incentive pay > budget ÷ scenarios",
    unit="ratio",
    grain="company × fiscal year × plan variant",
    population=_SEATS,
    clock=_DRAWS,
    exclusions="As overspend at P90.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="The chance to beat the sales target: pay can exceed its budget below it.",
    owner="manager",
    source="salesops_lib.compensation.simulation.cost.costs",
)
CCOS = Metric(
    id="compensation.ccos",
    name="CCOS (base + variable incl. SPIFFs ÷ credited sales)",
    meaning="What a dollar of sales costs in pay of those who sell.",
    formula="(base salaries + incentive pay with SPIFFs and pools) ÷ credited sales, at 100 % company "
    "attainment",
    unit="ratio",
    grain="company × fiscal year × plan variant",
    population=_SEATS + " Sales are those credited to seats with a quota of their own.",
    clock=_DRAWS,
    exclusions="Benefits, contests, pay of people on no plan.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="Effective commission rate, which leaves out base salaries; Sibson's CCOS, which "
    "leaves out SPIFFs.",
    owner="manager",
    source="salesops_lib.compensation.simulation.cost.at_company_attainment",
)
PER_SALE = Metric(
    id="compensation.pay_per_marginal_sale",
    name="Pay per marginal dollar of sales",
    meaning="What the next dollar of sales costs in incentive pay.",
    formula="dE[pay] ÷ dE[sales], all sales 1 % higher on the same draws",
    unit="ratio",
    grain="company × fiscal year × plan variant",
    population=_SEATS,
    clock=_DRAWS,
    exclusions="Base salary, which does not move with sales.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="Pay ÷ sales, the mean: an accelerated plan's next dollar costs more than its average one.",
    owner="manager",
    source="salesops_lib.compensation.simulation.cost.lifted",
)
LOSERS = Metric(
    id="compensation.losers_share",
    name="Seats that lose a tenth of their pay",
    meaning="The share of seats whose expected incentive pay falls by more than a tenth under the new plan.",
    formula="seats with E[pay new] < 0.9 × E[pay old] ÷ seats, both on the same draws",
    unit="ratio",
    grain="company × fiscal year",
    population=_SEATS,
    clock=_DRAWS,
    exclusions="Seats without pay under the old plan.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="The share who lose anything: half may lose a little and nobody much.",
    owner="manager",
    source="salesops_lib.compensation.simulation.comparison.seats_compared",
)
AT_QUOTA = Metric(
    id="compensation.share_at_quota",
    name="Share at quota in the drawn year",
    meaning="How many of a role reach quota.",
    formula="drawn seat-years with attainment ≥ 100 % ÷ drawn seat-years",
    unit="ratio",
    grain="role × fiscal year",
    population=_SEATS,
    clock=_DRAWS,
    exclusions="Roles without a quota of their own.",
    maturity=_MATURITY,
    good_direction="neither",
    look_alikes="Participation, which is counted after a period, not drawn.",
    owner="manager",
    source="salesops_lib.compensation.simulation.standing.standing",
)
AT_THRESHOLD = Metric(
    id="compensation.share_at_threshold",
    name="Share at threshold in the drawn year",
    meaning="How many of a role earn anything on their main measure.",
    formula="drawn seat-years with attainment ≥ the lowest that pays ÷ drawn seat-years",
    unit="ratio",
    grain="role × fiscal year × plan variant",
    population=_SEATS,
    clock=_DRAWS,
    exclusions="Roles without a quota of their own; plans that pay from the first sale count as threshold 0.",
    maturity=_MATURITY,
    good_direction="up",
    look_alikes="The share at quota.",
    owner="manager",
    source="salesops_lib.compensation.simulation.standing.standing",
)
CAP_SHARE = Metric(
    id="compensation.cap_share",
    name="Share at the cap",
    meaning="How often a cap stops pay.",
    formula="drawn windows of capped components at the cap ÷ all of them",
    unit="ratio",
    grain="role × fiscal year × plan variant",
    population="Roles whose plan has a cap; windows are those of the component (month, quarter, year).",
    clock=_DRAWS,
    exclusions="Curves that simply end flat, which have no cap.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="Money withheld, which stands beside it.",
    owner="manager",
    source="salesops_lib.compensation.simulation.standing.standing",
)
PAY_PERFORMANCE = Metric(
    id="compensation.pay_performance",
    name="Pay-performance correlation",
    meaning="Whether more sales bring more pay within a role.",
    formula="Spearman correlation of attainment and pay ÷ target over drawn seat-years",
    unit="ratio",
    grain="role × fiscal year × plan variant",
    population="Roles with a quota of their own.",
    clock=_DRAWS,
    exclusions="None.",
    maturity=_MATURITY,
    good_direction="up",
    look_alikes="Pay differentiation, which says how far apart pay is, not whether results explain it.",
    owner="analyst",
    source="salesops_lib.compensation.simulation.standing.standing",
)
GAME_GAIN = Metric(
    id="compensation.game_gain",
    name="Gain from gaming",
    meaning="What a rep can earn by moving a tenth of a period's quota over its end, or by cutting a "
    "deal in two.",
    formula="largest gain over the attainments tried ÷ target incentive of a window",
    unit="ratio",
    grain="plan × action × plan variant",
    population="Plans whose main measure is paid by attainment.",
    clock="None: plan on paper.",
    exclusions="Actions a guard outside the plan already stops.",
    maturity="At once.",
    good_direction="down",
    look_alikes="Behaviour scenarios, which say what it would cost if reps did it.",
    owner="analyst",
    source="salesops_lib.compensation.simulation.payout.gaming",
)
EQUITY = Metric(
    id="compensation.equity_gap",
    name="Adjusted pay gap",
    meaning="How far a group's incentive pay over target lies from the rest's at the same role and "
    "attainment.",
    formula="|exp(coefficient of the group in a fit of log(pay ÷ target) on role and log attainment) − 1|",
    unit="ratio",
    grain="grouping × group × plan variant",
    population="Seats with pay and target above zero; groups of eight or more.",
    clock=_DRAWS,
    exclusions="Base salary, which the simulation does not set.",
    maturity=_MATURITY,
    good_direction="down",
    look_alikes="The raw gap, which mixes roles and results.",
    owner="manager",
    source="salesops_lib.compensation.simulation.equity.gaps",
)
REPLAY = Metric(
    id="compensation.replay_difference",
    name="Replay difference",
    meaning="How many cents the simulation's formulas, fed the last year's results, are off the exact "
    "engine.",
    formula="Σ |total of the simulation's formulas − total of the engine's lines|, in cents",
    unit="count",
    grain="plan × plan variant × last finished fiscal year",
    population="Every holder, component and window of the year.",
    clock="Event dates of the year.",
    exclusions="SPIFFs and pools, which are paid by the engine alone.",
    maturity="Once a fiscal year has finished.",
    good_direction="down",
    look_alikes="Monte Carlo error: this has none.",
    owner="analyst",
    source="salesops_lib.compensation.simulation.real_year.real_year",
)

SIMULATION_METRICS = (
    OVERSPEND, OVER_CHANCE, CCOS, PER_SALE, LOSERS, AT_QUOTA, AT_THRESHOLD, CAP_SHARE, PAY_PERFORMANCE,
    GAME_GAIN, EQUITY, REPLAY,
)  # fmt: skip
