"""Checks of the terms around the components, one function per code."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.faults import Fault
from salesops_lib.compensation.plans.load import Loaded
from salesops_lib.compensation.plans.windows import PER_YEAR

Found = Iterator[Fault]


def e010(loaded: Loaded) -> Found:
    """An end that is not after its start."""
    terms = loaded.plan.effective
    if terms.to is not None and terms.to <= terms.from_:
        said = f"it ends on {terms.to}, not after its start on {terms.from_}"
        yield loaded.fault("E010", ("effective", "to"), f"{said}; correct the dates")
    for at, spiff in loaded.parts("spiffs"):
        if spiff.to <= spiff.from_:
            said = f"it ends on {spiff.to}, not after its start on {spiff.from_}"
            yield loaded.fault("E010", (*at, "to"), f"{said}; correct the dates")


def e021(loaded: Loaded) -> Found:
    """A base salary above target cash, or pay below 0."""
    pay = loaded.plan.pay
    if pay is not None and pay.base_salary > pay.target_total_cash:
        said = (
            f"base_salary {plain(pay.base_salary)} is above target_total_cash {plain(pay.target_total_cash)}"
        )
        yield loaded.fault("E021", ("pay", "base_salary"), said)
    if pay is not None and min(pay.base_salary, pay.target_total_cash) < 0:
        yield loaded.fault("E021", ("pay",), "pay is below 0")


def e030(loaded: Loaded) -> Found:
    """A quota, or an over-assignment, that is not above 0."""
    for name, measure in loaded.plan.measures.items():
        for key in ("value", "over_assignment"):
            figure = getattr(measure.quota, key, None)
            if figure is not None and figure <= 0:
                said = f"{key} is {plain(figure)}; a quota is above 0"
                yield loaded.fault("E030", ("measures", name, "quota", key), said)


def e031(loaded: Loaded) -> Found:
    """A ramp that falls or leaves 0 to 1."""
    for name, measure in loaded.plan.measures.items():
        ramp = measure.quota.ramp if measure.quota else ()
        for k, share in enumerate(ramp):
            at = ("measures", name, "quota", "ramp", k)
            if not 0 <= share <= 1:
                yield loaded.fault("E031", at, f"month {k + 1} has {plain(share)}; a ramp stays in 0 to 1")
            elif k and share < ramp[k - 1]:
                said = f"the ramp falls from {plain(ramp[k - 1])} to {plain(share)} in month {k + 1}"
                yield loaded.fault("E031", at, said)


def e107(loaded: Loaded) -> Found:
    """A weight or share outside 0 to 1."""
    shares = [((*at, "weight"), c.weight) for at, c in loaded.parts("components")]
    shares += [((*at, "share"), h.share) for at, h in loaded.parts("holds")]
    shares += [((*at, "funding", "share"), p.funding.share) for at, p in loaded.parts("pool")]
    shares += [((*at, "share"), c.share) for at, c in loaded.parts("credits") if hasattr(c, "share")]
    shares.append((("overpayment", "rate"), loaded.plan.overpayment.rate))
    if loaded.plan.clawback:
        shares += [
            (("clawback", "steps", k, "share"), s.share) for k, s in enumerate(loaded.plan.clawback.steps)
        ]
    for at, share in shares:
        if share < 0 or (share > 1 and at[0] != "credits"):
            yield loaded.fault("E107", at, f"{at[-1]} is {plain(share)}, outside 0 to 1")


def e108(loaded: Loaded) -> Found:
    """A cap under 100 % of target; one per deal does not count."""
    plan = loaded.plan
    capped = [
        ((*at, "cap"), c.cap, c.weight, (c.cap.period or plan.measures[c.measure].period))
        for at, c in loaded.parts("components")
        if c.cap is not None and c.measure in plan.measures and c.weight > 0
    ]
    if plan.cap is not None:
        capped.append((("cap",), plan.cap, 1, plan.cap.period or "year"))
    for at, cap, weight, kind in capped:
        target = Fraction(plan.target_incentive) * Fraction(weight) / PER_YEAR[kind]
        if cap.share_of_target is not None and cap.share_of_target < 1:
            said = f"the cap of {plain(cap.share_of_target)} is under 100 % of target"
            yield loaded.fault("E108", (*at, "share_of_target"), said)
        if cap.amount is not None and cap.amount < target:
            said = f"the cap of {plain(cap.amount)} a {kind} is under the target incentive of {plain(target)}"
            yield loaded.fault("E108", (*at, "amount"), said)


def e130(loaded: Loaded) -> Found:
    """A draw that is incomplete or contradicts itself."""
    draw = loaded.plan.draw
    if draw is None:
        return
    if draw.amount <= 0:
        yield loaded.fault("E130", ("draw", "amount"), f"the amount is {plain(draw.amount)}; it is above 0")
    if draw.period != loaded.plan.pay_period:
        said = f"a draw per {draw.period}, but pay per {loaded.plan.pay_period}; they must be the same"
        yield loaded.fault("E130", ("draw", "period"), said)
    if draw.from_tenure_month < 1:
        yield loaded.fault("E130", ("draw", "from_tenure_month"), "months of tenure count from 1")
    if draw.to_tenure_month is not None and draw.to_tenure_month < draw.from_tenure_month:
        said = f"it ends in month {draw.to_tenure_month}, before it starts in {draw.from_tenure_month}"
        yield loaded.fault("E130", ("draw", "to_tenure_month"), said)
    if draw.kind == "recoverable" and draw.recovery is None:
        yield loaded.fault(
            "E130", ("draw",), "a recoverable draw needs recovery: starts, rate, floor, forgive_at_end"
        )


def e131(loaded: Loaded) -> Found:
    """A recovery that is wrong, or of what is not owed."""
    draw = loaded.plan.draw
    recovery = draw.recovery if draw else None
    if recovery is None:
        return
    at = ("draw", "recovery")
    if draw.kind == "non_recoverable":
        yield loaded.fault("E131", at, "a non-recoverable draw is not owed; leave recovery out")
    if not 0 < recovery.rate <= 1:
        yield loaded.fault(
            "E131", (*at, "rate"), f"the rate is {plain(recovery.rate)}; it is above 0, at most 1"
        )
    if not isinstance(recovery.floor, str) and recovery.floor < 0:
        yield loaded.fault("E131", (*at, "floor"), f"the floor is {plain(recovery.floor)}, below 0")
    if recovery.starts == "after_draw_ends":
        if draw.to_tenure_month is None:
            yield loaded.fault(
                "E131", (*at, "starts"), "the draw has no end to recover after; give to_tenure_month"
            )
        if recovery.forgive_at_end:
            said = "what is forgiven at the end cannot be recovered after it; choose one"
            yield loaded.fault("E131", (*at, "forgive_at_end"), said)


def e211(loaded: Loaded) -> Found:
    """A clawback without a window, or with steps that do not fit it."""
    terms = loaded.plan.clawback
    if terms is None:
        return
    if terms.window_days is None or terms.window_days <= 0:
        said = "a clawback needs window_days above 0: how long after the event pay can come back"
        yield loaded.fault("E211", ("clawback", "window_days"), said)
    days = [s.to_day for s in terms.steps]
    if (terms.schedule == "steps") != bool(terms.steps):
        yield loaded.fault(
            "E211", ("clawback", "schedule"), "schedule: steps and the list steps belong together"
        )
    elif any(b <= a for a, b in pairwise(days)) or (days and days[0] <= 0):
        yield loaded.fault("E211", ("clawback", "steps"), "to_day of the steps rises and is above 0")


CHECKS = (e010, e021, e030, e031, e107, e108, e130, e131, e211)
