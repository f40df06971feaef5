"""What is wrong with plans: every check of every file, in one run."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from salesops_lib.compensation.plans import (
    checks_curves,
    checks_fit,
    checks_plan,
    checks_set,
    checks_terms,
    checks_warnings,
)
from salesops_lib.compensation.plans.faults import Fault, PlanError, errors
from salesops_lib.compensation.plans.load import Loaded, load_plan
from salesops_lib.compensation.plans.plan import Plan

OF_ONE = (*checks_curves.CHECKS, *checks_terms.CHECKS, *checks_plan.CHECKS, *checks_fit.CHECKS)
_SPOILT = {
    "measures": {"E203", "E207"},
    "components": {"E204", "E207", "E210"},
    "credits": {"E206"},
    "pay": {"E021", "E204", "E207", "E108"},
    "fx": {"E209"},
    "currency": {"E209"},
    "effective": {"E208", "E212", "E010"},
    "id": {"E208", "E212"},
    "version": {"E208"},
    "roles": {"E212"},
    "pay_period": {"E130"},
}
"""Checks that say nothing where a part of the plan could not be read."""


def check_texts(
    texts: Sequence[tuple[str, str]],
    reporting_currency: str | None = None,
    history: Mapping[str, Mapping[str, Sequence[Fraction]]] | None = None,
) -> list[Fault]:
    """Every fault of every plan, by file and line.

    Parameters
    ----------
    texts
        (name of the file, its text).
    reporting_currency
        Of the company; None: not known.
    history
        Plan id → measure → attainments of the past, for W307.
    """
    read = [load_plan(text, file) for file, text in texts]
    found = [fault for loaded in read for fault in of_one(loaded, (history or {}))]
    whole = [loaded for loaded in read if loaded.plan is not None]
    across = [*checks_set.e208(whole), *checks_set.e212(whole)]
    across += checks_set.e209(whole, reporting_currency)
    found += [f for f in across if not _is_spoilt(f, read)]
    return sorted(set(found))


def of_one(loaded: Loaded, history: Mapping[str, Mapping[str, Sequence[Fraction]]]) -> list[Fault]:
    """The faults of one plan; warnings only where it has no error."""
    found = list(loaded.faults)
    if loaded.plan is None:
        return found
    found += [f for check in OF_ONE for f in check(loaded) if not _is_spoilt(f, [loaded])]
    if not errors(found):
        found += [f for check in checks_warnings.CHECKS for f in check(loaded)]
        found += checks_warnings.w307(loaded, history.get(loaded.plan.id, {}))
    return found


def checked_plans(texts: Sequence[tuple[str, str]]) -> list[Plan]:
    """Plans without an error. Raises PlanError with a line for each error of each file."""
    return list(_checked(tuple((file, text) for file, text in texts)))


def plans_in_use(
    texts: Iterable[tuple[str, str]], on: Container[str]
) -> tuple[list[tuple[str, str]], set[str]]:
    """Texts of plans that somebody is ``on`` (plan ids), or that cannot be read; and the ids of all.

    A shipped plan that nobody is on must not refuse a company that has plans of its own.
    """
    kept, ids = [], set()
    for name, text in texts:
        plan = load_plan(text, name).plan
        ids |= {plan.id} if plan is not None else set()
        if plan is None or plan.id in on:
            kept.append((name, text))
    return kept, ids


@lru_cache(maxsize=64)  # a close asks for the same plans several times
def _checked(texts: tuple[tuple[str, str], ...]) -> tuple[Plan, ...]:
    found = errors(check_texts(texts))
    if found:
        raise PlanError("\n".join(str(f) for f in found))
    return tuple(load_plan(text, file).plan for file, text in texts)


def _is_spoilt(fault: Fault, read: Sequence[Loaded]) -> bool:
    parts = {at[0] for loaded in read if loaded.file == fault.file for at in loaded.left_out if at}
    return any(fault.code in _SPOILT.get(part, ()) for part in parts)
