"""Plans made of a few words, and their pay on a few rows."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from salesops_lib import inputs
from salesops_lib.compensation.close import closed
from salesops_lib.compensation.close.books import read_books
from salesops_lib.compensation.engine.currency import rates_from
from salesops_lib.compensation.engine.pay import Inputs, Paid, pay
from salesops_lib.compensation.plans.checks import checked_plans
from salesops_lib.compensation.plans.windows import calendar_from

ROOT = Path(__file__).parents[2]
BASE: dict[str, Any] = {
    "schema": "salesops.plan/1",
    "id": "case",
    "version": "1",
    "effective": {"from": "2026-01-01", "to": "2027-01-01"},
    "currency": "USD",
    "roles": ["Seller"],
    "rounding": {"unit": "0.01", "mode": "half_even"},
    "measures": {"sales": {"aggregate": "sum", "field": "amount", "event": "booked", "period": "year"}},
}
"""What a plan here has unless it says otherwise: a calendar year, USD, the sum of `amount` booked."""


def plan_text(content: dict[str, Any] | str) -> str:
    """A plan's YAML: of the file named, or of its own words over `BASE`."""
    if isinstance(content, str):
        return (ROOT / content).read_text(encoding="utf-8")
    return yaml.safe_dump({**BASE, **content}, sort_keys=False)


def paid_on(plan, events: list[dict], *, holders=None, quota=None, fx=None, **options) -> Paid:
    """The pay of a plan (or a list of its versions) on rows; all numbers as text."""
    written = plan if isinstance(plan, list) else [plan]
    plans = checked_plans([(f"plan{n}.yaml", plan_text(content)) for n, content in enumerate(written, 1)])
    return pay(
        plans,
        Inputs(
            events=pd.DataFrame(events, dtype="object"),
            holders=pd.DataFrame(holders, dtype="object") if holders else None,
            rates=rates_from(pd.DataFrame(fx, dtype="object")) if fx else None,
            calendar=options.pop("calendar", None) or calendar_from(min(p.start for p in plans)),
            quotas={m: Fraction(q) for m, q in (quota or {}).items()},
            **options,
        ),
    )


@pytest.fixture(scope="session")
def paid():
    """`paid_on`: the pay of a plan on rows."""
    return paid_on


@pytest.fixture(scope="session")
def text_of_plan():
    """`plan_text`: a plan's YAML from a few words."""
    return plan_text


@pytest.fixture(scope="session")
def november(sample):
    """The sample's November as known on 2025-12-12, worked out once: the draft and what it rests on.

    ``books``: a ledger with nothing posted.
    """
    snapshot, books = inputs.open_snapshot(sample, date(2025, 12, 12)), read_books([])
    texts, rates = inputs.plan_files(snapshot.company.root), inputs.plan_rates(snapshot)
    made, worked, taken = closed.drafted_from(snapshot, texts, books, "FY26-M10", rates)
    return SimpleNamespace(
        made=made, worked=worked, taken=taken, snapshot=snapshot, texts=texts, rates=rates, books=books
    )


@pytest.fixture(scope="session")
def office():
    """``desk_office``: a desk with books in memory, and hand-made lines to close."""
    name = "tests_compensation_desk_office"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("desk_office.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
