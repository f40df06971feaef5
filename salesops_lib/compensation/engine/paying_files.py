"""A plan paid on files: texts and rows as read in, options as typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import pandas as pd

from salesops_lib.compensation.engine.currency import rates_from
from salesops_lib.compensation.engine.pay import Inputs, Paid, pay
from salesops_lib.compensation.plans.checks import checked_plans
from salesops_lib.compensation.plans.exact import fraction
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import calendar_from
from salesops_lib.core.errors import ParameterError, nearest

NamedRows = tuple[str, pd.DataFrame] | None


@dataclass(frozen=True)
class Options:
    """As typed: ``quotas`` of the form ``measure=figure``, ``through`` a day or empty."""

    quotas: tuple[str, ...] = ()
    through: str = ""
    first_month: int | None = None
    fx_base: str | None = None


def paid_from(texts: Sequence[tuple[str, str]], rows: Mapping[str, NamedRows], options: Options) -> Paid:
    """The pay of the plan in ``texts`` (its versions) on ``rows``: events, holders, fx with their names.

    Raises PlanError for faults of plan or rows, ParameterError for an option.
    """
    plans = checked_plans(texts)
    ids = sorted({p.id for p in plans})
    if len(ids) > 1:
        raise ParameterError(
            f"these are {len(ids)} plans ({', '.join(ids)}); pay one at a time, in its versions"
        )
    holders, fx = rows.get("holders"), rows.get("fx")
    first = min(p.start for p in plans)
    return pay(
        plans,
        Inputs(
            events=rows["events"][1],
            holders=holders[1] if holders else None,
            rates=rates_from(fx[1], fx[0], options.fx_base) if fx else None,
            calendar=calendar_from(first, options.first_month),
            quotas=dict(_quota(text, plans) for text in options.quotas),
            through=_day(options.through),
            events_file=rows["events"][0],
            holders_file=holders[0] if holders else "holders",
        ),
    )


def _quota(text: str, plans: list[Plan]) -> tuple[str, Fraction]:
    name, sign, figure = text.partition("=")
    known = sorted({n for p in plans for n, m in p.measures.items() if m.quota})
    if name not in known:
        raise ParameterError(f"--quota {text}: no measure '{name}' with a quota. {nearest(name, known)}")
    try:
        value = fraction(figure)
    except ValueError:
        value = Fraction(0)
    if not sign or value <= 0:
        raise ParameterError(f"--quota {text}: write a figure above 0, such as {name}=1200000")
    return name, value


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ParameterError(f"--through {text} is no day; write it as 2026-06-30") from None
