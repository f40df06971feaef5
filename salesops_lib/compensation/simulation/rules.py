"""The rules a plan is judged by before it is signed: code, metric, policy value, owner, due, playbook."""

from __future__ import annotations

from salesops_lib.compensation.simulation import metrics
from salesops_lib.core.findings import Rule

_PAGE = "how-to/compensation/design-comp-plan.md"
_LOCK = "before the plan is locked"
MIN_PERIODS = 4
MIN_SEATS = 8
_OF = {MIN_PERIODS: "past periods", MIN_SEATS: "seats"}
_COUNTS = {"GAME": "actions tried", "REPLAY": "exact totals"}


def _rule(code: str, metric, title: str, limit: tuple[str, str], min_n: int, owner: str) -> Rule:
    policy, keep = limit
    return Rule(
        code=f"F-COMPSIM-{code}", metric=metric, title=title, policy=policy, keep=keep, min_n=min_n,
        owner=owner, due=_LOCK, due_days=21, playbook=_PAGE, counts=_COUNTS.get(code) or _OF[min_n],
    )  # fmt: skip


OVERSPEND = _rule(
    "OVERSPEND", metrics.OVERSPEND, "Incentive pay over budget in a dear year",
    ("overspend_p90_max", "below"), MIN_PERIODS, "head of sales",
)  # fmt: skip
CHANCE = _rule(
    "CHANCE",
    metrics.OVER_CHANCE,
    "Chance of overspend",
    ("overspend_chance_max", "below"),
    MIN_PERIODS,
    "finance",
)
CCOS = _rule(
    "CCOS", metrics.CCOS, "Compensation cost of sales", ("ccos_max", "below"), MIN_PERIODS, "finance"
)
PER_SALE = _rule(
    "MARGINAL", metrics.PER_SALE, "Pay for the next dollar of sales", ("per_sale_max", "below"), MIN_PERIODS,
    "finance",
)  # fmt: skip
LOSERS = _rule(
    "LOSERS", metrics.LOSERS, "Seats that lose a tenth of their pay", ("losers_max", "below"), MIN_SEATS,
    "head of sales",
)  # fmt: skip
FEW_AT_QUOTA = _rule(
    "QUOTA", metrics.AT_QUOTA, "Share at quota", ("at_quota_min", "above"), MIN_SEATS, "sales ops manager"
)
MANY_AT_QUOTA = _rule(
    "EASY", metrics.AT_QUOTA, "Share at quota, upper end", ("at_quota_max", "below"), MIN_SEATS,
    "sales ops manager",
)  # fmt: skip
THRESHOLD = _rule(
    "THRESHOLD", metrics.AT_THRESHOLD, "Share at threshold", ("at_threshold_min", "above"), MIN_SEATS,
    "sales ops manager",
)  # fmt: skip
CAP = _rule(
    "CAP", metrics.CAP_SHARE, "Caps that bind", ("cap_share_max", "below"), MIN_SEATS, "sales ops manager"
)
CORRELATION = _rule(
    "CORRELATION", metrics.PAY_PERFORMANCE, "Pay follows results", ("correlation_min", "above"), MIN_SEATS,
    "sales ops manager",
)  # fmt: skip
GAME = _rule("GAME", metrics.GAME_GAIN, "Gain from gaming the plan", ("game_gain_max", "below"), 1, "analyst")
EQUITY = _rule(
    "EQUITY", metrics.EQUITY, "Pay gap at the same role and results", ("equity_gap_max", "below"), MIN_SEATS,
    "head of sales",
)  # fmt: skip
REPLAY = _rule(
    "REPLAY", metrics.REPLAY, "Simulation against the engine", ("replay_max", "below"), 1, "analyst"
)

SIMULATION_RULES = (
    OVERSPEND, CHANCE, CCOS, PER_SALE, LOSERS, FEW_AT_QUOTA, MANY_AT_QUOTA, THRESHOLD, CAP, CORRELATION, GAME,
    EQUITY, REPLAY,
)  # fmt: skip
