"""The terms of a plan in sentences, with a payee's target and quota: what a line's arithmetic rests on."""

from __future__ import annotations

from fractions import Fraction

from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import needs_target
from salesops_lib.compensation.plans.windows import Window

_UNITS = {
    "percent": "{} % of it", "multiple_of_base": "{} × the base rate", "share_of_target": "{} of target",
    "amount": "{} in money",
}  # fmt: skip


def plan_words(paying: Paying, rep: str, plan: Plan, day: int) -> list[tuple[str, str]]:
    """(name, sentences) of each component, SPIFF, hold, draw, clawback and cap of a plan version.

    Targets and quotas are the payee's, of the windows that the day (an ordinal) lies in.
    """
    period = paying.period(day)
    said = [(c.id, _component(paying, rep, plan, c, day)) for c in plan.components]
    said += [
        (
            s.id,
            f"{plain(s.pays)} {'percent of ' + s.field if s.field else 'per ' + s.per}, {s.from_} to {s.to}",
        )
        for s in plan.spiffs
        if s.from_.toordinal() <= day and s.to.toordinal() > period.start
    ]
    said += [
        (
            "hold",
            f"{_share(h.share)} of each line of {h.component} is kept until {h.release_on.replace('_', ' ')}",
        )
        for h in plan.holds
    ]
    draw = plan.draw
    if draw is not None:
        months = f"months {draw.from_tenure_month} to {draw.to_tenure_month or 'the last'} of tenure"
        back = ""
        if draw.recovery is not None:
            floor = {"draw": plain(draw.amount), "none": "0"}.get(str(draw.recovery.floor))
            above = floor if floor is not None else plain(draw.recovery.floor)
            starts = "at once" if draw.recovery.starts == "immediate" else "when these months are over"
            back = f"; recovered {starts}, {_share(draw.recovery.rate)} of what lies above {above}"
            back += "; what is left at their end is forgiven" if draw.recovery.forgive_at_end else ""
        said.append(
            ("draw", f"{draw.kind.replace('_', '-')}: topped up to {plain(draw.amount)} in {months}{back}")
        )
    claw = plan.clawback
    if claw is not None:
        said.append(
            (
                "clawback",
                f"{', '.join(claw.trigger).replace('_', ' ')} within {claw.window_days} days takes back "
                f"{_SCHEDULES.get(claw.schedule) or _steps(claw)}"
                f"{' of what was paid' if claw.only_paid else ''}",
            )
        )
    return said


_SCHEDULES = {"full": "all", "linear": "the share of the days that are left"}


def _steps(claw) -> str:
    return "; ".join(f"{_share(s.share)} up to day {s.to_day}" for s in claw.steps)


def _component(paying: Paying, rep: str, plan: Plan, component, day: int) -> str:
    measure = plan.measure(component.measure)
    window = paying.windows.at(measure.period, day)
    name = paying.windows.name(window)
    kind = "each deal" if component.as_earned else f"the {measure.period} when it ends"
    said = [f"Pays {kind} on {component.measure}, counted by {measure.period}."]
    if needs_target(component):
        whole = paying.prorated.target(rep, plan, window)
        mine = whole * Fraction(component.weight)
        said.append(
            f"Target in {name}: {_money(whole)} target incentive × {_share(component.weight)} = "
            f"{_money(mine)}."
        )
        quota = _quota(paying, rep, plan, component, window)
        if quota and component.rate_unit == "multiple_of_base":
            said.append(f"Base rate: {_money(mine)} ÷ quota {plain(quota)}.")
    said.append(_curve(component))
    said += [f"Multiplied by {m.measure}: {_points(m.points or [(t.from_, t.rate) for t in m.tiers])}."
             for m in component.multipliers]  # fmt: skip
    for gate in component.gates:
        at = gate.attainment_at_least if gate.attainment_at_least is not None else gate.value_at_least
        said.append(
            f"Only with {gate.measure or gate.component} {'≥ ' + _share(at) if at is not None else ''}."
        )
    if component.cap is not None:
        cap = component.cap
        parts = [f"{plain(cap.per_deal)} per deal" if cap.per_deal is not None else ""]
        parts += [f"{plain(cap.amount)} per {cap.period or measure.period}" if cap.amount is not None else ""]
        parts += [f"{_share(cap.share_of_target)} of target" if cap.share_of_target is not None else ""]
        said.append(f"At most {', '.join(filter(None, parts))}.")
    return " ".join(said)


def _curve(component) -> str:
    unit = _UNITS[component.rate_unit]
    if component.method == "matrix":
        return _matrix(component)
    if component.method == "interpolated":
        return f"Payout by points, straight between: {_points(component.points)} ({unit.format('share')})."
    if component.method == "step":
        return f"Steps: {_bands(component, unit)}."
    how = "each band at its own rate" if component.method == "marginal" else "everything at the rate reached"
    return f"{how[0].upper()}{how[1:]}: {_bands(component, unit)}."


def _bands(component, unit: str) -> str:
    return "; ".join(f"from {_at(component, t.from_)}: {unit.format(plain(t.rate))}" for t in component.tiers)


def _matrix(component) -> str:
    """The whole table: without it a payout could not be done again."""
    rows = "; ".join(
        f"at {plain(row)}: {', '.join(map(plain, cells))}"
        for row, cells in zip(component.rows, component.table, strict=True)
    )
    between = "straight between" if component.interpolate == "bilinear" else "the last row and column reached"
    return (
        f"Share of target read off a table of {component.measure} (rows) and {component.measure2} (columns "
        f"{', '.join(map(plain, component.cols))}), {between}: {rows}."
    )


def _at(component, value) -> str:
    return f"{_share(value)} of quota" if component.basis == "attainment" else plain(value)


def _points(points) -> str:
    return ", ".join(f"{plain(x)} → {plain(y)}" for x, y in points)


def _quota(paying: Paying, rep: str, plan: Plan, component, window: Window) -> Fraction | None:
    if plan.measure(component.measure).quota is None:
        return None
    return paying.measured.quota(rep, component.measure, plan, window)


def _share(value) -> str:
    return f"{plain(Fraction(value) * 100)} %"


def _money(value: Fraction) -> str:
    text = plain(value)
    return text if text.startswith("≈") or "." not in text else f"{float(value):,.2f}"
