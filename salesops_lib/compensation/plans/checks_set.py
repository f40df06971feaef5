"""Checks across plans: versions of one plan, plans of one role, currencies of the company."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from salesops_lib.compensation.plans.faults import Fault
from salesops_lib.compensation.plans.load import Loaded

Found = Iterator[Fault]


def e208(plans: Sequence[Loaded]) -> Found:
    """Two versions of one plan on one day, or one version twice."""
    for one, two in combinations(plans, 2):
        if one.plan.id != two.plan.id:
            continue
        if one.plan.version == two.plan.version:
            said = f"version {two.plan.version} of {two.plan.id} stands in {one.file} too"
            yield two.fault("E208", ("version",), f"{said}; give each its own number")
        elif day := _shared_day(one, two):
            said = f"version {one.plan.version} ({one.file}) also holds on {day}"
            yield two.fault("E208", ("effective",), f"{said}; end it before this one starts")


def e209(plans: Sequence[Loaded], reporting_currency: str | None) -> Found:
    """A plan in another currency than the company's amounts, without rates."""
    for loaded in plans:
        plan = loaded.plan
        if reporting_currency and plan.currency != reporting_currency and plan.fx is None:
            said = f"the plan pays {plan.currency}, the company's amounts are in {reporting_currency}"
            yield loaded.fault("E209", ("currency",), f"{said}; say fx: which rate converts them")


def e212(plans: Sequence[Loaded]) -> Found:
    """Two plans of one role on one day."""
    for one, two in combinations(plans, 2):
        shared = sorted(set(one.plan.roles) & set(two.plan.roles))
        if one.plan.id != two.plan.id and shared and (day := _shared_day(one, two)):
            said = f"role {shared[0]} is also on {one.plan.id} ({one.file}) on {day}"
            yield two.fault("E212", ("roles",), f"{said}; a role has one plan a day")


def _shared_day(one: Loaded, two: Loaded) -> str:
    """The first day on which both hold, empty where there is none."""
    first = max(one.plan.start, two.plan.start)
    return str(first) if first < min(one.plan.end, two.plan.end) else ""
