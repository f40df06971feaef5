"""What is wrong with a plan: a code, a place in a file, a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from salesops_lib.core.errors import UserError

Severity = Literal["error", "warning", "note"]

CODES = {
    "E001": "the file cannot be read as YAML, or is no mapping",
    "E002": "a key stands twice in one mapping",
    "E003": "a number is a binary float: exponent, infinity, more digits than a decimal has, `!!float`",
    "E004": "a key that the language does not have",
    "E005": "a key is missing",
    "E006": "a value has the wrong form",
    "E010": "dates are reversed: the end is not after the start",
    "E021": "the base salary is above target total cash",
    "E030": "a quota is not above 0",
    "E031": "a ramp falls, or leaves 0 to 1",
    "E102": "the first tier does not start at 0: a gap below it",
    "E103": "two tiers start at the same value: an overlap",
    "E104": "tiers are not in increasing order",
    "E105": "a rate is negative",
    "E106": "a retroactive or fixed rate falls in a higher tier",
    "E107": "a weight or share is outside 0 to 1",
    "E108": "a component's or the plan's cap is under 100 % of target",
    "E110": "a curve does not start at 0, or at a payout of 0, or has a negative point",
    "E111": "curve points are not in increasing order",
    "E112": "a curve jumps and `allow_jump` does not say so",
    "E113": "a curve's payout falls",
    "E120": "a matrix has not one value for each row and column",
    "E121": "rows or columns of a matrix are not in increasing order",
    "E122": "a matrix' payout falls along a row or column, or is negative",
    "E130": "a draw is incomplete or contradicts itself",
    "E131": "a draw's recovery is wrong: rate outside 0 to 1, negative floor, recovery of what is not owed",
    "E201": "an id stands twice",
    "E202": "a measure that the plan does not declare",
    "E203": "attainment of a measure without a quota",
    "E204": "weights do not add up to 1",
    "E205": "a hold on a component that the plan does not have, or on one without deals",
    "E206": "more than 100 % of a deal is credited without an overlay",
    "E207": "payout at target is not the target incentive, or the target is not said",
    "E208": "two versions of a plan hold on one day",
    "E209": "amounts in another currency, and no rate",
    "E210": "gates form a circle",
    "E211": "a clawback without a window",
    "E212": "two plans of one role hold on one day",
    "E213": "a key does not fit the method, measure or rate unit it stands with",
    "W301": "a jump in dollars at a boundary",
    "W302": "a slope above 5 times the base rate",
    "W303": "quota divided by target cash is outside 4 to 8",
    "W304": "an accelerator above 3 times the base rate with no cap",
    "W305": "more than three measures",
    "W306": "a weight under 10 %",
    "W307": "a threshold above the 10th percentile of history",
    "N401": "outside the sum of target incentive",
    "N402": "a multiplier that is not 1 at target",
}
"""Every code of a plan and what it means, as in data/plans/README.md."""

ROW_CODES = {
    "E301": "nobody to credit: no `rep_id`",
    "E302": "a date that is none, or outside the fiscal calendar",
    "E303": "a number that is none, or a binary float",
    "E304": "a payee who is no holder, or not of the role",
    "E305": "shares of a split, or amounts of its rows, that do not agree",
    "E306": "an event, or a rate, that stands twice",
    "E307": "spells of a holder that overlap, or two hire dates",
    "E308": "a column, or a kind of event, that is missing",
}
"""Codes of rows of events, holders and rates; E005, E010, E021, E030, E107, E203, E206, E209, E212 too."""


class PlanError(UserError):
    """A plan, its events or its holders are wrong; the message has a line for each fault."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one file. ``line`` is 0 where no line can be named; ``subject`` is the part's id."""

    file: str
    line: int
    code: str
    subject: str
    message: str
    at: tuple = field(default=(), compare=False)

    @property
    def severity(self) -> Severity:
        """Error (E…), warning (W…) or note (N…)."""
        return {"E": "error", "W": "warning"}.get(self.code[0], "note")

    def __str__(self) -> str:
        """``data/plans/ae.yaml:31 E103 acv_commission: two tiers start at 1 (overlap)``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} {self.code} {self.subject}: {self.message}"


def errors(faults: Iterable[Fault]) -> list[Fault]:
    """Those that refuse the plan, by file and line."""
    return sorted(f for f in faults if f.severity == "error")
