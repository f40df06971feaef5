"""What quota setting measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.core.metrics import Metric

_CLOCK = "Known on the day of the report; the year planned begins after it."
_MATURITY = "From four whole finished quarters on."

CAPACITY_COVER = Metric(
    id="attainment.capacity_cover",
    name="Capacity cover",
    meaning="How much of the top-down target the seats can be expected to sell.",
    formula="Σ seats (level × own factor × ramp × season) × (1 − vacancy) × trend ÷ target",
    unit="ratio",
    grain="company × year",
    population="Reps in an open role spell who carry a quota, or whose role does.",
    clock=_CLOCK,
    exclusions="Planned hires nobody has entered; overlay credit.",
    maturity=_MATURITY,
    good_direction="up",
    look_alikes="Over-assignment, which compares quotas with the target and knows no capacity.",
    owner="manager",
    source="salesops_lib.attainment.setting.capacity.bridge",
)
PLAN_CHANCE = Metric(
    id="attainment.plan_chance",
    name="Chance of the target",
    meaning="How likely the seats reach the target of the year.",
    formula="draws with bookings ≥ target ÷ draws",
    unit="ratio",
    grain="company, region or team × year",
    population="The seats of the plan.",
    clock=_CLOCK,
    exclusions="Events the past four and more quarters do not hold: a new product, a lost market.",
    maturity=_MATURITY,
    good_direction="up",
    look_alikes="The chance of all quotas: their sum is above the target by the over-assignment.",
    owner="manager",
    source="salesops_lib.attainment.setting.simulation.simulate",
)
PLANNED_ASSIGNMENT = Metric(
    id="attainment.planned_assignment",
    name="Planned over-assignment",
    meaning="How much more quota the reps of a level get together than its target.",
    formula="Σ proposed rep quotas ÷ target",
    unit="ratio",
    grain="level × year",
    population="The seats of the plan.",
    clock=_CLOCK,
    exclusions="None.",
    maturity="At once: plan against plan.",
    good_direction="neither",
    look_alikes="Over-assignment of quotas already given.",
    owner="manager",
    source="salesops_lib.attainment.setting.proposal.propose",
)
OVER_MEDIAN = Metric(
    id="attainment.quota_over_median",
    name="Quota over median",
    meaning="How far the largest quota stands above the middle one of its role and segment.",
    formula="quota at full strength ÷ median of the group, largest over reps",
    unit="ratio",
    grain="company × year",
    population="Groups of role and segment with four seats or more.",
    clock=_CLOCK,
    exclusions="Smaller groups, whose median says nothing.",
    maturity="At once.",
    good_direction="down",
    look_alikes="A ramped quota, which is small because the rep is new.",
    owner="manager",
    source="salesops_lib.attainment.setting.proposal.propose",
)
SIMULATED_SHARE = Metric(
    id="attainment.simulated_share_at_quota",
    name="Simulated share at quota",
    meaning="The share of reps who reach the proposed quota.",
    formula="reps with bookings ≥ quota ÷ reps who stay all year, median over draws",
    unit="ratio",
    grain="company × year",
    population="The seats of the plan.",
    clock=_CLOCK,
    exclusions="Seats left in a draw.",
    maturity=_MATURITY,
    good_direction="neither",
    look_alikes="Participation, which is counted after a period.",
    owner="manager",
    source="salesops_lib.attainment.setting.simulation.simulate",
)
BACKTEST_SHARE = Metric(
    id="attainment.backtest_share_at_quota",
    name="Back-tested share at quota",
    meaning="The share of reps who would have reached the quotas this method had set a year ago.",
    formula="reps with bookings ≥ proposed quota ÷ reps compared, over the last four whole quarters",
    unit="ratio",
    grain="company × last four whole quarters",
    population="Reps with a real and a proposed quota in the same quarters.",
    clock="Quotas from what was known the day before; bookings by close date.",
    exclusions="Reps hired after the day before.",
    maturity="Where four whole quarters lie before the four tested.",
    good_direction="neither",
    look_alikes="The share at the quotas as given, which stands beside it.",
    owner="manager",
    source="salesops_lib.attainment.setting.backtest.backtest",
)
BACKTEST_ERROR = Metric(
    id="attainment.backtest_error_ratio",
    name="Back-tested error ratio",
    meaning="How far the method's quotas lay from bookings, against the quotas as given.",
    formula="Σ|booked − proposed| ÷ Σ|booked − given|, the proposal scaled to the given total",
    unit="ratio",
    grain="company × last four whole quarters",
    population="Reps with a real and a proposed quota in the same quarters.",
    clock="Quotas from what was known the day before; bookings by close date.",
    exclusions="Reps hired after the day before.",
    maturity="Where four whole quarters lie before the four tested.",
    good_direction="down",
    look_alikes="Attainment: a total set right can still be spread wrongly over reps.",
    owner="analyst",
    source="salesops_lib.attainment.setting.backtest.backtest",
)

QUOTA_METRICS = (
    CAPACITY_COVER, PLAN_CHANCE, PLANNED_ASSIGNMENT, OVER_MEDIAN, SIMULATED_SHARE, BACKTEST_SHARE,
    BACKTEST_ERROR,
)  # fmt: skip
