"""What a commission close measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.core.metrics import Metric

_PAYEES = "Everyone on a plan with a line or a balance in the close."
_CLOCK = "The fiscal month a pay period ends in; data as known on the day of the report."

CLOSE_AGE = Metric(
    id="compensation.close_age",
    name="Business days since a month ended unposted",
    meaning="How long payees have waited for a month that has ended and is not closed.",
    formula="business days from the month's end to the day of the report; 0 once it is posted",
    unit="days", grain="company × month", population="The first month not posted.",
    clock="The report's day against the fiscal calendar.", exclusions="Holidays of company.yaml.",
    maturity="At once.", good_direction="down",
    look_alikes="Days from statement to payment, which payroll decides.", owner="analyst",
    source="salesops_lib.compensation.close.findings.late",
)  # fmt: skip
DISPUTED = Metric(
    id="compensation.disputed_share",
    name="Share of statements disputed",
    meaning="How many payees of a posted month asked about a line.",
    formula="payees with a dispute of the month ÷ payees with a statement of it",
    unit="ratio", grain="company × posted month", population="Payees with a posted statement.",
    clock="The month of the disputed line.", exclusions="Questions asked outside the ledger.",
    maturity="Five business days after posting.", good_direction="down",
    look_alikes="Share of disputes upheld.", owner="analyst",
    source="salesops_lib.compensation.close.findings.disputed",
)  # fmt: skip
UNCLEAR = Metric(
    id="compensation.disputes_of_a_rule",
    name="Disputes of one rule",
    meaning="How many disputes of a posted month rest on the rule that most of them rest on.",
    formula="max over rules of the count of disputes that name it; upper and lower case are one",
    unit="count", grain="company × posted month", population="Disputes of lines of the last posted month.",
    clock="The month of the disputed line.", exclusions="Questions asked outside the ledger.",
    maturity="Five business days after posting.", good_direction="down",
    look_alikes="Share of statements disputed, which counts payees, whatever they rely on.", owner="analyst",
    source="salesops_lib.compensation.close.findings.unclear",
)  # fmt: skip
CORRECTED = Metric(
    id="compensation.correction_share",
    name="Largest correction against a payee's pay",
    meaning="How far off a closed month was for the payee it was most off for.",
    formula="max over payees of |Σ corrections| ÷ earned in the fiscal year to date",
    unit="ratio", grain="company × month", population=_PAYEES, clock=_CLOCK,
    exclusions="Adjustments after a dispute, carried sums.", maturity="From the second close on.",
    good_direction="down", look_alikes="Clawbacks, which the plan foresees.", owner="analyst",
    source="salesops_lib.compensation.close.findings.corrected",
)  # fmt: skip
HELD = Metric(
    id="compensation.held_share",
    name="Earned pay held back",
    meaning="How much of what people earned this fiscal year waits for the customer to be billed and to pay.",
    formula="held balance ÷ earned in the fiscal year to date, payees on plans with holds",
    unit="ratio", grain="company × month", population="Payees with a held balance or a hold this year.",
    clock=_CLOCK, exclusions="Draws, overpayments.", maturity="At once.", good_direction="down",
    look_alikes="Accrued pay, which holds what is earned and not yet due as well.", owner="manager",
    source="salesops_lib.compensation.close.findings.held",
)  # fmt: skip
RATE = Metric(
    id="compensation.effective_rate",
    name="Effective commission rate",
    meaning="What incentive pay costs per unit of bookings.",
    formula="earned in the last three closed or drafted months ÷ bookings of the same months",
    unit="ratio", grain="company × three months", population="All payees; all won deals.",
    clock="Pay by close month, bookings by close date.", exclusions="Base salary, draws, holds.",
    maturity="From three months on.", good_direction="down",
    look_alikes="CCOS, which adds base salaries; a plan's base rate, which is one component's.",
    owner="manager",
    source="salesops_lib.compensation.close.tables.history_rows",
)  # fmt: skip
STOOD_IN = Metric(
    id="compensation.stood_in",
    name="Quotas that stand in",
    meaning="How many quarters of payees rest on the quota of the quarter before, for their own is missing.",
    formula="payee-quarters of the fiscal year on a plan by attainment, without a quota",
    unit="count", grain="company × month", population=_PAYEES, clock="The quota's fiscal quarter.",
    exclusions="Quotas of 0, which pay nothing and are said.", maturity="At once.", good_direction="down",
    look_alikes="Ramped quotas.", owner="analyst", source="salesops_lib.compensation.close.closing.work_out",
)  # fmt: skip
OWED = Metric(
    id="compensation.owed_share",
    name="Pay to be recovered",
    meaning="How much payees owe: overpaid sums and draws not yet recovered, against the year's pay.",
    formula="(overpaid balance + draw balance) ÷ paid in the fiscal year to date",
    unit="ratio", grain="company × month", population=_PAYEES, clock=_CLOCK,
    exclusions="Non-recoverable draws.", maturity="At once.", good_direction="down",
    look_alikes="Held pay, which the company owes.", owner="finance",
    source="salesops_lib.compensation.close.findings.owed",
)  # fmt: skip
TIES = Metric(
    id="compensation.broken_ties",
    name="Identities of the close that do not hold",
    meaning="Whether lines, payments, accrual and the capitalised asset add up to one another.",
    formula="count of identities in close_checks that do not hold, to the cent",
    unit="count", grain="company × month", population="All lines and payments of the close.", clock=_CLOCK,
    exclusions="None.", maturity="At once.", good_direction="down",
    look_alikes="Faults of data, which data_quality finds.", owner="analyst",
    source="salesops_lib.compensation.close.tables.check_rows",
)  # fmt: skip

CLOSE_METRICS = (CLOSE_AGE, DISPUTED, UNCLEAR, CORRECTED, HELD, RATE, STOOD_IN, OWED, TIES)
