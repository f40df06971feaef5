"""What attainment measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.attainment.quota_metrics import QUOTA_METRICS
from salesops_lib.core.metrics import Metric

ATTAINMENT = Metric(
    id="attainment.attainment",
    name="Attainment",
    meaning="How much of a quota has been booked by the one who holds it.",
    formula="credited bookings ÷ (quota × ramp share × share of the period's days held)",
    unit="ratio",
    grain="holder (rep, team, region, company) × period × measure",
    population="Won opportunities, credited by share; a deal without credit rows counts whole for its owner.",
    clock="Close date, company's zone; a rep's team is that of the role spell on that day.",
    exclusions="Overlay credit above the rep; deals without amount, date or owner (listed with their money).",
    maturity="Final when the period has ended and its last deals are entered; before that it is to date.",
    good_direction="up",
    look_alikes="The mean of the reps' ratios: a team's attainment is sum over sum, never a mean of ratios.",
    owner="analyst",
    source="salesops_lib.attainment.table.attainment",
)
PROJECTED = Metric(
    id="attainment.projected_attainment",
    name="Projected attainment",
    meaning="Where a holder will finish against quota if the rest of the period goes as past periods went.",
    formula="(to date + what past periods added after this business day) ÷ quota, median with a range",
    unit="ratio",
    grain="holder × period",
    population="Company, regions, teams and reps with a quota above zero.",
    clock="Share of the period's business days elapsed on the day of the report.",
    exclusions="Open pipeline: this is pace, not a forecast of named deals.",
    maturity="From four finished periods on; the range's back-tested coverage stands beside it.",
    good_direction="up",
    look_alikes="A straight-line run rate, which calls a quarter that closes in its last weeks late.",
    owner="analyst",
    source="salesops_lib.attainment.pacing.project",
)
PARTICIPATION = Metric(
    id="attainment.participation",
    name="Participation",
    meaning="The share of reps who reached their quota.",
    formula="reps with attainment ≥ 100 % ÷ reps with a quota above zero",
    unit="ratio",
    grain="group of reps × period",
    population="Reps whose attainment is defined; ramping reps against their ramped quota.",
    clock="Close date, as for attainment.",
    exclusions="Reps with a missing or zero quota; groups under eight are dots without a percentage.",
    maturity="Finished periods only.",
    good_direction="up",
    look_alikes="Team attainment, which one large deal can lift while most reps miss.",
    owner="manager",
    source="salesops_lib.attainment.distribution.participation",
)
TOP_FIFTH = Metric(
    id="attainment.top_fifth_share",
    name="Share of the top fifth",
    meaning="How much of the bookings the best fifth of reps carries.",
    formula="credited bookings of the largest 20 % of reps ÷ credited bookings of all reps with a quota",
    unit="ratio",
    grain="company × period",
    population="Reps with a quota above zero, pure overlay holders left out.",
    clock="Close date, as for attainment.",
    exclusions="Overlay credit.",
    maturity="Finished periods only; early in a period few deals make any distribution look skewed.",
    good_direction="down",
    look_alikes="The Gini coefficient, which weighs the whole distribution; both are printed.",
    owner="manager",
    source="salesops_lib.attainment.distribution.concentration",
)
NO_QUOTA = Metric(
    id="attainment.bookings_without_quota",
    name="Bookings without quota",
    meaning="The share of credited bookings that count towards nobody's quota.",
    formula="direct credit of reps without a quota in the period ÷ direct credit of all reps",
    unit="ratio",
    grain="company × period",
    population="Direct credit held by reps.",
    clock="Close date, as for attainment.",
    exclusions="Overlay credit; reps whose quota is zero, who are listed apart.",
    maturity="At any time: a missing quota is a fault from the first booking on.",
    good_direction="down",
    look_alikes="Bookings no rep holds, which are a fault of ownership, not of quotas.",
    owner="analyst",
    source="salesops_lib.attainment.findings.no_quota",
)
UNPLACED = Metric(
    id="attainment.unplaced_bookings",
    name="Unplaced bookings",
    meaning="The share of won bookings that no rep, or no team, held on the day they closed.",
    formula="(bookings without rep + credit on days without a clear role spell) ÷ all won bookings",
    unit="ratio",
    grain="company × period",
    population="Won opportunities with an amount and a close date in the period.",
    clock="Close date.",
    exclusions="Credit without a team where the company keeps no role spells at all.",
    maturity="At any time.",
    good_direction="down",
    look_alikes="Bookings without quota.",
    owner="analyst",
    source="salesops_lib.attainment.findings.unplaced",
)
OVER_ASSIGNMENT = Metric(
    id="attainment.over_assignment",
    name="Over-assignment",
    meaning="How much more quota the reps hold together than the company's goal.",
    formula="sum of rep quotas, ramped and by days held ÷ company goal",
    unit="ratio",
    grain="company × period",
    population="Rep quotas of the period, pure overlay holders left out.",
    clock="The quota version known on the day of the report.",
    exclusions="Companies without a goal of their own: a sum of members would always agree with itself.",
    maturity="Once quotas of the period are set.",
    good_direction="neither",
    look_alikes="Attainment: this compares plan with plan, no booking enters.",
    owner="manager",
    source="salesops_lib.attainment.cascade.cascade",
)

METRICS = (
    ATTAINMENT, PROJECTED, PARTICIPATION, TOP_FIFTH, NO_QUOTA, UNPLACED, OVER_ASSIGNMENT, *QUOTA_METRICS,
)  # fmt: skip
