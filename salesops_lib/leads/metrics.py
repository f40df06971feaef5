"""What the lead report measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.core.metrics import Metric

_RIPE = "Leads created at least the horizon ago (90 days), and after outcomes began to be recorded."
_CLOCK = "Creation of the lead; outcomes counted up to the same age for all."
_LATER = "From 30 leads old enough and 5 conversions; under 80 % old enough it is provisional."


def _metric(name: str, title: str, meaning: str, formula: str, **more) -> Metric:
    usual = {
        "unit": "ratio",
        "grain": "company × day of the report",
        "population": _RIPE,
        "clock": _CLOCK,
        "exclusions": "Leads without a moment of creation; rows left out are in lead_faults.",
        "maturity": _LATER,
        "good_direction": "up",
        "owner": "analyst",
    }
    return Metric(id=f"leads.{name}", name=title, meaning=meaning, formula=formula, **usual | more)


CONVERSION = _metric(
    "conversion_at_age",
    "Conversion at a fixed age",
    "How many of the leads old enough became an opportunity within 90 days.",
    "leads with an opportunity within 90 days of creation ÷ leads created 90 days ago or earlier",
    look_alikes="Opportunities of a month ÷ leads of the same month, which mixes cohorts.",
    source="salesops_lib.leads.funnels.conversion_at_age",
)
SLA = _metric(
    "sla_share",
    "Share of leads answered in time",
    "How many leads got a first human touch within the limit of their kind.",
    "leads touched within their limit, in open minutes ÷ leads touched or past their limit",
    population="Leads by kind: hand raiser, qualified, other; those still inside their limit are not judged.",
    clock="Creation, for a qualified lead its qualification; minutes in which the lead's region is open.",
    maturity="At once.",
    owner="representative",
    look_alikes="Share answered among those answered, which forgets the untouched.",
    source="salesops_lib.leads.response.service_levels",
)
UNTOUCHED = _metric(
    "never_touched_share",
    "Share of leads never touched",
    "How many leads past their limit nobody has tried to reach.",
    "leads past their limit without a first touch ÷ leads touched or past their limit",
    population="All kinds of leads.",
    clock="As the share answered in time.",
    maturity="At once.",
    good_direction="down",
    owner="representative",
    look_alikes="Leads that were touched late.",
    source="salesops_lib.leads.response.service_levels",
)
SOURCE_GAP = _metric(
    "source_gap",
    "Conversion of a source against the others",
    "How far a source converts above or below all the others at the same age.",
    "share of the source − share of all other leads, in rate points",
    grain="source",
    owner="marketing",
    look_alikes="The source's rank, which small sources lead.",
    source="salesops_lib.leads.sources.compare",
)
ROI = _metric(
    "return_on_spend",
    "Return on a source's spend",
    "What a source's spend came back as in won amount, once its leads had time to be won.",
    "won amount within 180 days ÷ cost of the same months − 1",
    grain="source",
    population="Leads of fiscal months that ended 180 days ago, with a cost.",
    maturity="From 5 wins on.",
    owner="marketing",
    look_alikes="Margin on spend: multiply the won amount by your margin first.",
    source="salesops_lib.leads.spend.return_on_spend",
)
CHANGE = _metric(
    "conversion_change",
    "Change of conversion in half a year",
    "How conversion at the same age moved, and whether by who came or by how they converted.",
    "conversion of the last 182 days of leads old enough − that of the 182 days before",
    look_alikes="A change of the mix of sources, which the table splits off.",
    source="salesops_lib.leads.sources.decompose_change",
)
SPEED = _metric(
    "speed_odds",
    "Odds of converting when answered within an hour, adjusted",
    "How leads answered within an open hour converted against those answered later, alike in what was known.",
    "odds ratio of a logit with the columns known at creation",
    population="Matured leads that were touched.",
    clock="Open minutes from the moment a lead came in to its first touch, qualified or not.",
    good_direction="neither",
    look_alikes="The effect of speed: only a randomised test gives that. The crude ratio mixes in quality.",
    source="salesops_lib.leads.speed.speed_effect",
)
ROUTING = _metric(
    "routing_spread",
    "Spread of leads over owners",
    "How unevenly leads are given out, by day worked.",
    "standard deviation ÷ mean of leads per owner and day with a lead",
    population="Owners with a lead in the last 182 days.",
    clock="Creation of the lead.",
    maturity="At once.",
    good_direction="down",
    owner="representative",
    look_alikes="Spread of leads, where some work fewer days.",
    source="salesops_lib.leads.routing.spread",
)
UNOWNED = _metric(
    "unowned_share",
    "Leads without an owner",
    "How many leads of the last half year nobody has.",
    "leads without an owner ÷ leads",
    population="Leads created in the last 182 days, where any lead names an owner.",
    clock="Creation of the lead.",
    maturity="At once.",
    good_direction="down",
    owner="representative",
    look_alikes="Leads never touched, which may have an owner.",
    source="salesops_lib.leads.owners.routing_balance",
)
REASSIGNED = _metric(
    "reassigned_share",
    "Leads passed to another owner",
    "How many leads of the last half year changed hands.",
    "leads with a second owner ÷ leads of which it is known, those never given included",
    population="Leads created in the last 182 days, where lead_owners or a count in leads tells.",
    clock="Creation of the lead.",
    maturity="At once.",
    good_direction="down",
    owner="representative",
    look_alikes="Number of reassignments, of which a lead may have several; what passing on goes with.",
    source="salesops_lib.leads.owners.reassignments",
)
LEAKS = _metric(
    "leaking_columns",
    "Columns a score must not see",
    "How many filled columns are stamped after the lead came in, or give the outcome away.",
    "columns that the leakage audit refuses",
    unit="count",
    population="Columns of leads with any value.",
    good_direction="down",
    look_alikes="Columns of the process itself, which are never offered to a score.",
    source="salesops_lib.leads.audit.leakage_audit",
)
AUC = _metric(
    "score_auc",
    "Ranking of the score in its worst window",
    "How likely a converting lead is scored above another one, in the worst of the last windows.",
    "lowest in-window AUC over the rolling windows",
    population="Matured leads of the last half, tested on models that knew only what came before.",
    look_alikes="Pooled AUC, which drifting base rates flatter.",
    source="salesops_lib.leads.evaluation.evaluate",
)
BIAS = _metric(
    "score_bias",
    "Calibration of the score",
    "How far the score's average lies off what then converted in the last window.",
    "|predicted ÷ actual − 1| of the last window, recalibrated by the one before",
    population="Matured leads of the last window.",
    good_direction="down",
    look_alikes="AUC, which a wrong level does not touch.",
    source="salesops_lib.leads.evaluation.evaluate",
)
DRIFT = _metric(
    "score_drift",
    "Drift of the score",
    "How different the leads that came in last are from those the score was tested on.",
    "population stability index of the score, leads of the last horizon against tested ones",
    population="Leads created within the horizon.",
    maturity="From 30 such leads on.",
    good_direction="down",
    look_alikes="A change of conversion, which may come without drift.",
    source="salesops_lib.leads.evaluation.population_stability",
)
LIFT = _metric(
    "score_lift",
    "Lift of the best tenth",
    "How many times as often the best tenth by score converts as all leads do.",
    "conversion of the top tenth ÷ conversion of all, windows pooled",
    population="Matured leads of the tested windows.",
    look_alikes="Share of conversions in the top tenth, which is a tenth of it.",
    source="salesops_lib.leads.evaluation.lift_table",
)
FAULTY = _metric(
    "faulty_share",
    "Leads with a faulty cell",
    "How many leads have a placeholder, a damaged cell or a stamp that cannot be.",
    "leads with a row in lead_faults ÷ leads",
    population="All leads.",
    clock="None.",
    exclusions="None.",
    maturity="At once.",
    good_direction="down",
    owner="representative",
    look_alikes="Empty cells, which data_quality counts.",
    source="salesops_lib.leads.lifecycle.checked_leads",
)

METRICS = (
    CONVERSION,
    SLA,
    UNTOUCHED,
    SOURCE_GAP,
    ROI,
    CHANGE,
    SPEED,
    ROUTING,
    UNOWNED,
    REASSIGNED,
    LEAKS,
    AUC,
    BIAS,
    DRIFT,
    LIFT,
    FAULTY,
)
