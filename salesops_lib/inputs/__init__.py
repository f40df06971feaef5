"""The only door to data: company folders and databases, contracts, reading as of a day, import, check.

Names load on first use, so that ``salesops --version`` does not pay for the data libraries.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Company": "company",
    "CompanyError": "company",
    "Snapshot": "load",
    "open_snapshot": "load",
    "Breach": "breaches",
    "CheckResult": "checking.check",
    "check_company": "checking.check",
    "feeds": "checking.readiness",
    "lacking": "checking.readiness",
    "failing_gate": "checking.gate",
    "doctor": "checking.machine",
    "init_company": "folder",
    "migrate_company": "folder",
    "plan_files": "plans",
    "proposed_plan_files": "plans",
    "plan_texts": "plan_text_files",
    "company_above": "plan_text_files",
    "read_rows": "delimited",
    "write_files": "writing",
    "read_ledger": "ledger",
    "append": "ledger",
    "write_frozen": "frozen_files",
    "read_frozen": "frozen_files",
    "cut_view": "cutting.cut",
    "read_audience": "cutting.cut",
    "plan_rates": "fx",
    "to_base": "fx",
    "RateError": "fx",
}
"""Where each name lives. No module is called after a name: Python would then give the module instead."""

_MODULES = ("tables", "warehouse", "company", "load")


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*_HOME, *_MODULES])
