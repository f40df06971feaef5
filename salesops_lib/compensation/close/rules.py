"""The rules a commission close is judged by: code, metric, policy value, owner, due, playbook section."""

from __future__ import annotations

from salesops_lib.compensation.close import metrics
from salesops_lib.core.findings import Rule

_CLOSE = "how-to/compensation/close-commissions.md"
_DISPUTE = "how-to/compensation/handle-a-dispute.md"

LATE = Rule(
    code="F-COMP-LATE", metric=metrics.CLOSE_AGE, title="A month waits to be closed",
    policy="close_days_max", keep="below", min_n=1, owner="analyst", due="today", due_days=0,
    playbook=_CLOSE, counts="months",
)  # fmt: skip
DISPUTED = Rule(
    code="F-COMP-DISPUTE", metric=metrics.DISPUTED, title="Statements disputed",
    policy="disputed_share_max", keep="below", min_n=8, owner="sales ops manager",
    due="within 5 business days", due_days=7, playbook=_DISPUTE, counts="statements",
)  # fmt: skip
UNCLEAR = Rule(
    code="F-COMP-UNCLEAR", metric=metrics.UNCLEAR, title="One rule disputed again and again",
    policy="disputes_of_a_rule_max", keep="below", min_n=1, owner="sales ops manager",
    due="before the next close", due_days=14, playbook=_DISPUTE, counts="statements",
)  # fmt: skip
CORRECTED = Rule(
    code="F-COMP-CORRECTION", metric=metrics.CORRECTED, title="Largest correction of a closed month",
    policy="correction_share_max", keep="below", min_n=1, owner="analyst",
    due="before the statements go out", due_days=3, playbook=_CLOSE, counts="payees",
)  # fmt: skip
HELD = Rule(
    code="F-COMP-HELD", metric=metrics.HELD, title="Earned pay held back",
    policy="held_share_max", keep="below", min_n=1, owner="finance", due="within 10 business days",
    due_days=14, playbook=_CLOSE, counts="payees",
)  # fmt: skip
RATE = Rule(
    code="F-COMP-RATE", metric=metrics.RATE, title="Incentive pay per unit of bookings",
    policy="effective_rate_max", keep="below", min_n=3, owner="head of sales",
    due="with the next plan review", due_days=30, playbook=_CLOSE, counts="months",
)  # fmt: skip
STANDIN = Rule(
    code="F-COMP-STANDIN", metric=metrics.STOOD_IN, title="Pay rests on a quota that stands in",
    policy="stood_in_max", keep="below", min_n=1, owner="sales ops manager",
    due="before the statements are signed", due_days=2, playbook=_CLOSE, counts="payees",
)  # fmt: skip
OWED = Rule(
    code="F-COMP-OWED", metric=metrics.OWED, title="Pay to be recovered",
    policy="owed_share_max", keep="below", min_n=1, owner="finance", due="within 10 business days",
    due_days=14, playbook=_CLOSE, counts="payees",
)  # fmt: skip
TIE = Rule(
    code="F-COMP-TIE", metric=metrics.TIES, title="The close adds up",
    policy="broken_ties_max", keep="below", min_n=1, owner="analyst", due="today", due_days=0,
    playbook=_CLOSE, counts="identities",
)  # fmt: skip

CLOSE_RULES = (LATE, DISPUTED, UNCLEAR, CORRECTED, HELD, RATE, STANDIN, OWED, TIE)
